// SPDX-License-Identifier: BSD-2-Clause
//
// Bytes as packets have them, and the checksum as RFC 1071 describes it: nothing shared with include/aya, so
// that a test that compares the two judges by a second opinion.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace aya::test
{

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

inline void put16(Bytes &bytes, std::size_t at, std::size_t value)
{
    bytes.at(at) = static_cast<std::uint8_t>(value >> 8);
    bytes.at(at + 1) = static_cast<std::uint8_t>(value);
}

inline void put32(Bytes &bytes, std::size_t at, std::uint32_t value)
{
    put16(bytes, at, value >> 16);
    put16(bytes, at + 2, value & 0xffff);
}

inline std::uint16_t get16(const Bytes &bytes, std::size_t at)
{
    return static_cast<std::uint16_t>((bytes.at(at) << 8) | bytes.at(at + 1));
}

inline std::uint32_t get32(const Bytes &bytes, std::size_t at)
{
    return (static_cast<std::uint32_t>(get16(bytes, at)) << 16) | get16(bytes, at + 2);
}

inline Bytes slice(const Bytes &bytes, std::size_t from, std::size_t count)
{
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(from);
    return Bytes(begin, begin + static_cast<std::ptrdiff_t>(count));
}

// Where a frame of no bytes begins matters too: buffers are never null.
inline const std::uint8_t *begin_of(const Bytes &frame)
{
    static const std::uint8_t nothing = 0;
    return frame.empty() ? &nothing : frame.data();
}

inline void append(Bytes &to, const Bytes &more)
{
    to.insert(to.end(), more.begin(), more.end());
}

// The sum of big-endian 16-bit words, an odd last byte padded with zero, carries folded after every word.
inline std::uint16_t naive_sum(const Bytes &bytes, std::uint32_t start = 0)
{
    std::uint32_t sum = start;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        sum += static_cast<std::uint32_t>(bytes[i]) * 256u + (i + 1 < bytes.size() ? bytes[i + 1] : 0u);
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(sum);
}

inline std::uint16_t naive_checksum(const Bytes &bytes, std::uint32_t start = 0)
{
    return static_cast<std::uint16_t>(~naive_sum(bytes, start));
}

inline Bytes hex_bytes(const std::string &text)
{
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
    return bytes;
}

// 4 or 16 bytes.
inline Bytes address_bytes(const std::string &text)
{
    const bool is_ipv6 = text.find(':') != std::string::npos;
    Bytes bytes(is_ipv6 ? 16 : 4);
    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) != 1)
        throw std::invalid_argument("not an address: " + text);
    return bytes;
}

inline Mac mac_bytes(const std::string &text)
{
    std::array<unsigned, 6> parts{};
    if (std::sscanf(text.c_str(), "%x:%x:%x:%x:%x:%x", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4],
                    &parts[5]) != 6)
        throw std::invalid_argument("not a MAC: " + text);
    Mac mac{};
    for (std::size_t i = 0; i < mac.size(); i++)
        mac[i] = static_cast<std::uint8_t>(parts[i]);
    return mac;
}

} // namespace aya::test
