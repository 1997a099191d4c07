// SPDX-License-Identifier: BSD-2-Clause
//
// A port as the configuration counts them and as backends' egress_port names them. Usually one DPDK port; for
// a kernel interface named alone it is one AF_XDP device a queue, since that works on every driver.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "aya/shm.hpp"
#include "common/stations.hpp"
#include "options.hpp"
#include "socket_losses.hpp"

struct rte_mempool;

namespace aya
{

// DPDK's address of a queue.
struct PortQueue {
    u16 port_id;
    u16 queue_id;
};

class Port
{
public:
    // Attaches the device. Throws StartError, as all calls before start() has returned do.
    Port(u32 index, const PortConfig &options, u32 worker_count, const std::optional<Seed> &seed);
    ~Port();
    Port(const Port &) = delete;
    Port &operator=(const Port &) = delete;

    // Packet buffers that all rings of this port can hold at once.
    u32 mbufs_needed() const;
    // Bytes of packet data that one buffer must hold, without headroom.
    u32 frame_room() const;
    void start(rte_mempool *pool, int socket);
    void stop(); // packets still in the TX rings are sent

    // The devices live on an interface that exists without us (AF_XDP, AF_PACKET), and go with it.
    bool lives_on_interface() const;
    bool is_af_xdp() const;
    bool is_af_packet() const;
    unsigned ifindex() const { return ifindex_; } // of the kernel's interface; 0: none

    // Opening again in a running process. Workers must have let go of the devices before they are closed:
    // `shift` is odd while they must not touch them, and each takes over a new value between two turns.
    u32 shift() const { return shift_.load(std::memory_order_acquire); }
    void withdraw() { shift_.fetch_add(1, std::memory_order_acq_rel); }
    void close();
    // Attaches the devices again, as the constructor did; then start(), then offer(). Throws StartError, and
    // what was opened by then is closed.
    void reopen();
    void offer() { shift_.fetch_add(1, std::memory_order_acq_rel); }

    // The kernel's interface has another MAC address now. Workers take it over as they do devices.
    void take_mac(const Mac &mac);
    // The same for its MTU. What buffers are too small for stays out: answers whether they are large enough.
    bool take_mtu(u32 mtu);
    bool has_link() const;

    // What driver and kernel lost until now. Main lcore only: reading takes system calls.
    PortLosses losses();

    u32 index() const { return index_; }
    const std::string &device() const { return options_.device; }
    const std::string &interface() const { return interface_; } // of the kernel; empty: none
    const std::optional<std::string> &punt() const { return options_.punt; }
    const Mac &mac() const { return mac_; }
    // Whose frames it takes: everyone's where the device is no network (files, rings).
    aya_stations stations() const;
    u16 mtu() const { return static_cast<u16>(mtu_); }
    u32 queues() const { return queues_; }
    bool sends_segments() const { return sends_segments_; }
    // Worker w's own queues; nullopt: it has none on this port.
    std::optional<PortQueue> rx(u32 worker) const;
    std::optional<PortQueue> tx(u32 worker) const;

    std::string label() const; // "port 0 (eth0)"
    // label + ": " + text
    [[noreturn]] void refuse(const std::string &text) const;

private:
    void open();
    struct Device {
        u16 port_id = 0;
        u16 rx_queues = 0;
        u16 tx_queues = 0;
        u16 rx_descriptors = 0;
        u16 tx_descriptors = 0;
        bool started = false;
        // Switched on by us, and off again when it is closed.
        bool made_promiscuous = false;
        bool made_all_multicast = false;
    };

    std::vector<std::string> choose_devices();
    void choose_interface_queues(u32 available);
    u16 attach(const std::string &arguments);
    void attach_all();
    void read_interface(u16 port_id);
    void keep_tags();
    void choose_queues();
    void choose_mtu();
    void configure(Device &device);
    void set_up_queues(Device &device, rte_mempool *pool, int socket);
    void accept_multicast(Device &device) const;
    void restore_interface();
    u32 largest_mtu() const;
    std::string why(int error) const;

    u32 index_;
    PortConfig options_;
    u32 worker_count_;
    std::optional<Seed> seed_;
    std::vector<u8> rss_key_;   // drivers keep pointing to it
    bool is_interface_ = false; // named alone: we make the AF_XDP devices
    std::string interface_;
    unsigned ifindex_ = 0;
    std::atomic<u32> shift_{0};
    u32 vlan_offload_ = 0;          // that we turned off
    std::optional<u32> mtu_before_; // of the interface, if we changed it
    u32 room_ = 0;                  // for packets, in a buffer of the pool
    Mac mac_{};
    u32 mtu_ = 0;
    u32 queues_ = 0;
    bool sends_segments_ = false;
    bool taken_ = false; // by another program, whose XDP program must not go
    std::vector<Device> devices_;
    SocketLosses sockets_; // that the devices receive through
    PortLosses closed_{};  // of devices that were closed
};

} // namespace aya
