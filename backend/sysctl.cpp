// SPDX-License-Identifier: BSD-2-Clause
#include "sysctl.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <unistd.h>

namespace aya::backend::sysctl
{

namespace
{

std::string file_of(const std::string &path)
{
    return "/proc/sys/" + path;
}

} // namespace

std::string ipv4_conf(const std::string &interface, const std::string &key)
{
    return "net/ipv4/conf/" + interface + "/" + key;
}

std::string ipv6_conf(const std::string &interface, const std::string &key)
{
    return "net/ipv6/conf/" + interface + "/" + key;
}

std::optional<int> read(const std::string &path)
{
    const int fd = ::open(file_of(path).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return std::nullopt;
    char buffer[32];
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    ::close(fd);
    int value = 0;
    if (got <= 0 || std::from_chars(buffer, buffer + got, value).ec != std::errc())
        return std::nullopt;
    return value;
}

int write(const std::string &path, int value)
{
    const int fd = ::open(file_of(path).c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    const std::string text = std::to_string(value) + "\n";
    const int error = ::write(fd, text.data(), text.size()) < 0 ? errno : 0;
    ::close(fd);
    return error;
}

std::string name_of(const std::string &path)
{
    std::string name = path;
    for (char &c : name)
        c = c == '/' ? '.' : c == '.' ? '/' : c;
    return name;
}

std::string command(const std::string &path, int value)
{
    return "sysctl -w " + name_of(path) + "=" + std::to_string(value);
}

} // namespace aya::backend::sysctl
