// SPDX-License-Identifier: BSD-2-Clause
#include "tap.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "common/error.hpp"
#include "interface.hpp"

namespace aya
{

namespace
{

constexpr std::size_t kMaxSegments = 16;

std::string explain(int error, const std::string &name)
{
    if (error == EBUSY)
        return "punt interface " + name + " is already in use by another program";
    if (error == EINVAL)
        return "punt interface " + name + " exists already and is not a TAP interface; choose another name";
    return "punt interface " + name + " cannot be created: " + std::strerror(error);
}

} // namespace

Tap::Tap(const std::string &name, const Mac &mac, u32 mtu, const std::string &label)
{
    fd_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0)
        throw StartError(label + ": /dev/net/tun: " + std::strerror(errno) + "; TAP interfaces require it");
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    int error = ::ioctl(fd_, TUNSETIFF, &request) == 0 ? 0 : errno;
    if (error != 0) {
        ::close(fd_);
        throw StartError(label + ": " + explain(error, name));
    }
    error = interface_set_mac(name, mac);
    if (error == 0)
        error = interface_set_mtu(name, mtu);
    if (error == 0)
        error = interface_set_up(name);
    if (error != 0) {
        ::close(fd_);
        throw StartError(label + ": punt interface " + name + " cannot be set up: " + std::strerror(error));
    }
    ifindex_ = ::if_nametoindex(name.c_str());
}

Tap::~Tap()
{
    ::close(fd_);
}

bool Tap::write(const rte_mbuf *frame) const
{
    std::array<iovec, kMaxSegments> parts;
    int count = 0;
    for (const rte_mbuf *segment = frame; segment != nullptr; segment = segment->next) {
        if (count == static_cast<int>(parts.size()))
            return false;
        parts[static_cast<std::size_t>(count++)] = {rte_pktmbuf_mtod(segment, void *), segment->data_len};
    }
    return ::writev(fd_, parts.data(), count) == static_cast<ssize_t>(frame->pkt_len);
}

rte_mbuf *Tap::read(rte_mempool *pool) const
{
    rte_mbuf *frame = rte_pktmbuf_alloc(pool);
    if (frame == nullptr)
        return nullptr;
    const std::size_t room = rte_pktmbuf_tailroom(frame);
    const ssize_t size = ::read(fd_, rte_pktmbuf_mtod(frame, void *), room);
    if (size <= 0 ||
        static_cast<std::size_t>(size) == room) { // nothing, or more than fits, which the kernel cuts off
        rte_pktmbuf_free(frame);
        return nullptr;
    }
    frame->data_len = static_cast<u16>(size);
    frame->pkt_len = static_cast<u32>(size);
    return frame;
}

} // namespace aya
