// SPDX-License-Identifier: BSD-2-Clause
#include "api/explain.hpp"
#include "common/json/reader.hpp"
#include "common/json/text_value.hpp"
#include "config/quic_lb.hpp"

#include <cstring>

namespace aya::api
{

namespace
{

constexpr u16 kSmallPacket = 60; // bytes: fits every MTU
constexpr u8 kUsualTtl = 64;

KindFacts allowing(const char *allowed)
{
    KindFacts facts;
    facts.allowed = allowed;
    return facts;
}

// A client's address may be any: what no client can have is dropped with a reason.
Kind<SocketAddress> client_kind()
{
    return {allowing("ADDRESS:PORT such as \"198.51.100.7:40000\""),
            [](const Json &value, std::string &) {
                return value.is_string() ? parse_socket_address(value.get_ref<const std::string &>())
                                         : std::nullopt;
            },
            {}};
}

Kind<VipKey> exact_vip_kind()
{
    return {allowing("ADDRESS:PORT/PROTOCOL such as \"203.0.113.10:443/tcp\""),
            [](const Json &value, std::string &) {
                const auto vip =
                    value.is_string() ? parse_vip(value.get_ref<const std::string &>()) : std::nullopt;
                return vip && vip->is_exact() ? vip : std::nullopt;
            },
            {}};
}

constexpr std::size_t kLongestId = 20; // RFC 9000 17.2

Kind<Octets> quic_id_kind()
{
    return {allowing("2 to 40 hex digits, two for each octet"),
            [](const Json &value, std::string &) -> std::optional<Octets> {
                const std::string *hex = text_of(value);
                auto octets = hex != nullptr ? octets_of(*hex) : std::nullopt;
                return octets && !octets->empty() && octets->size() <= kLongestId ? octets : std::nullopt;
            },
            {}};
}

struct Asked {
    SocketAddress source;
    VipKey destination;
    bool syn = true;
    Octets quic_id;
};

Result<Asked> parse_question(std::string_view text)
{
    ErrorSink errors;
    Asked question;
    const JsonText json = read_json_text(text, errors);
    if (!json.syntax_error) {
        Reader reader(json.value, "", ReadMode::whole, errors);
        reader.required("source", client_kind(), question.source);
        reader.required("destination", exact_vip_kind(), question.destination);
        reader.optional("syn", boolean_kind(), question.syn);
        reader.optional("quic_id", quic_id_kind(), question.quic_id);
        reader.finish();
    }
    if (errors.empty() && question.source.address.is_v4() != question.destination.address.is_v4())
        errors.add("/source", "found " + to_string(question.source.address) +
                                  "; allowed: an address of the destination's family");
    if (errors.empty() && !question.quic_id.empty() && question.destination.protocol != Protocol::udp)
        errors.add("/quic_id", "found " + quote(hex_of(question.quic_id)) + " with the destination " +
                                   quote(to_string(question.destination)) +
                                   "; allowed only with a UDP destination");
    if (!errors.empty())
        return errors.take();
    return question;
}

} // namespace

Result<Question> read_question(std::string_view text)
{
    const auto question = parse_question(text);
    if (!question)
        return question.errors();
    const auto &[source, destination, syn, quic_id] = *question;
    aya_packet packet = {};
    std::memcpy(packet.flow.src, source.address.bytes.data(), sizeof(packet.flow.src));
    std::memcpy(packet.flow.dst, destination.address.bytes.data(), sizeof(packet.flow.dst));
    packet.flow.src_port = aya_cpu_to_be16(source.port);
    packet.flow.dst_port = aya_cpu_to_be16(destination.port);
    packet.flow.protocol = static_cast<u8>(destination.protocol);
    packet.flow.family = source.address.is_v4() ? AYA_IPV4 : AYA_IPV6;
    packet.kind = AYA_KIND_DATA;
    packet.l3_length = kSmallPacket;
    packet.ttl = kUsualTtl;
    if (destination.protocol == Protocol::tcp)
        packet.tcp_flags = syn ? AYA_TCP_SYN : AYA_TCP_ACK;
    return Question{.packet = packet, .quic_id = quic_id};
}

} // namespace aya::api
