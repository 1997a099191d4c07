// SPDX-License-Identifier: BSD-2-Clause
#include "common/config/dataplane_fields.hpp"

#include "aya/flow.h"
#include "aya/shm.hpp"

namespace aya
{

namespace
{

constexpr unsigned kLastLcore = 127; // Debian's RTE_MAX_LCORE - 1

// What check_dataplane() says, as far as a schema can: which keys a port has depends on path and device.
constexpr const char *kRules = R"({
    "if": { "properties": { "path": { "const": "xdp" } }, "required": [ "path" ] },
    "then": { "properties": { "ports": { "items": { "properties": {
        "device": { "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$" },
        "punt": false, "queues": false, "mac": false } } } } },
    "else": {
        "required": [ "workers" ],
        "properties": { "workers": { "minItems": 1 } },
        "if": { "properties": { "path": { "const": "auto" } }, "required": [ "path" ] },
        "then": { "properties": { "ports": { "items": {
            "if": { "properties": { "device": { "pattern": "^(?!net_|eth_|virtio_user)[^:,]*$" } } },
            "then": { "properties": { "punt": false, "mac": false } },
            "else": { "properties": { "replace_program": { "const": false } } } } } } },
        "else": { "properties": { "ports": { "items": { "properties": {
            "replace_program": { "const": false } } } } } } } })";

} // namespace

template <>
const Fields<PortConfig> &fields()
{
    static const Fields<PortConfig> rows({
        field("device", &PortConfig::device, device_kind(),
              "PCI address, DPDK virtual device with its arguments, or name of a network interface")
            .required()
            .rule("each device once")
            .more("Examples: `0000:3b:00.0`, `net_af_xdp0,iface=eth1`, `eth1`."),
        field("punt", &PortConfig::punt, interface_kind(),
              "TAP interface through which packets for no VIP reach the kernel")
            .rule("each once")
            .more("AYA creates it; ARP, BGP, ssh and similar traffic pass through it to the kernel and back. "
                  "Without it such "
                  "packets are dropped and counted."),
        field("queues", &PortConfig::queues, integer_kind(1, kMaxWorkers), "Receive queues")
            .absent("one per worker"),
        field("mtu", &PortConfig::mtu, integer_kind(1280, 9600), // 1280: RFC 8200 section 5
              "Size of the largest IP packet, in bytes")
            .absent("the port's own")
            .more("With paths `xdp` and `auto` on a kernel interface, what AYA sends to backends is limited "
                  "to it, if it is less "
                  "than the interface's MTU, which stays as it is."),
        field("mac", &PortConfig::mac, mac_kind(), "MAC address of the port").absent("the port's own"),
        list_field("other_macs", &PortConfig::other_macs, mac_kind(), {0, AYA_OTHER_MACS},
                   "Further MAC addresses whose frames this port takes")
            .unique()
            .rule("each once")
            .more("For a virtual MAC address, such as VRRP's. Frames for other stations are not forwarded."),
        field("replace_program", &PortConfig::replace_program, boolean_kind(),
              "Replace an XDP program that is already attached to the interface")
            .rule("`true` with paths `\"xdp\"` and `\"auto\"` only")
            .more("Otherwise the start is refused with an error that names the program."),
    });
    return rows;
}

template <>
const Fields<DataplaneConfig> &fields()
{
    static const Fields<DataplaneConfig> rows(
        {
            field("path", &DataplaneConfig::path, word_kind<DataplanePath>(), "What forwards packets")
                .more("`dpdk`: the process `aya-dataplane`. `xdp`: a program in the kernel "
                      "([below](#path-xdp)). "
                      "`auto`: both on a kernel interface, the program whenever the process does not respond "
                      "([below](#path-auto))."),
            list_field("workers", &DataplaneConfig::workers, integer_kind(0, kLastLcore), {1, kMaxWorkers},
                       "lcore numbers of the workers, one worker per number")
                .required(
                    [](const DataplaneConfig &dataplane) { return dataplane.path != DataplanePath::xdp; },
                    "with `\"xdp\"`")
                .unique()
                .rule("each once")
                .more("Each worker is pinned to its core and polls its own queue of every port."),
            field("main_lcore", &DataplaneConfig::main_lcore, integer_kind(0, kLastLcore),
                  "lcore of the main thread, which serves the punt path")
                .absent("the lowest that no worker has")
                .rule("not a worker's"),
            field("flows_per_worker", &DataplaneConfig::flows_per_worker, power_of_two_kind(1024, 1 << 28),
                  "Flows that a worker remembers on each port")
                .more("With paths `xdp` and `auto`: per RX queue of an interface. Each takes 32 bytes: two "
                      "entries of "
                      "16, since a table of sets that is half full keeps nearly all."),
            objects_field("ports", &DataplaneConfig::ports, fields<PortConfig>(), {1, kMaxPorts},
                          "Network ports that the data plane uses"),
            field("idle_backoff", &DataplaneConfig::idle_backoff, boolean_kind(),
                  "Pause between polls of queues that stay empty")
                .more("`false` keeps one core per worker fully busy, and saves some microseconds on an idle "
                      "machine."),
            field("punt_limit", &DataplaneConfig::punt_limit, integer_kind(0, 100'000'000),
                  "Packets of class `rest` per second and worker that the kernel gets")
                .more("`0`: no limit for any class. With path `xdp`: per RX queue. ARP, neighbour discovery, "
                      "BGP, BFD and open TCP "
                      "connections have "
                      "[classes](dataplane.md#to-the-kernel-and-back) without a limit. A machine that also "
                      "routes, or serves "
                      "others by UDP, needs more."),
            field("huge_pages", &DataplaneConfig::huge_pages, boolean_kind(), "Take memory from huge pages")
                .more("Without them forwarding is slower, and PCI ports may not start."),
            field("memory", &DataplaneConfig::memory, size_kind(64ULL << 20, 1ULL << 40),
                  "Memory for DPDK's packet buffers and rings"),
            field("mbufs", &DataplaneConfig::mbufs, integer_kind(1024, 1 << 26), "Number of packet buffers")
                .absent("what the ports and queues need"),
            list_field("eal", &DataplaneConfig::eal, argument_kind(), {}, "Further arguments for DPDK's EAL")
                .more("One argument per item: `[\"--log-level=pmd:8\"]`."),
        },
        OrderedJson::parse(kRules));
    return rows;
}

} // namespace aya
