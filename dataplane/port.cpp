// SPDX-License-Identifier: BSD-2-Clause
#include "port.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <net/if.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "common/error.hpp"
#include "eal.hpp"
#include "interface.hpp"
#include "rss_key.hpp"

namespace aya
{

namespace
{

constexpr u16 kDescriptors = 1024; // where a driver has no opinion
// Ethernet header, two VLAN tags, CRC.
constexpr u32 kFrameOverhead = RTE_ETHER_HDR_LEN + 2 * 4 + RTE_ETHER_CRC_LEN;
// Of a buffer that AF_XDP receives into, the kernel keeps the first 256 bytes (XDP_PACKET_HEADROOM). A buffer
// with all that DPDK puts in front of it is a chunk of at most a page
// (linux/Documentation/networking/af_xdp.rst).
constexpr u32 kXdpHeadroom = 256;
constexpr u32 kXdpChunk =
    4096 - RTE_CACHE_LINE_SIZE; // DPDK may add a line, to spread chunks over memory channels
constexpr u32 kInFrontOfBuffer = RTE_CACHE_LINE_SIZE + sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM;
constexpr u32 kXdpLargestMtu = kXdpChunk - kInFrontOfBuffer - kXdpHeadroom - kFrameOverhead;
constexpr u32 kPacketLargestMtu = RTE_ETHER_MTU; // net_af_packet says so, whatever its framesz
constexpr u64 kRssKinds = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

// The value of `key` in "net_xxx0,key=value,...".
std::string device_argument(const std::string &device, const std::string &key)
{
    const std::string wanted = "," + key + "=";
    const std::size_t at = device.find(wanted);
    if (at == std::string::npos)
        return {};
    const std::size_t from = at + wanted.size();
    return device.substr(from, device.find(',', from) - from);
}

// Drivers that sit on an interface which must exist already (net_tap makes its own).
bool needs_interface(const std::string &device)
{
    return device.starts_with("net_af_xdp") || device.starts_with("net_af_packet");
}

rte_eth_dev_info device_info(u16 port_id)
{
    rte_eth_dev_info info{};
    rte_eth_dev_info_get(port_id, &info);
    return info;
}

} // namespace

Port::Port(u32 index, const PortConfig &options, u32 worker_count, const std::optional<Seed> &seed)
    : index_(index), options_(options), worker_count_(worker_count), seed_(seed)
{
    open();
    if (is_af_packet())
        log_warning(
            label() +
            ": net_af_packet is handed packets by the kernel, which joins fragments (the whole may be "
            "too big to forward), turns 802.1ad tags into 802.1Q, and adds what this machine itself sends "
            "there; AF_XDP does none of this: \"device\": \"" +
            interface_ + "\"");
}

void Port::open()
{
    const SocketLosses::Opening opening(sockets_);
    attach_all();
    read_interface(devices_.front().port_id);
    choose_queues();
    if (options_.queues && *options_.queues > worker_count_)
        refuse(std::to_string(*options_.queues) + " queues requested, but there " +
               (worker_count_ == 1 ? "is 1 worker" : "are " + std::to_string(worker_count_) + " workers") +
               " to serve them; add workers or lower /dataplane/ports/" + std::to_string(index_) + "/queues");
    choose_mtu();
    for (Device &device : devices_)
        configure(device);
    rte_ether_addr address{};
    rte_eth_macaddr_get(devices_.front().port_id, &address);
    std::copy_n(address.addr_bytes, mac_.bytes.size(), mac_.bytes.begin());
}

Port::~Port()
{
    close();
}

std::string Port::label() const
{
    return "port " + std::to_string(index_) + " (" + options_.device + ")";
}

void Port::refuse(const std::string &text) const
{
    throw StartError(label() + ": " + text);
}

std::string Port::why(int error) const
{
    const std::string complaint = take_driver_complaint();
    const std::string text = error != 0 ? std::strerror(std::abs(error)) : "";
    if (complaint.empty())
        return text.empty() ? "the driver gives no reason" : text;
    return text.empty() ? complaint : text + " (" + complaint + ")";
}

// What to hand to DPDK: one device, or one per queue of a kernel interface.
std::vector<std::string> Port::choose_devices()
{
    const std::string &device = options_.device;
    if (!names_interface(device)) {
        const std::string name = device_argument(device, "iface");
        if (needs_interface(device) && !name.empty() && !interface_exists(name))
            refuse("no such interface: " + name);
        return {device};
    }
    if (!interface_exists(device))
        refuse("no such interface, PCI device or DPDK virtual device");
    is_interface_ = true;
    choose_interface_queues(interface_rx_queues(device));
    std::vector<std::string> devices;
    for (u32 queue = 0; queue < queues_; queue++) {
        const std::string number = std::to_string(queue);
        devices.push_back("net_af_xdp_" + std::to_string(index_) + "_" + number + ",iface=" + device +
                          ",start_queue=" + number + ",queue_count=1,busy_budget=0");
    }
    return devices;
}

void Port::choose_interface_queues(u32 available)
{
    const std::string has = "the interface has " + std::to_string(available);
    if (options_.queues && *options_.queues > available)
        refuse(std::to_string(*options_.queues) + " queues requested, but " + has +
               "; lower /dataplane/ports/" + std::to_string(index_) +
               "/queues, or give it more (ethtool -L)");
    queues_ = std::min(options_.queues.value_or(worker_count_), available);
    if (available > queues_)
        log_warning(label() + ": " + has + " queues, but only " + std::to_string(queues_) +
                    " are served; packets on the others are not balanced; run: ethtool -L " +
                    options_.device + " combined " + std::to_string(queues_));
}

u16 Port::attach(const std::string &arguments)
{
    const std::string name = arguments.substr(0, arguments.find(','));
    u16 port_id = 0;
    if (is_pci_address(arguments)) { // attached by the EAL, from its allow list
        for (port_id = 0; port_id < RTE_MAX_ETHPORTS; port_id++) {
            if (rte_eth_dev_is_valid_port(port_id) && name == rte_dev_name(device_info(port_id).device))
                return port_id;
        }
        if (!std::filesystem::exists("/sys/bus/pci/devices/" + name))
            refuse("no such PCI device");
        refuse("no DPDK driver is bound to this PCI device; bind it (dpdk-devbind.py --bind=vfio-pci " +
               name + ")");
    }
    const int error = rte_dev_probe(arguments.c_str());
    if (error != 0 || rte_eth_dev_get_port_by_name(name.c_str(), &port_id) != 0)
        refuse("cannot be opened: " + why(error));
    take_driver_complaint();
    return port_id;
}

void Port::attach_all()
{
    for (const std::string &device : choose_devices())
        devices_.push_back({.port_id = attach(device)});
}

void Port::read_interface(u16 port_id)
{
    std::array<char, IF_NAMESIZE> name{};
    ifindex_ = device_info(port_id).if_index;
    if (ifindex_ != 0 && ::if_indextoname(ifindex_, name.data()) != nullptr)
        interface_ = name.data();
    if (interface_.empty())
        return;
    if (const int error = interface_set_up(interface_))
        refuse("interface " + interface_ + " cannot be set up: " + std::strerror(error));
}

void Port::choose_queues()
{
    if (is_interface_) {
        for (Device &device : devices_)
            device.rx_queues = device.tx_queues = 1;
    } else {
        Device &device = devices_.front();
        const rte_eth_dev_info info = device_info(device.port_id);
        if (options_.queues && *options_.queues > info.max_rx_queues)
            refuse(std::to_string(*options_.queues) + " queues requested, but the port has " +
                   std::to_string(info.max_rx_queues) + "; lower /dataplane/ports/" + std::to_string(index_) +
                   "/queues");
        queues_ = std::min<u32>(options_.queues.value_or(worker_count_), info.max_rx_queues);
        device.rx_queues = static_cast<u16>(queues_);
        device.tx_queues = static_cast<u16>(std::min<u32>(worker_count_, info.max_tx_queues));
    }
    if (queues_ < worker_count_)
        log_warning(label() + ": " + std::to_string(queues_) + " receive queue" + (queues_ == 1 ? "" : "s") +
                    " for " + std::to_string(worker_count_) + " workers; workers " + std::to_string(queues_) +
                    " and above receive nothing on this port");
}

void Port::choose_mtu()
{
    const rte_eth_dev_info info = device_info(devices_.front().port_id);
    u16 current = 0;
    rte_eth_dev_get_mtu(devices_.front().port_id, &current);
    // AF_XDP and AF_PACKET devices take what the interface has, which DPDK does not ask for.
    const u32 own = interface_.empty() ? current : interface_mtu(interface_).value_or(current);
    mtu_ = options_.mtu.value_or(own);
    if (info.max_mtu != 0 && (mtu_ > info.max_mtu || mtu_ < info.min_mtu))
        refuse("MTU " + std::to_string(mtu_) + "; the port supports " + std::to_string(info.min_mtu) +
               " to " + std::to_string(info.max_mtu) + "; set /dataplane/ports/" + std::to_string(index_) +
               "/mtu");
    if (mtu_ > largest_mtu())
        refuse("MTU " + std::to_string(mtu_) + "; " + (is_af_xdp() ? "AF_XDP" : "net_af_packet") +
               " receives packets of up to " + std::to_string(largest_mtu()) +
               " bytes; run: ip link set dev " + interface_ + " mtu " + std::to_string(largest_mtu()) +
               (is_af_xdp() ? ""
                            : ", or use AF_XDP, which receives up to " + std::to_string(kXdpLargestMtu) +
                                  ": \"device\": \"" + interface_ + "\""));
    if (options_.mtu && own != mtu_ && lives_on_interface())
        mtu_before_ = own;
}

u32 Port::largest_mtu() const
{
    if (is_af_xdp())
        return kXdpLargestMtu;
    return is_af_packet() ? kPacketLargestMtu : UINT32_MAX;
}

bool Port::lives_on_interface() const
{
    return is_interface_ || needs_interface(options_.device);
}

bool Port::is_af_packet() const
{
    return options_.device.starts_with("net_af_packet");
}

aya_stations Port::stations() const
{
    const bool is_network = !interface_.empty() || is_pci_address(options_.device);
    return is_network ? stations_of(mac_, options_.other_macs) : aya_stations{};
}

bool Port::is_af_xdp() const
{
    return is_interface_ || options_.device.starts_with("net_af_xdp");
}

void Port::configure(Device &device)
{
    const rte_eth_dev_info info = device_info(device.port_id);
    rte_eth_conf conf{};
    conf.rxmode.mtu = mtu_;
    if (device.rx_queues > 1 && (info.flow_type_rss_offloads & kRssKinds) != 0) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & kRssKinds;
        if (seed_ && info.hash_key_size != 0) {
            rss_key_ = rss_key(*seed_, info.hash_key_size);
            conf.rx_adv_conf.rss_conf.rss_key = rss_key_.data();
            conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
        }
    }
    sends_segments_ = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
    if (sends_segments_)
        conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    const u16 rx = device.rx_queues;
    const u16 tx = device.tx_queues;
    if (const int error = rte_eth_dev_configure(device.port_id, rx, tx, &conf))
        refuse("cannot be configured: " + why(error));
    const auto or_default = [](u16 size) { return size != 0 ? size : kDescriptors; };
    device.rx_descriptors = or_default(info.default_rxportconf.ring_size);
    device.tx_descriptors = or_default(info.default_txportconf.ring_size);
    rte_eth_dev_adjust_nb_rx_tx_desc(device.port_id, &device.rx_descriptors, &device.tx_descriptors);
    if (options_.mac) {
        rte_ether_addr address{};
        std::copy(options_.mac->bytes.begin(), options_.mac->bytes.end(), address.addr_bytes);
        if (const int error = rte_eth_dev_default_mac_addr_set(device.port_id, &address))
            refuse("MAC address cannot be set: " + why(error) + "; leave out /dataplane/ports/" +
                   std::to_string(index_) + "/mac");
    }
    if (!options_.mtu)
        return;
    const int error = rte_eth_dev_set_mtu(device.port_id, static_cast<u16>(mtu_));
    if (error != 0)
        refuse("MTU cannot be set to " + std::to_string(mtu_) + ": " + why(error) +
               "; leave out /dataplane/ports/" + std::to_string(index_) + "/mtu");
}

u32 Port::mbufs_needed() const
{
    u32 count = 0;
    // Twice the receive ring: AF_XDP holds one in the fill ring and one in the receive ring.
    for (const Device &device : devices_)
        count += device.rx_queues * 2u * device.rx_descriptors + device.tx_queues * device.tx_descriptors;
    return count;
}

u32 Port::frame_room() const
{
    return mtu_ + kFrameOverhead + (is_af_xdp() ? kXdpHeadroom : 0);
}

void Port::set_up_queues(Device &device, rte_mempool *pool, int socket)
{
    const auto socket_id = static_cast<unsigned>(socket);
    errno = 0;
    for (u16 queue = 0; queue < device.rx_queues; queue++) {
        const int error =
            rte_eth_rx_queue_setup(device.port_id, queue, device.rx_descriptors, socket_id, nullptr, pool);
        if (error != 0 && errno == EBUSY) {
            taken_ = true;
            keep_devices_open();
            refuse("already in use: another program receives from " +
                   (interface_.empty() ? "it" : interface_ + " queue " + std::to_string(queue)) + " (" +
                   why(0) + ")");
        }
        if (error != 0)
            refuse("receive queue " + std::to_string(queue) + " cannot be set up: " + why(error));
    }
    for (u16 queue = 0; queue < device.tx_queues; queue++) {
        if (const int error =
                rte_eth_tx_queue_setup(device.port_id, queue, device.tx_descriptors, socket_id, nullptr))
            refuse("transmit queue " + std::to_string(queue) + " cannot be set up: " + why(error));
    }
}

// Neighbour discovery and routing protocols are multicast. A port that can do neither sees everything anyway.
void Port::accept_multicast(Device &device) const
{
    const bool all_multicast = rte_eth_allmulticast_get(device.port_id) == 1;
    const bool promiscuous = rte_eth_promiscuous_get(device.port_id) == 1 ||
                             (!interface_.empty() && interface_is_promiscuous(interface_));
    if (rte_eth_allmulticast_enable(device.port_id) == 0)
        device.made_all_multicast = !all_multicast;
    else if (rte_eth_promiscuous_enable(device.port_id) == 0)
        device.made_promiscuous = !promiscuous;
    else
        log_debug(label() + ": no multicast filter to open: " + why(0));
    take_driver_complaint();
}

void Port::start(rte_mempool *pool, int socket)
{
    const SocketLosses::Opening opening(sockets_);
    room_ = std::min<u32>(rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM - (frame_room() - mtu_),
                          largest_mtu());
    if (mtu_ > room_)
        refuse("MTU " + std::to_string(mtu_) + "; buffers have room for " + std::to_string(room_) +
               "; restart aya-dataplane");
    for (Device &device : devices_) {
        set_up_queues(device, pool, socket);
        if (const int error = rte_eth_dev_start(device.port_id))
            refuse("cannot be started: " + why(error));
        device.started = true;
        accept_multicast(device);
    }
    keep_tags();
}

void Port::stop()
{
    for (Device &device : devices_) {
        if (!device.started)
            continue;
        for (u16 queue = 0; queue < device.tx_queues; queue++)
            rte_eth_tx_done_cleanup(device.port_id, queue, 0);
        rte_eth_dev_stop(device.port_id);
        device.started = false;
    }
    take_driver_complaint();
}

std::optional<PortQueue> Port::rx(u32 worker) const
{
    if (worker >= queues_)
        return std::nullopt;
    if (devices_.size() > 1)
        return PortQueue{devices_[worker].port_id, 0};
    return PortQueue{devices_.front().port_id, static_cast<u16>(worker)};
}

std::optional<PortQueue> Port::tx(u32 worker) const
{
    if (devices_.size() > 1)
        return worker < devices_.size() ? std::optional(PortQueue{devices_[worker].port_id, 0})
                                        : std::nullopt;
    if (worker >= devices_.front().tx_queues)
        return std::nullopt;
    return PortQueue{devices_.front().port_id, static_cast<u16>(worker)};
}

} // namespace aya
