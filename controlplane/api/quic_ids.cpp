// SPDX-License-Identifier: BSD-2-Clause
#include "api/quic_ids.hpp"

#include "common/json/reader.hpp"
#include "common/json/text_value.hpp"
#include "config/quic_lb.hpp"

#include <algorithm>
#include <optional>
#include <random>

namespace aya::api
{

namespace
{

constexpr unsigned kMostIds = 1000; // of one call

struct Wanted {
    std::optional<unsigned> config_id;
    std::optional<Octets> nonce;
    std::optional<unsigned> count;
};

Kind<Octets> nonce_kind()
{
    Kind<Octets> kind;
    kind.allowed = "hex digits, two for each octet of the configuration's nonce_length";
    kind.read = [](const Json &value, std::string &) -> std::optional<Octets> {
        const std::string *hex = text_of(value);
        return hex != nullptr ? octets_of(*hex) : std::nullopt;
    };
    return kind;
}

// Unpredictable, so that nobody can tell which ids are of one connection.
Octets random_nonce(std::size_t length)
{
    static std::random_device random;
    Octets nonce(length);
    std::generate(nonce.begin(), nonce.end(), [] { return static_cast<std::uint8_t>(random()); });
    return nonce;
}

std::string config_ids_of(const ServiceConfig &service)
{
    std::string text;
    for (const QuicLbConfig &config : service.quic_lb)
        text += (text.empty() ? "" : ", ") + std::to_string(config.config_id);
    return text;
}

// nullptr: an error says why.
const QuicLbConfig *find_config(const ServiceConfig &service, const Wanted &wanted, ErrorSink &errors)
{
    if (service.quic_lb.empty()) {
        errors.add("", "service " + quote(service.name) + " has no quic_lb; set it in the configuration");
        return nullptr;
    }
    if (!wanted.config_id && service.quic_lb.size() == 1)
        return &service.quic_lb.front();
    for (const QuicLbConfig &config : service.quic_lb)
        if (config.config_id == wanted.config_id)
            return &config;
    const std::string found = wanted.config_id ? "found " + std::to_string(*wanted.config_id) + "; allowed: "
                                               : "missing; required: ";
    errors.add("/config_id", found + "a config id of the service: " + config_ids_of(service));
    return nullptr;
}

Wanted read_wanted(std::string_view text, ErrorSink &errors)
{
    Wanted wanted;
    const JsonText json = read_json_text(text.empty() ? "{}" : text, errors);
    if (!json.syntax_error) {
        Reader reader(json.value, "", ReadMode::whole, errors);
        reader.optional("config_id", integer_kind(0, kLargestQuicConfigId), wanted.config_id);
        reader.optional("nonce", nonce_kind(), wanted.nonce);
        reader.optional("count", integer_kind(1, kMostIds), wanted.count);
        reader.finish();
    }
    return wanted;
}

void check_nonce(const QuicLbConfig &config, const Wanted &wanted, ErrorSink &errors)
{
    if (!wanted.nonce)
        return;
    if (wanted.nonce->size() != config.nonce_length)
        errors.add("/nonce", "found " + std::to_string(wanted.nonce->size()) +
                                 " octets; allowed: " + std::to_string(config.nonce_length) +
                                 ", the nonce_length of config id " + std::to_string(config.config_id));
    if (wanted.count.value_or(1) != 1)
        errors.add("/count", "found " + std::to_string(*wanted.count) + " with a nonce; allowed: 1");
}

} // namespace

Result<OrderedJson> quic_ids(const ServiceConfig &service, const BackendConfig &backend,
                             std::string_view text)
{
    ErrorSink errors;
    const Wanted wanted = read_wanted(text, errors);
    const QuicLbConfig *config = errors.empty() ? find_config(service, wanted, errors) : nullptr;
    if (config != nullptr)
        check_nonce(*config, wanted, errors);
    if (!errors.empty())
        return errors.take();
    const Octets server_id = server_id_of(backend, config->server_id_length);
    OrderedJson ids = OrderedJson::array();
    for (unsigned i = 0; i < wanted.count.value_or(1); ++i)
        ids.push_back(hex_of(make_quic_id(
            *config, server_id, wanted.nonce ? *wanted.nonce : random_nonce(config->nonce_length))));
    return OrderedJson{
        {"config_id", config->config_id}, {"server_id", hex_of(server_id)}, {"ids", std::move(ids)}};
}

} // namespace aya::api
