// SPDX-License-Identifier: BSD-2-Clause
#include "health/raw_packet.hpp"

#include <cstring>
#include <random>

namespace aya::health
{

std::uint16_t internet_checksum(std::string_view bytes)
{
    std::uint32_t sum = 0;
    for (; bytes.size() >= 2; bytes.remove_prefix(2)) {
        std::uint16_t word = 0;
        std::memcpy(&word, bytes.data(), 2);
        sum += word;
    }
    if (!bytes.empty()) {
        std::uint16_t word = 0;
        std::memcpy(&word, bytes.data(), 1);
        sum += word;
    }
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    return static_cast<std::uint16_t>(~sum);
}

std::string_view payload_of_raw(std::string_view packet, const IpAddress &family)
{
    if (!family.is_v4() || packet.empty())
        return packet;
    const std::size_t header = (static_cast<unsigned char>(packet.front()) & 0xfU) * 4;
    return packet.size() < header ? std::string_view() : packet.substr(header);
}

std::uint64_t random_bits()
{
    static std::random_device source;
    return std::uniform_int_distribution<std::uint64_t>()(source);
}

} // namespace aya::health
