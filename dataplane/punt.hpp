// SPDX-License-Identifier: BSD-2-Clause
//
// The way to the kernel and back, served by the main lcore: workers put what is not for a VIP into the ring
// of its class, from which it goes to a TAP interface that carries the port's MAC; what the kernel sends
// there goes through another ring to the worker that sends for the port.
#pragma once

#include <memory>
#include <vector>

#include "port.hpp"
#include "tap.hpp"
#include "worker.hpp"

struct rte_mempool;

namespace aya
{

class PuntPath
{
public:
    explicit PuntPath(rte_mempool *pool) : pool_(pool) {}
    ~PuntPath();
    PuntPath(const PuntPath &) = delete;
    PuntPath &operator=(const PuntPath &) = delete;

    // Makes rings, and the TAP interface if the port has one. Throws StartError.
    void add_port(const Port &port);
    const PortRings &rings(u32 port) const { return lanes_[port].rings; }
    u32 ifindex(u32 port) const { return lanes_[port].tap ? lanes_[port].tap->ifindex() : 0; }

    // The port has another MTU or MAC now.
    void follow(const Port &port) const;

    // Moves what waits, then sleeps for at most `sleep_us` unless there was something. Answers how many
    // frames moved.
    u32 serve(u32 sleep_us);

    u64 not_taken() const { return not_taken_; } // frames that the kernel refused

private:
    struct Lane {
        PortRings rings;
        std::unique_ptr<Tap> tap;
    };

    u32 to_kernel(Lane &lane);
    u32 to_kernel(Lane &lane, rte_ring *ring, u32 most);
    u32 from_kernel(Lane &lane);

    rte_mempool *pool_;
    std::vector<Lane> lanes_;
    u64 not_taken_ = 0;
};

} // namespace aya
