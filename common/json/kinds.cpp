// SPDX-License-Identifier: BSD-2-Clause
#include "common/json/kinds.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "aya/name.hpp"

namespace aya
{

namespace
{

using namespace std::string_view_literals;

constexpr std::uint64_t kMega = 1ULL << 20;

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Largest first, which is the order in which formatting tries them.
constexpr std::array kTimeUnits{Unit{"h", 3600000}, Unit{"m", 60000}, Unit{"s", 1000}, Unit{"ms", 1}};
constexpr std::array kSizeUnits{Unit{"GB", kMega << 10}, Unit{"MB", kMega}};

const std::string *text_of(const Json &value)
{
    return value.is_string() ? &value.get_ref<const std::string &>() : nullptr;
}

// "15m": a whole number and one of `units`; nullopt also if the product does not fit.
template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(const Json &value, const std::array<Unit, N> &units)
{
    const std::string *text = text_of(value);
    if (text == nullptr)
        return std::nullopt;
    std::uint64_t number = 0;
    const char *end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc{})
        return std::nullopt;
    const std::string_view name(stop, static_cast<std::size_t>(end - stop));
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit &u) { return u.name == name; });
    std::uint64_t product = 0;
    if (unit == units.end() || __builtin_mul_overflow(number, unit->factor, &product))
        return std::nullopt;
    return product;
}

template <std::size_t N>
std::string format_quantity(std::uint64_t number, const std::array<Unit, N> &units)
{
    const auto fits = [&](const Unit &u) { return number % u.factor == 0 && number >= u.factor; };
    const auto unit = std::find_if(units.begin(), units.end(), fits);
    const Unit &chosen = unit == units.end() ? units.back() : *unit;
    return std::to_string(number / chosen.factor) + std::string(chosen.name);
}

bool is_argument(std::string_view text)
{
    return !text.empty() && text.size() <= 255 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Kind<std::string> text_kind(std::string allowed, std::function<bool(std::string_view)> accepts)
{
    return {std::move(allowed),
            [accepts = std::move(accepts)](const Json &value, std::string &) -> std::optional<std::string> {
                const std::string *text = text_of(value);
                if (text == nullptr || !accepts(*text))
                    return std::nullopt;
                return *text;
            }};
}

// Why `address` cannot be an end of a packet's path through a balancer; empty if it can.
std::string_view not_unicast(const IpAddress &address)
{
    if (address.is_unspecified())
        return "unspecified";
    if (address.is_loopback())
        return "loopback";
    if (address.is_multicast())
        return "multicast";
    if (address.is_broadcast())
        return "broadcast";
    if (address.is_v6() && address.is_link_local())
        return "link-local, so ambiguous without an interface";
    return {};
}

std::optional<IpAddress> read_address(const Json &value, std::string &note)
{
    const std::string *text = text_of(value);
    const auto address = text != nullptr ? parse_ip_address(*text) : std::nullopt;
    if (address)
        note = not_unicast(*address);
    return note.empty() ? address : std::nullopt;
}

constexpr auto kUnicast = "not unspecified, loopback, multicast, broadcast or IPv6 link-local"sv;

} // namespace

Kind<std::int64_t> integer_kind(std::int64_t lowest, std::int64_t highest)
{
    return {"a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest),
            [=](const Json &value, std::string &) -> std::optional<std::int64_t> {
                // Above int64 a number can only be unsigned; every limit is below.
                if (!value.is_number_integer() ||
                    (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>())))
                    return std::nullopt;
                const auto number = value.get<std::int64_t>();
                return number >= lowest && number <= highest ? std::optional(number) : std::nullopt;
            }};
}

Kind<bool> boolean_kind()
{
    return {"true or false", [](const Json &value, std::string &) {
                return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
            }};
}

Kind<Duration> duration_kind(Duration shortest, Duration longest, Duration step)
{
    const std::string whole = step == Duration(1) ? "" : ", a multiple of \"" + format_duration(step) + "\"";
    return {"a time from \"" + format_duration(shortest) + "\" to \"" + format_duration(longest) + "\"" +
                whole + " (units ms, s, m, h)",
            [=](const Json &value, std::string &) -> std::optional<Duration> {
                const auto ms = parse_quantity(value, kTimeUnits);
                if (!ms || !std::in_range<Duration::rep>(*ms))
                    return std::nullopt;
                const Duration duration(static_cast<Duration::rep>(*ms));
                if (duration < shortest || duration > longest || duration % step != Duration::zero())
                    return std::nullopt;
                return duration;
            }};
}

Kind<std::uint64_t> size_kind(std::uint64_t smallest, std::uint64_t largest)
{
    return {"a size from \"" + format_size(smallest) + "\" to \"" + format_size(largest) +
                "\" (units MB, GB)",
            [=](const Json &value, std::string &) -> std::optional<std::uint64_t> {
                const auto bytes = parse_quantity(value, kSizeUnits);
                return bytes && *bytes >= smallest && *bytes <= largest ? bytes : std::nullopt;
            }};
}

Kind<unsigned> percent_kind()
{
    return {"a share from \"0%\" to \"100%\", a whole number",
            [](const Json &value, std::string &) -> std::optional<unsigned> {
                const auto percent = parse_quantity(value, std::array{Unit{"%", 1}});
                return percent && *percent <= 100 ? std::optional(static_cast<unsigned>(*percent))
                                                  : std::nullopt;
            }};
}

Kind<std::string> name_kind()
{
    return text_kind("a name of " + std::string(kNameRule),
                     [](std::string_view text) { return is_name(text); });
}

Kind<std::string> interface_kind()
{
    // IFNAMSIZ is 16 with the closing NUL.
    return text_kind("an interface name of 1 to 15 characters A-Z a-z 0-9 . _ -, the first a letter or digit",
                     [](std::string_view text) { return is_name(text, 15); });
}

Kind<std::string> device_kind()
{
    return text_kind(
        "a PCI address such as \"0000:3b:00.0\", a DPDK virtual device with its arguments such as "
        "\"net_af_xdp0,iface=eth0\", or the name of a network interface; 1 to 255 characters, no spaces",
        is_argument);
}

Kind<std::string> argument_kind()
{
    return text_kind("one argument of DPDK's EAL; 1 to 255 characters, no spaces", is_argument);
}

Kind<Seed> seed_kind()
{
    return {"32 hex digits, the same on every box of a fleet (openssl rand -hex 16)",
            [](const Json &value, std::string &) -> std::optional<Seed> {
                const std::string *text = text_of(value);
                Seed seed;
                if (text == nullptr || text->size() != seed.size() * 2)
                    return std::nullopt;
                for (std::size_t i = 0; i < seed.size(); ++i) {
                    const char *digits = text->data() + i * 2;
                    const auto [stop, error] = std::from_chars(digits, digits + 2, seed[i], 16);
                    if (error != std::errc{} || stop != digits + 2)
                        return std::nullopt;
                }
                return seed;
            }};
}

Kind<IpAddress> address_kind()
{
    return {"an IPv4 or IPv6 address, " + std::string(kUnicast), read_address};
}

Kind<IpAddress> address_kind(bool v4)
{
    return {(v4 ? "an IPv4 address, " : "an IPv6 address, ") + std::string(kUnicast),
            [v4](const Json &value, std::string &note) {
                const auto address = read_address(value, note);
                return address && address->is_v4() == v4 ? address : std::nullopt;
            }};
}

Kind<SocketAddress> socket_kind()
{
    return {"ADDRESS:PORT such as \"127.0.0.1:9108\" or \"[::1]:9108\", PORT from 1 to 65535",
            [](const Json &value, std::string &) -> std::optional<SocketAddress> {
                const std::string *text = text_of(value);
                return text != nullptr ? parse_socket_address(*text) : std::nullopt;
            }};
}

Kind<VipKey> vip_kind()
{
    return {"ADDRESS:PORT/PROTOCOL such as \"203.0.113.10:443/tcp\" or \"[2001:db8::10]:443/udp\", PORT from "
            "1 to "
            "65535 or * for any, ADDRESS " +
                std::string(kUnicast),
            [](const Json &value, std::string &note) -> std::optional<VipKey> {
                const std::string *text = text_of(value);
                const auto vip = text != nullptr ? parse_vip(*text) : std::nullopt;
                if (vip)
                    note = not_unicast(vip->address);
                return note.empty() ? vip : std::nullopt;
            }};
}

Kind<Mac> mac_kind()
{
    return {"the MAC address of one station such as \"52:54:00:00:00:11\", not zero, multicast or broadcast",
            [](const Json &value, std::string &note) -> std::optional<Mac> {
                const std::string *text = text_of(value);
                const auto mac = text != nullptr ? parse_mac(*text) : std::nullopt;
                if (mac)
                    note = mac->is_zero() ? "zero" : mac->is_group() ? "multicast or broadcast" : "";
                return note.empty() ? mac : std::nullopt;
            }};
}

std::string format_duration(Duration duration)
{
    return format_quantity(static_cast<std::uint64_t>(duration.count()), kTimeUnits);
}

std::string format_size(std::uint64_t bytes)
{
    return format_quantity(bytes, kSizeUnits);
}

bool is_prime(std::uint32_t number)
{
    if (number < 4)
        return number >= 2;
    for (std::uint32_t divisor = 2; divisor <= number / divisor; ++divisor) {
        if (number % divisor == 0)
            return false;
    }
    return true;
}

} // namespace aya
