// SPDX-License-Identifier: BSD-2-Clause
//
// A TAP interface: frames written to it are received by the kernel, frames that the kernel sends there are
// read.
#pragma once

#include <string>

#include "options.hpp"

struct rte_mbuf;
struct rte_mempool;

namespace aya
{

class Tap
{
public:
    // Makes the interface, or takes one that `ip tuntap add` made, which then keeps its addresses over our
    // restarts. Up, with this MAC and MTU. Throws StartError; `label` names the port there.
    Tap(const std::string &name, const Mac &mac, u32 mtu, const std::string &label);
    ~Tap();
    Tap(const Tap &) = delete;
    Tap &operator=(const Tap &) = delete;

    int fd() const { return fd_; }
    u32 ifindex() const { return ifindex_; }
    // False: the kernel did not take it (interface down, or out of memory). The buffer stays the caller's.
    bool write(const rte_mbuf *frame) const;
    // One frame in a new buffer; nullptr: none is waiting, or there is no buffer.
    rte_mbuf *read(rte_mempool *pool) const;

private:
    int fd_ = -1;
    u32 ifindex_ = 0;
};

} // namespace aya
