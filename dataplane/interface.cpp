// SPDX-License-Identifier: BSD-2-Clause
#include "interface.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace aya
{

namespace
{

// One ioctl on an interface; 0 or errno.
int control(unsigned long call, const std::string &name, ifreq &request)
{
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    const int error = ::ioctl(fd, call, &request) == 0 ? 0 : errno;
    ::close(fd);
    return error;
}

} // namespace

bool interface_exists(const std::string &name)
{
    return ::if_nametoindex(name.c_str()) != 0;
}

bool interface_has_link(const std::string &name)
{
    ifreq request{};
    constexpr int kWorks = IFF_UP | IFF_RUNNING;
    return control(SIOCGIFFLAGS, name, request) == 0 && (request.ifr_flags & kWorks) == kWorks;
}

bool interface_is_promiscuous(const std::string &name)
{
    ifreq request{};
    return control(SIOCGIFFLAGS, name, request) == 0 && (request.ifr_flags & IFF_PROMISC) != 0;
}

std::optional<u32> interface_mtu(const std::string &name)
{
    ifreq request{};
    if (control(SIOCGIFMTU, name, request) != 0)
        return std::nullopt;
    return static_cast<u32>(request.ifr_mtu);
}

std::optional<Mac> interface_mac(const std::string &name)
{
    ifreq request{};
    if (control(SIOCGIFHWADDR, name, request) != 0)
        return std::nullopt;
    Mac mac{};
    std::copy_n(request.ifr_hwaddr.sa_data, mac.bytes.size(), mac.bytes.begin());
    return mac;
}

u32 interface_rx_queues(const std::string &name)
{
    std::error_code error;
    u32 queues = 0;
    for (const auto &entry : std::filesystem::directory_iterator("/sys/class/net/" + name + "/queues", error))
        queues += entry.path().filename().string().starts_with("rx-");
    return queues;
}

int interface_set_up(const std::string &name)
{
    ifreq request{};
    if (const int error = control(SIOCGIFFLAGS, name, request))
        return error;
    if (request.ifr_flags & IFF_UP)
        return 0;
    request.ifr_flags |= IFF_UP;
    return control(SIOCSIFFLAGS, name, request);
}

int interface_set_mtu(const std::string &name, u32 mtu)
{
    ifreq request{};
    request.ifr_mtu = static_cast<int>(mtu);
    return control(SIOCSIFMTU, name, request);
}

int interface_set_mac(const std::string &name, const Mac &mac)
{
    ifreq request{};
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::copy(mac.bytes.begin(), mac.bytes.end(), request.ifr_hwaddr.sa_data);
    return control(SIOCSIFHWADDR, name, request);
}

} // namespace aya
