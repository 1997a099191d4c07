// SPDX-License-Identifier: BSD-2-Clause
#include "punt.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "interface.hpp"
#include "log.hpp"

namespace aya
{

namespace
{

rte_ring *make_ring(const Port &port, const std::string &kind, u32 size)
{
    const std::string name = kind + std::to_string(port.index());
    rte_ring *ring = rte_ring_create(name.c_str(), size, SOCKET_ID_ANY, RING_F_SC_DEQ);
    if (ring == nullptr)
        port.refuse(std::string("no memory for a ring: ") + rte_strerror(rte_errno) +
                    "; raise /dataplane/memory");
    return ring;
}

void free_ring(rte_ring *ring)
{
    void *packet = nullptr;
    while (ring != nullptr && rte_ring_dequeue(ring, &packet) == 0)
        rte_pktmbuf_free(static_cast<rte_mbuf *>(packet));
    rte_ring_free(ring);
}

} // namespace

PuntPath::~PuntPath()
{
    for (const Lane &lane : lanes_) {
        for (rte_ring *ring : lane.rings.to_kernel)
            free_ring(ring);
        free_ring(lane.rings.to_port);
    }
}

void PuntPath::add_port(const Port &port)
{
    Lane &lane = lanes_.emplace_back();
    lane.rings.to_port = make_ring(port, "to_port", kPortRingSize);
    if (!port.punt())
        return;
    for (u32 i = 0; i < AYA_PUNT_CLASSES; i++)
        lane.rings.to_kernel[i] =
            make_ring(port, std::string("punt_") + kPuntClassRows[i].name, kPuntClassRows[i].ring_size);
    lane.tap = std::make_unique<Tap>(*port.punt(), port.mac(), port.mtu(),
                                     "port " + std::to_string(port.index()) + " (" + port.device() + ")");
}

void PuntPath::follow(const Port &port) const
{
    if (!lanes_[port.index()].tap)
        return;
    int error = interface_set_mac(*port.punt(), port.mac());
    if (error == 0)
        error = interface_set_mtu(*port.punt(), port.mtu());
    if (error != 0)
        log_warning(port.label() + ": punt interface " + *port.punt() +
                    " does not follow it: " + std::strerror(error));
}

u32 PuntPath::to_kernel(Lane &lane)
{
    u32 moved = 0;
    for (u32 i = 0; i < AYA_PUNT_CLASSES; i++)
        moved += to_kernel(lane, lane.rings.to_kernel[i], kPuntClassRows[i].frames_per_turn);
    return moved;
}

u32 PuntPath::to_kernel(Lane &lane, rte_ring *ring, u32 most)
{
    std::array<void *, kBurst> packets;
    const u32 count = rte_ring_sc_dequeue_burst(ring, packets.data(), std::min(most, kBurst), nullptr);
    for (u32 i = 0; i < count; i++) {
        auto *mbuf = static_cast<rte_mbuf *>(packets[i]);
        not_taken_ += !lane.tap->write(mbuf);
        rte_pktmbuf_free(mbuf);
    }
    return count;
}

// Reads no more than the ring takes: the rest waits in the kernel, which knows how to drop from a full queue.
u32 PuntPath::from_kernel(Lane &lane)
{
    u32 count = 0;
    while (count < kBurst && rte_ring_free_count(lane.rings.to_port) > kBurst) {
        rte_mbuf *frame = lane.tap->read(pool_);
        if (frame == nullptr)
            break;
        if (rte_ring_enqueue(lane.rings.to_port, frame) != 0)
            rte_pktmbuf_free(frame);
        count++;
    }
    return count;
}

u32 PuntPath::serve(u32 sleep_us)
{
    std::array<pollfd, kMaxPorts> waiting{};
    nfds_t count = 0;
    u32 moved = 0;
    for (Lane &lane : lanes_) {
        if (!lane.tap)
            continue;
        moved += to_kernel(lane);
        moved += from_kernel(lane);
        waiting[count++] = {lane.tap->fd(), POLLIN, 0};
    }
    if (moved == 0) {
        const timespec nap{0, static_cast<long>(sleep_us) * 1000};
        ::ppoll(waiting.data(), count, &nap, nullptr);
    }
    return moved;
}

} // namespace aya
