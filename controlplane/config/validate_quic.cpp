// SPDX-License-Identifier: BSD-2-Clause
#include "validate_quic.hpp"

#include "quic_lb.hpp"

#include <algorithm>
#include <set>

namespace aya
{

namespace
{

void check_lengths(const QuicLbConfig &config, const std::string &at, Checker &checker)
{
    const int most = kLongestQuicId - config.server_id_length;
    if (config.nonce_length > most)
        checker.add(at + "/nonce_length",
                    "found " + std::to_string(config.nonce_length) + " with the server_id_length " +
                        std::to_string(config.server_id_length) + "; allowed: at most " +
                        std::to_string(most) + ", so that both take " + std::to_string(kLongestQuicId) +
                        " octets at most",
                    {at + "/server_id_length"});
}

// A server id that is given must have the length that every configuration reads.
void check_length_of_id(const ServiceConfig &service, const Octets &server_id, const std::string &where,
                        const std::string &at, Checker &checker)
{
    for (std::size_t i = 0; i < service.quic_lb.size(); ++i) {
        const std::size_t length = service.quic_lb[i].server_id_length;
        const std::string wanted = where + "/quic_lb" + pointer_token(i) + "/server_id_length";
        if (server_id.size() == length)
            continue;
        checker.add(at,
                    "found " + quote(hex_of(server_id)) + " of " + std::to_string(server_id.size()) +
                        " octets; allowed: " + std::to_string(length) + " octets, as " + wanted + " says",
                    {wanted});
        return;
    }
}

void check_unique_ids(const ServiceConfig &service, std::size_t length, const std::string &where,
                      Checker &checker)
{
    std::unordered_map<std::string, std::string> seen;
    for (std::size_t i = 0; i < service.backends.size(); ++i) {
        const BackendConfig &backend = service.backends[i];
        const std::string at = where + "/backends" + pointer_token(i);
        const std::string id = hex_of(server_id_of(backend, length));
        const auto [first, is_new] = seen.try_emplace(id, backend.name);
        if (is_new)
            continue;
        const std::string found = backend.server_id
                                      ? "found " + quote(id)
                                      : "absent, and the address " + quote(to_string(backend.address)) +
                                            " ends with the server id " + quote(id);
        checker.add(at + "/server_id",
                    found + ", which backend " + quote(first->second) +
                        " has, too; required: a server_id of its own, or a longer server_id_length",
                    {at + "/address"});
    }
}

} // namespace

void check_quic_lb(const ServiceConfig &service, const std::string &where, Checker &checker)
{
    const std::string list = where + "/quic_lb";
    for (std::size_t i = 0; i < service.backends.size(); ++i) {
        const auto &server_id = service.backends[i].server_id;
        const std::string at = where + "/backends" + pointer_token(i) + "/server_id";
        if (server_id && service.quic_lb.empty())
            checker.add(at, "found " + quote(hex_of(*server_id)) + "; allowed only with quic_lb", {list});
        else if (server_id)
            check_length_of_id(service, *server_id, where, at, checker);
    }
    if (service.quic_lb.empty())
        return;
    const bool has_udp = std::any_of(service.vips.begin(), service.vips.end(),
                                     [](const VipKey &vip) { return vip.protocol == Protocol::udp; });
    if (!has_udp)
        checker.add(list,
                    "found configurations, but no UDP VIP; allowed only with one, such as " +
                        quote("203.0.113.10:443/udp"),
                    {where + "/vips"});
    std::unordered_map<unsigned, std::string> config_ids;
    std::set<std::size_t> lengths;
    for (std::size_t i = 0; i < service.quic_lb.size(); ++i) {
        const QuicLbConfig &config = service.quic_lb[i];
        const std::string at = list + pointer_token(i);
        checker.check_unique<unsigned>(config_ids, config.config_id, std::to_string(config.config_id),
                                       at + "/config_id");
        check_lengths(config, at, checker);
        if (!checker.is_broken(at + "/server_id_length"))
            lengths.insert(config.server_id_length);
    }
    for (const std::size_t length : lengths)
        check_unique_ids(service, length, where, checker);
}

} // namespace aya
