// SPDX-License-Identifier: BSD-2-Clause
#include "address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

namespace aya::backend
{

namespace
{

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

} // namespace

std::optional<Address> Address::parse(const std::string &text)
{
    std::uint8_t octets[16];
    for (int family : {AF_INET, AF_INET6})
        if (::inet_pton(family, text.c_str(), octets) == 1)
            return from_octets(family, octets);
    return std::nullopt;
}

Address Address::from_octets(int family, const void *octets)
{
    Address address;
    if (family == AF_INET) {
        std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
        std::memcpy(address.bytes.data() + kMapped.size(), octets, 4);
    } else {
        std::memcpy(address.bytes.data(), octets, 16);
    }
    return address;
}

bool Address::is_v4() const
{
    return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

int Address::family() const
{
    return is_v4() ? AF_INET : AF_INET6;
}

bool Address::is_unicast() const
{
    if (is_v4()) {
        const std::uint8_t first = bytes[12];
        return first != 0 && first != 127 && first < 224 && !(first == 169 && bytes[13] == 254);
    }
    in6_addr in6;
    std::memcpy(&in6, bytes.data(), sizeof(in6));
    return !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_LOOPBACK(&in6) && !IN6_IS_ADDR_MULTICAST(&in6) &&
           !IN6_IS_ADDR_LINKLOCAL(&in6);
}

std::string Address::text() const
{
    char buffer[INET6_ADDRSTRLEN];
    return ::inet_ntop(family(), octets(), buffer, sizeof(buffer));
}

std::string join(const std::vector<Address> &addresses)
{
    std::string text;
    for (const Address &address : addresses)
        text += (text.empty() ? "" : ", ") + address.text();
    return text;
}

bool contains(const std::vector<Address> &addresses, const Address &address)
{
    return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

} // namespace aya::backend
