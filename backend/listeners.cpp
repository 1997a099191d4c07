// SPDX-License-Identifier: BSD-2-Clause
#include "listeners.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace aya::backend
{

namespace
{

constexpr unsigned kTcpListen = 0x0a;
constexpr unsigned kUdpUnconnected = 0x07;

// /proc/net prints an address as 32-bit words of the host's byte order.
std::optional<IpAddress> read_hex_address(const std::string &hex)
{
    std::uint32_t words[4];
    const std::size_t count = hex.size() / 8;
    if (hex.size() % 8 != 0 || (count != 1 && count != 4))
        return std::nullopt;
    for (std::size_t i = 0; i < count; i++)
        words[i] = static_cast<std::uint32_t>(std::stoul(hex.substr(i * 8, 8), nullptr, 16));
    return count == 1 ? IpAddress::from_v4_bytes(words) : IpAddress::from_v6_bytes(words);
}

void read_file(const char *file, bool tcp, const std::vector<Port> &ports, std::vector<Listener> &found)
{
    std::ifstream lines(std::string("/proc/self/net/") + file);
    std::string line;
    while (std::getline(lines, line)) {
        char hex[33];
        unsigned number = 0;
        unsigned state = 0;
        if (std::sscanf(line.c_str(), " %*[^:]: %32[0-9A-Fa-f]:%4X %*s %2X", hex, &number, &state) != 3 ||
            state != (tcp ? kTcpListen : kUdpUnconnected))
            continue;
        const auto wanted = [&](const Port &p) { return p.tcp == tcp && p.number == number; };
        const auto address = read_hex_address(hex);
        if (address && std::any_of(ports.begin(), ports.end(), wanted))
            found.push_back({*address, {static_cast<std::uint16_t>(number), tcp}, false});
    }
}

// Whether a listener on :: also takes IPv4 is not in /proc/net. A second socket on 0.0.0.0 tells: it
// cannot be bound then. The socket does not listen and is closed at once.
bool is_taken_in_v4(const Port &port)
{
    const int fd = ::socket(AF_INET, (port.tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port.number);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr *>(&any), sizeof(any)) == 0;
    ::close(fd);
    return !bound;
}

} // namespace

std::vector<Listener> read_listeners(const std::vector<Port> &ports)
{
    std::vector<Listener> found;
    read_file("tcp", true, ports, found);
    read_file("tcp6", true, ports, found);
    read_file("udp", false, ports, found);
    read_file("udp6", false, ports, found);
    for (Listener &listener : found)
        if (listener.address == IpAddress{})
            listener.also_v4 = is_taken_in_v4(listener.port);
    return found;
}

} // namespace aya::backend
