// SPDX-License-Identifier: BSD-2-Clause
// How single values are written in the configuration.
#pragma once

#include "common/address.hpp"
#include "common/json/json_text.hpp"
#include "common/names.hpp"
#include "common/values.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace aya
{

// `read` gives the value or nullopt, and may then say in `note` what is wrong with what it found
// ("loopback"). `allowed` ends the sentence "allowed: ".
template <typename T>
struct Kind {
    std::string allowed;
    std::function<std::optional<T>(const Json &value, std::string &note)> read;
};

Kind<std::int64_t> integer_kind(std::int64_t lowest, std::int64_t highest);
Kind<bool> boolean_kind();
Kind<Duration> duration_kind(Duration shortest, Duration longest, Duration step = Duration(1));
Kind<std::uint64_t> size_kind(std::uint64_t smallest, std::uint64_t largest); // bytes
Kind<unsigned> percent_kind();
Kind<std::string> name_kind();
Kind<std::string> interface_kind();
Kind<std::string> device_kind();
Kind<std::string> argument_kind();
Kind<Seed> seed_kind();
Kind<IpAddress> address_kind();        // unicast: what a VIP or a backend may have
Kind<IpAddress> address_kind(bool v4); // the same, of one family
Kind<SocketAddress> socket_kind();
Kind<VipKey> vip_kind();
Kind<Mac> mac_kind(); // of one station

// One of the names that `Enum` has.
template <HasNames Enum>
Kind<Enum> word_kind()
{
    Kind<Enum> kind;
    for (const auto &row : names_of(Enum{}))
        kind.allowed += (kind.allowed.empty() ? "\"" : ", \"") + std::string(row.name) + "\"";
    kind.read = [](const Json &json, std::string &) {
        return json.is_string() ? parse_name<Enum>(json.get_ref<const std::string &>()) : std::nullopt;
    };
    return kind;
}

// "500ms", "1s", "15m", "2h": the largest unit that gives a whole number.
std::string format_duration(Duration duration);
std::string format_size(std::uint64_t bytes); // "512MB", in the largest unit that gives a whole number

bool is_prime(std::uint32_t number);

} // namespace aya
