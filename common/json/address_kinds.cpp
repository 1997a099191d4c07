// SPDX-License-Identifier: BSD-2-Clause
#include "common/json/kinds.hpp"
#include "common/json/text_value.hpp"
#include "common/vip_prefix.hpp"

namespace aya
{

namespace
{

// Parts of the schema's patterns.
const std::string kOctet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const std::string kIpv4 = "(" + kOctet + "\\.){3}" + kOctet;
const std::string kIpv6 = "[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(" + kIpv4 + ")?";
const std::string kPort =
    "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})";
const std::string kPorts = "(" + kPort + "(-" + kPort + ")?|0|\\*)";
const std::string kLength4 = "(/([89]|[12][0-9]|3[0-2]))?";
const std::string kLength6 = "(/(1[6-9]|[2-9][0-9]|1[01][0-9]|12[0-8]))?";
const std::string kNotUnicast4 = "(0|127|22[4-9]|23[0-9])\\.|255\\.255\\.255\\.255";
const std::string kNotUnicast6 = "[fF][fF][0-9A-Fa-f]{2}:|[fF][eE][89aAbB][0-9A-Fa-f]:";

OrderedJson ipv4_schema()
{
    OrderedJson schema = text_schema("^" + kIpv4 + "$");
    schema["not"] = {{"pattern", "^(" + kNotUnicast4 + ")"}};
    return schema;
}

OrderedJson ipv6_schema()
{
    OrderedJson schema = text_schema("^" + kIpv6 + "$");
    schema["not"] = {{"pattern", "^(::1?$|" + kNotUnicast6 + ")"}};
    return schema;
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

// The same of a prefix; and what else prevents it from being one of VIPs.
std::string not_a_vip_prefix(const Prefix &prefix)
{
    if (const Prefix network = network_of(prefix); network != prefix)
        return "has bits beyond its prefix length; the network is " + to_string(network);
    if (is_too_short_for_vips(prefix))
        return "too short a prefix";
    const IpAddress last = last_of(prefix);
    if (prefix.address.is_v6() && last.is_v4())
        return "holds IPv4-mapped addresses, which no IPv6 packet may go to";
    const std::string_view first = not_unicast(prefix.address);
    return std::string(first.empty() ? not_unicast(last) : first);
}

std::optional<IpAddress> read_address(const Json &value, std::string &note)
{
    const std::string *text = text_of(value);
    const auto address = text != nullptr ? parse_ip_address(*text) : std::nullopt;
    if (address)
        note = not_unicast(*address);
    return note.empty() ? address : std::nullopt;
}

constexpr const char *kUnicast = "not unspecified, loopback, multicast, broadcast or IPv6 link-local";

KindFacts address_facts(const std::string &family, OrderedJson schema)
{
    KindFacts facts;
    facts.allowed = "an " + family + " address, " + std::string(kUnicast);
    facts.noun = family == "IPv4 or IPv6" ? "address" : family + " address";
    facts.placeholder = "ADDRESS";
    facts.schema = std::move(schema);
    return facts;
}

template <typename T>
OrderedJson write_text(const T &value)
{
    return OrderedJson(to_string(value));
}

} // namespace

Kind<IpAddress> address_kind()
{
    const OrderedJson either = {{"anyOf", OrderedJson::array({ipv4_schema(), ipv6_schema()})}};
    return {address_facts("IPv4 or IPv6", either), read_address, write_text<IpAddress>};
}

Kind<IpAddress> address_kind(bool v4)
{
    return {v4 ? address_facts("IPv4", ipv4_schema()) : address_facts("IPv6", ipv6_schema()),
            [v4](const Json &value, std::string &note) {
                const auto address = read_address(value, note);
                return address && address->is_v4() == v4 ? address : std::nullopt;
            },
            write_text<IpAddress>};
}

Kind<SocketAddress> socket_kind()
{
    KindFacts facts;
    facts.allowed = "ADDRESS:PORT such as \"127.0.0.1:9108\" or \"[::1]:9108\", PORT from 1 to 65535";
    facts.noun = "text";
    facts.note = "`ADDRESS:PORT`, an IPv6 address in brackets";
    facts.placeholder = "ADDRESS:PORT";
    facts.schema = text_schema("^(" + kIpv4 + "|\\[" + kIpv6 + "\\]):" + kPort + "$");
    return {std::move(facts),
            [](const Json &value, std::string &) -> std::optional<SocketAddress> {
                const std::string *text = text_of(value);
                return text != nullptr ? parse_socket_address(*text) : std::nullopt;
            },
            write_text<SocketAddress>};
}

Kind<VipKey> vip_kind()
{
    KindFacts facts;
    facts.allowed = "ADDRESS:PORT/PROTOCOL such as \"203.0.113.10:443/tcp\" or \"[2001:db8::10]:443/udp\", "
                    "PORT from 1 to 65535, a range such as 8000-8999, or * for any, ADDRESS an address or a "
                    "prefix such as 203.0.113.0/28, " +
                    std::string(kUnicast);
    facts.noun = "VIP";
    facts.placeholder = "VIP";
    facts.schema =
        text_schema("^(" + kIpv4 + kLength4 + "|\\[" + kIpv6 + kLength6 + "\\]):" + kPorts + "/(tcp|udp)$");
    facts.schema["not"] = {{"pattern", "^(" + kNotUnicast4 + "|\\[(::1?[]/]|" + kNotUnicast6 + "))"}};
    return {std::move(facts),
            [](const Json &value, std::string &note) -> std::optional<VipKey> {
                const std::string *text = text_of(value);
                const auto vip = text != nullptr ? parse_vip(*text) : std::nullopt;
                if (vip)
                    note = not_a_vip_prefix(vip->prefix());
                return note.empty() ? vip : std::nullopt;
            },
            write_text<VipKey>};
}

Kind<Prefix> prefix_kind()
{
    KindFacts facts;
    facts.allowed = "a network or an address such as \"198.51.100.0/24\", \"198.51.100.7\" or "
                    "\"2001:db8:7::/48\", with no bits set after the prefix length";
    facts.noun = "prefix";
    facts.placeholder = "PREFIX";
    facts.schema = text_schema("^(" + kIpv4 + "(/(3[0-2]|[12]?[0-9]))?|" + kIpv6 +
                               "(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$");
    return {std::move(facts),
            [](const Json &value, std::string &note) -> std::optional<Prefix> {
                const std::string *text = text_of(value);
                const auto prefix = text != nullptr ? parse_prefix(*text) : std::nullopt;
                if (prefix && network_of(*prefix) != *prefix)
                    note = "its network is " + to_string(network_of(*prefix));
                return note.empty() ? prefix : std::nullopt;
            },
            write_text<Prefix>};
}

Kind<Mac> mac_kind()
{
    KindFacts facts;
    facts.allowed =
        "the MAC address of one station such as \"52:54:00:00:00:11\", not zero, multicast or broadcast";
    facts.noun = "MAC address";
    facts.placeholder = "MAC";
    facts.schema = text_schema("^[0-9A-Fa-f][02468aceACE](:[0-9A-Fa-f]{2}){5}$");
    facts.schema["not"] = {{"pattern", "^00(:00){5}$"}};
    return {std::move(facts),
            [](const Json &value, std::string &note) -> std::optional<Mac> {
                const std::string *text = text_of(value);
                const auto mac = text != nullptr ? parse_mac(*text) : std::nullopt;
                if (mac)
                    note = mac->is_zero() ? "zero" : mac->is_group() ? "multicast or broadcast" : "";
                return note.empty() ? mac : std::nullopt;
            },
            write_text<Mac>};
}

} // namespace aya
