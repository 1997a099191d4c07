// SPDX-License-Identifier: BSD-2-Clause
// The section `dataplane` of the configuration. Both daemons read it with the same code: aya-dataplane
// carries it out; the control plane does so with path xdp, and with auto wherever aya-dataplane does not.
#pragma once

#include "common/address.hpp"
#include "common/names.hpp"
#include "common/result.hpp"
#include "common/values.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aya
{

enum class DataplanePath : std::uint8_t { dpdk, xdp, automatic };

constexpr auto names_of(DataplanePath)
{
    return std::to_array<Name<DataplanePath>>(
        {{DataplanePath::dpdk, "dpdk"}, {DataplanePath::xdp, "xdp"}, {DataplanePath::automatic, "auto"}});
}

struct PortConfig {
    std::string device; // PCI address, DPDK virtual device with its arguments, or kernel interface
    std::optional<std::string> punt; // name of the TAP interface that leads to the kernel
    std::optional<unsigned> queues;  // absent: one per worker
    std::optional<unsigned> mtu;     // absent: the port's own
    std::optional<Mac> mac;          // absent: the port's own
    std::vector<Mac> other_macs{};   // whose frames are for this port, too
    bool replace_program = false;    // paths xdp and auto: another XDP program on the interface makes room

    bool operator==(const PortConfig &) const = default;
};

struct DataplaneConfig {
    DataplanePath path = DataplanePath::dpdk;
    std::vector<unsigned> workers;             // lcore numbers; path xdp has none
    std::optional<unsigned> main_lcore;        // absent: the lowest that no worker has
    std::uint32_t flows_per_worker = 1U << 20; // a power of two; xdp and auto: per RX queue
    std::vector<PortConfig> ports;
    bool idle_backoff = true;
    bool huge_pages = true;
    std::uint64_t memory = 512ULL << 20; // bytes
    unsigned punt_limit = 20'000;        // of class rest to the kernel, per second and worker; 0: no limits
    std::optional<unsigned> mbufs;       // packet buffers; absent: what the ports need
    std::vector<std::string> eal;        // further arguments for DPDK

    // The XDP program is on the ports: with path xdp, and with auto if they are kernel interfaces.
    bool uses_xdp() const;

    bool operator==(const DataplaneConfig &) const = default;
};

// A kernel interface named alone, neither a PCI device nor one that DPDK makes.
bool names_interface(std::string_view device);

// The section of a whole configuration, whose other sections may say what they will; it must be there.
Result<DataplaneConfig> parse_dataplane(std::string_view text);

// The same from a file. ErrorKind::io if it cannot be read.
Result<DataplaneConfig> load_dataplane(const std::filesystem::path &file);

// The key `seed` beside the section; nullopt: there is none, or none that the control plane would take.
std::optional<Seed> parse_seed(std::string_view text);
std::optional<Seed> load_seed(const std::filesystem::path &file);

} // namespace aya
