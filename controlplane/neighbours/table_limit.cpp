// SPDX-License-Identifier: BSD-2-Clause
#include "neighbours/table_limit.hpp"

#include <fstream>
#include <sys/socket.h>

namespace aya::neighbours
{

namespace
{

std::string key_of(int family)
{
    return family == AF_INET ? "ipv4" : "ipv6";
}

} // namespace

std::optional<std::size_t> neighbour_table_limit(int family)
{
    std::ifstream file("/proc/sys/net/" + key_of(family) + "/neigh/default/gc_thresh3");
    std::size_t limit = 0;
    if (file >> limit)
        return limit;
    return std::nullopt;
}

std::optional<std::string> neighbour_table_warning(int family, std::size_t needed,
                                                   std::optional<std::size_t> limit, bool refused)
{
    if (!refused && (!limit || needed < *limit))
        return std::nullopt;
    std::string line = "backends have " + std::to_string(needed) + " " +
                       (family == AF_INET ? "IPv4" : "IPv6") +
                       " next hops, and the kernel's table of neighbours ";
    line += limit ? "has room for " + std::to_string(*limit) : "is full";
    return line + "; raise net." + key_of(family) + ".neigh.default.gc_thresh1, gc_thresh2 and gc_thresh3";
}

} // namespace aya::neighbours
