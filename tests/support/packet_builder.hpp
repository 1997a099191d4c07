// SPDX-License-Identifier: BSD-2-Clause
//
// Packets as one reads them:
//
//     Packet().vlan(7).ipv4("198.51.100.7", "203.0.113.10").ttl(3).tcp(40000, 443, "S").payload(10).build()
//
// Layers from the outside in; an Ethernet header is always there. Lengths, protocols and checksums are filled
// in and right; for a packet that lies, change its bytes afterwards. Two IP layers make a tunnel.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "bytes.hpp"

namespace aya::test
{

class Packet
{
public:
    Packet &macs(const std::string &dst, const std::string &src)
    {
        dst_mac_ = mac_bytes(dst);
        src_mac_ = mac_bytes(src);
        return *this;
    }

    Packet &vlan(std::uint16_t id, std::uint16_t type = 0x8100)
    {
        vlans_.emplace_back(type, id);
        return *this;
    }

    // A frame that is not IP.
    Packet &ethertype(std::uint16_t type)
    {
        type_ = type;
        return *this;
    }

    Packet &ipv4(const std::string &src, const std::string &dst)
    {
        Layer layer{
            .kind = Kind::ipv4, .header = Bytes(20), .src = address_bytes(src), .dst = address_bytes(dst)};
        layer.header[0] = 0x45;
        put16(layer.header, 4, 0x1234);
        layer.header[8] = 64;
        std::copy(layer.src.begin(), layer.src.end(), layer.header.begin() + 12);
        std::copy(layer.dst.begin(), layer.dst.end(), layer.header.begin() + 16);
        return add(std::move(layer));
    }

    Packet &ipv6(const std::string &src, const std::string &dst)
    {
        Layer layer{
            .kind = Kind::ipv6, .header = Bytes(40), .src = address_bytes(src), .dst = address_bytes(dst)};
        layer.header[0] = 0x60;
        layer.header[7] = 64;
        std::copy(layer.src.begin(), layer.src.end(), layer.header.begin() + 8);
        std::copy(layer.dst.begin(), layer.dst.end(), layer.header.begin() + 24);
        return add(std::move(layer));
    }

    // The following are about the last IP layer.
    Packet &ttl(std::uint8_t value)
    {
        Layer &ip = last_ip();
        ip.header[ip.kind == Kind::ipv4 ? 8 : 7] = value;
        return *this;
    }

    Packet &tos(std::uint8_t value)
    {
        Layer &ip = last_ip();
        if (ip.kind == Kind::ipv4)
            ip.header[1] = value;
        else
            put16(ip.header, 0, 0x6000u | (static_cast<std::size_t>(value) << 4));
        return *this;
    }

    Packet &id(std::uint16_t value)
    {
        put16(last_ip().header, 4, value);
        return *this;
    }

    // IPv6.
    Packet &flow_label(std::uint32_t value)
    {
        Layer &ip = last_ip();
        ip.header[1] = static_cast<std::uint8_t>((ip.header[1] & 0xf0) | (value >> 16 & 0x0f));
        put16(ip.header, 2, value & 0xffff);
        return *this;
    }

    Packet &dont_fragment()
    {
        put16(last_ip().header, 6, 0x4000);
        return *this;
    }

    // IPv4: `words` times 4 bytes of no-operation options.
    Packet &options(std::size_t words)
    {
        Layer &ip = last_ip();
        ip.header.resize(20 + 4 * words, 1);
        ip.header[0] = static_cast<std::uint8_t>(0x40 | (5 + words));
        return *this;
    }

    // IPv4: header fields; IPv6: a fragment header. `offset` in bytes.
    Packet &fragment(std::uint32_t fragment_id, std::size_t offset, bool more)
    {
        if (last_ip().kind == Kind::ipv4) {
            id(static_cast<std::uint16_t>(fragment_id));
            put16(last_ip().header, 6, (more ? 0x2000u : 0u) | (offset / 8));
            return *this;
        }
        Layer layer{.kind = Kind::fragment, .header = Bytes(8)};
        put16(layer.header, 2, offset | (more ? 1u : 0u));
        put32(layer.header, 4, fragment_id);
        return add(std::move(layer));
    }

    // IPv6 extension header: 0 hop-by-hop, 43 routing, 60 destination options; 8 + 8 * `units` bytes of
    // padding options (for routing: a header with no segments left).
    Packet &extension(std::uint8_t protocol, std::size_t units = 0)
    {
        Layer layer{.kind = Kind::extension, .protocol = protocol, .header = Bytes(8 + 8 * units)};
        layer.header[1] = static_cast<std::uint8_t>(units);
        if (protocol != 43) {
            layer.header[2] = 1; // PadN
            layer.header[3] = static_cast<std::uint8_t>(layer.header.size() - 4);
        }
        return add(std::move(layer));
    }

    // Flags by letter: S A F R P U E C.
    Packet &tcp(std::uint16_t src_port, std::uint16_t dst_port, const std::string &flags = "S",
                std::size_t option_words = 0)
    {
        Layer layer{.kind = Kind::tcp, .protocol = 6, .header = Bytes(20 + 4 * option_words, 1)};
        std::fill_n(layer.header.begin(), 20, std::uint8_t{0});
        put16(layer.header, 0, src_port);
        put16(layer.header, 2, dst_port);
        put32(layer.header, 4, 0x01020304);
        layer.header[12] = static_cast<std::uint8_t>((5 + option_words) << 4);
        for (char flag : flags)
            layer.header[13] |= static_cast<std::uint8_t>(1u << std::string("FSRPAUEC").find(flag));
        put16(layer.header, 14, 0xffff);
        return add(std::move(layer));
    }

    Packet &udp(std::uint16_t src_port, std::uint16_t dst_port)
    {
        Layer layer{.kind = Kind::udp, .protocol = 17, .header = Bytes(8)};
        put16(layer.header, 0, src_port);
        put16(layer.header, 2, dst_port);
        return add(std::move(layer));
    }

    // UDP around an IP packet: Generic UDP Encapsulation, variant 1, without a checksum.
    Packet &gue(std::uint16_t src_port, std::uint16_t dst_port = 6080)
    {
        udp(src_port, dst_port);
        layers_.back().kind = Kind::gue;
        return *this;
    }

    // ICMP or ICMPv6, as the IP header before it is.
    Packet &icmp(std::uint8_t type, std::uint8_t code = 0, std::uint32_t rest = 0)
    {
        Layer layer{.kind = Kind::icmp,
                    .protocol = static_cast<std::uint8_t>(last_ip().kind == Kind::ipv4 ? 1 : 58),
                    .header = Bytes(8)};
        layer.header[0] = type;
        layer.header[1] = code;
        put32(layer.header, 4, rest);
        return add(std::move(layer));
    }

    // Names a protocol without a header that this builder knows (47: GRE).
    Packet &protocol(std::uint8_t number) { return add({.kind = Kind::opaque, .protocol = number}); }

    Packet &payload(std::size_t bytes)
    {
        payload_.resize(bytes);
        for (std::size_t i = 0; i < bytes; i++)
            payload_[i] = static_cast<std::uint8_t>(i * 7 + 3);
        return *this;
    }

    Packet &payload(Bytes bytes)
    {
        payload_ = std::move(bytes);
        return *this;
    }

    // The IP packet alone: what an ICMP error quotes.
    Bytes build_ip() const
    {
        Bytes body = payload_;
        std::uint8_t next = 59; // no next header
        for (std::size_t i = layers_.size(); i-- > 0;) {
            Layer layer = layers_[i];
            finish(layer, i, next, body);
            body.insert(body.begin(), layer.header.begin(), layer.header.end());
            next = protocol_of(layer);
        }
        return body;
    }

    Bytes build() const
    {
        Bytes frame(dst_mac_.begin(), dst_mac_.end());
        frame.insert(frame.end(), src_mac_.begin(), src_mac_.end());
        for (auto [type, id] : vlans_) {
            frame.resize(frame.size() + 4);
            put16(frame, frame.size() - 4, type);
            put16(frame, frame.size() - 2, id);
        }
        frame.resize(frame.size() + 2);
        put16(frame, frame.size() - 2, type_ ? type_ : layers_.at(0).kind == Kind::ipv4 ? 0x0800u : 0x86ddu);
        append(frame, build_ip());
        return frame;
    }

    std::size_t l3_offset() const { return 14 + 4 * vlans_.size(); }

private:
    enum class Kind { ipv4, ipv6, extension, fragment, tcp, udp, gue, icmp, opaque };

    struct Layer {
        Kind kind{};
        std::uint8_t protocol = 0;
        Bytes header{};
        Bytes src{}, dst{};
    };

    Packet &add(Layer layer)
    {
        layers_.push_back(std::move(layer));
        return *this;
    }

    static bool is_ip(const Layer &layer) { return layer.kind == Kind::ipv4 || layer.kind == Kind::ipv6; }

    Layer &last_ip()
    {
        auto found = std::find_if(layers_.rbegin(), layers_.rend(), is_ip);
        if (found == layers_.rend())
            throw std::logic_error("no IP layer yet");
        return *found;
    }

    const Layer &ip_before(std::size_t index) const
    {
        while (index-- > 0)
            if (is_ip(layers_[index]))
                return layers_[index];
        throw std::logic_error("a transport header needs an IP layer before it");
    }

    static std::uint8_t protocol_of(const Layer &layer)
    {
        switch (layer.kind) {
        case Kind::ipv4:
            return 4;
        case Kind::ipv6:
            return 41;
        case Kind::fragment:
            return 44;
        default:
            return layer.protocol;
        }
    }

    // RFC 768, RFC 9293 3.1, RFC 8200 8.1: what the transport checksum covers beside header and body.
    static std::uint16_t pseudo_sum(const Layer &ip, std::uint8_t protocol, std::size_t length)
    {
        std::uint32_t sum = naive_sum(ip.src);
        sum = naive_sum(ip.dst, sum);
        return naive_sum(
            {0, protocol, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)}, sum);
    }

    void finish(Layer &layer, std::size_t index, std::uint8_t next, const Bytes &body) const
    {
        Bytes &header = layer.header;
        Bytes whole = header;
        append(whole, body);
        switch (layer.kind) {
        case Kind::ipv4:
            put16(header, 2, whole.size());
            header[9] = next;
            put16(header, 10, naive_checksum(header));
            break;
        case Kind::ipv6:
            put16(header, 4, body.size());
            header[6] = next;
            break;
        case Kind::extension:
        case Kind::fragment:
            header[0] = next;
            break;
        case Kind::tcp:
            put16(header, 16, naive_checksum(whole, pseudo_sum(ip_before(index), 6, whole.size())));
            break;
        case Kind::udp: {
            put16(header, 4, whole.size());
            put16(whole, 4, whole.size());
            std::uint16_t checksum = naive_checksum(whole, pseudo_sum(ip_before(index), 17, whole.size()));
            put16(header, 6, checksum ? checksum : 0xffffu); // RFC 768: 0 means none
            break;
        }
        case Kind::icmp: {
            const Layer &ip = ip_before(index);
            std::uint32_t start = ip.kind == Kind::ipv6 ? pseudo_sum(ip, 58, whole.size()) : 0u;
            put16(header, 2, naive_checksum(whole, start));
            break;
        }
        case Kind::gue:
            put16(header, 4, whole.size());
            break;
        case Kind::opaque:
            break;
        }
    }

    Mac dst_mac_{0x02, 0, 0, 0, 0, 0x01};
    Mac src_mac_{0x02, 0, 0, 0, 0, 0x02};
    std::vector<std::pair<std::uint16_t, std::uint16_t>> vlans_; // type, id
    std::uint16_t type_ = 0;
    std::vector<Layer> layers_;
    Bytes payload_;
};

} // namespace aya::test
