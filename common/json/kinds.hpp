// SPDX-License-Identifier: BSD-2-Clause
// How single values are written in the configuration.
#pragma once

#include "common/address.hpp"
#include "common/json/json_text.hpp"
#include "common/names.hpp"
#include "common/prefix.hpp"
#include "common/values.hpp"
#include "common/vip.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aya
{

// What is said about a kind, wherever it is said.
struct KindFacts {
    std::string allowed;            // ends the sentence "allowed: "
    std::string noun;               // in tables of the documentation: "time"
    OrderedJson least;              // where values have an order
    OrderedJson most;               // the same
    std::string note;               // in these tables, Markdown: what else is allowed
    std::string placeholder;        // for a value on the command line: "TIME"
    std::string unit;               // for a bare number on the command line
    std::vector<std::string> words; // every value, if they are words
    OrderedJson schema = OrderedJson::object();
};

// `read` gives the value or nullopt, and may then say in `note` what is wrong with what it found
// ("loopback"). `write` gives what `read` takes.
template <typename T>
struct Kind : KindFacts {
    std::function<std::optional<T>(const Json &value, std::string &note)> read;
    std::function<OrderedJson(const T &value)> write;
};

// Of word_kind().
KindFacts word_facts();
void add_word(KindFacts &facts, const std::string &word);

Kind<std::int64_t> integer_kind(std::int64_t lowest, std::int64_t highest);
// The same, rounded up when read.
Kind<std::int64_t> power_of_two_kind(std::int64_t lowest, std::int64_t highest);
Kind<bool> boolean_kind();
Kind<Duration> duration_kind(Duration shortest, Duration longest, Duration step = Duration(1));
Kind<std::uint64_t> size_kind(std::uint64_t smallest, std::uint64_t largest); // bytes
Kind<unsigned> percent_kind();
Kind<std::string> name_kind();
Kind<std::string> interface_kind();
Kind<std::string> device_kind();
Kind<std::string> argument_kind();
Kind<std::string> file_kind(); // an absolute path
Kind<Seed> seed_kind();
Kind<IpAddress> address_kind();        // unicast: what a VIP or a backend may have
Kind<IpAddress> address_kind(bool v4); // the same, of one family
Kind<SocketAddress> socket_kind();
Kind<VipKey> vip_kind();
Kind<Prefix> prefix_kind();
Kind<Mac> mac_kind(); // of one station

// One of the names that `Enum` has.
template <HasNames Enum>
Kind<Enum> word_kind()
{
    Kind<Enum> kind{word_facts(), {}, {}};
    for (const auto &row : names_of(Enum{}))
        add_word(kind, std::string(row.name));
    kind.read = [](const Json &json, std::string &) {
        return json.is_string() ? parse_name<Enum>(json.get_ref<const std::string &>()) : std::nullopt;
    };
    kind.write = [](const Enum &value) { return OrderedJson(to_string(value)); };
    return kind;
}

// "500ms", "1s", "15m", "2h": the largest unit that gives a whole number.
std::string format_duration(Duration duration);
std::string format_size(std::uint64_t bytes); // "512MB", in the largest unit that gives a whole number

bool is_prime(std::uint32_t number);

} // namespace aya
