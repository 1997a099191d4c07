// SPDX-License-Identifier: BSD-2-Clause
#include "socket_losses.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>

namespace aya
{

namespace
{

int domain_of(int fd)
{
    int domain = 0;
    socklen_t length = sizeof(domain);
    return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 ? domain : AF_UNSPEC;
}

std::vector<int> receiving_sockets()
{
    std::vector<int> sockets;
    std::error_code error;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const std::string name = entry.path().filename();
        int fd = -1;
        std::from_chars(name.data(), name.data() + name.size(), fd);
        if (const int domain = domain_of(fd); domain == AF_XDP || domain == AF_PACKET)
            sockets.push_back(fd);
    }
    return sockets;
}

// Packets lost since the socket was opened. `before`: as of the last call, since AF_PACKET starts again at 0
// whenever it is asked. AF_XDP's other losses are in what the driver counts.
u64 lost_by(int fd, u64 before)
{
    if (domain_of(fd) == AF_XDP) {
        xdp_statistics statistics = {};
        socklen_t length = sizeof(statistics);
        ::getsockopt(fd, SOL_XDP, XDP_STATISTICS, &statistics, &length);
        return std::max(before, u64{statistics.rx_ring_full});
    }
    tpacket_stats statistics = {};
    socklen_t length = sizeof(statistics);
    ::getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length);
    return before + statistics.tp_drops;
}

} // namespace

SocketLosses::Opening::Opening(SocketLosses &losses) : losses_(losses), before_(receiving_sockets()) {}

SocketLosses::Opening::~Opening()
{
    for (const int fd : receiving_sockets())
        if (std::find(before_.begin(), before_.end(), fd) == before_.end())
            losses_.sockets_.push_back({fd, 0});
}

u64 SocketLosses::count()
{
    u64 sum = of_closed_;
    for (Watched &socket : sockets_) {
        socket.lost = lost_by(socket.fd, socket.lost);
        sum += socket.lost;
    }
    return sum;
}

void SocketLosses::forget()
{
    of_closed_ = count();
    sockets_.clear();
}

} // namespace aya
