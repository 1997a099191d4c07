// SPDX-License-Identifier: BSD-2-Clause
#include "common/segments.hpp"

#include <cerrno>
#include <cstring>
#include <sys/random.h>

namespace aya
{

u64 random_identity()
{
    u64 identity = 0;
    while (identity == 0)
        if (::getrandom(&identity, sizeof(identity), 0) != sizeof(identity))
            throw SegmentError(std::string("no random numbers from the kernel: ") + std::strerror(errno));
    return identity;
}

std::string to_string(const Capacities &c)
{
    return std::to_string(c.services) + " services, " + std::to_string(c.backends) + " backends, " +
           std::to_string(c.vips) + " VIP entries, " + std::to_string(c.lookup_slots) + " lookup slots";
}

} // namespace aya
