// SPDX-License-Identifier: BSD-2-Clause
#include "common/json/kinds.hpp"
#include "common/json/text_value.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "aya/name.hpp"

namespace aya
{

namespace
{

constexpr std::uint64_t kMega = 1ULL << 20;

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Largest first, which is the order in which formatting tries them.
constexpr std::array kTimeUnits{Unit{"h", 3600000}, Unit{"m", 60000}, Unit{"s", 1000}, Unit{"ms", 1}};
constexpr std::array kSizeUnits{Unit{"GB", kMega << 10}, Unit{"MB", kMega}};

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

std::string format_seed(const Seed &seed)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : seed) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 0xf];
    }
    return text;
}

} // namespace

Kind<std::string> text_kind(KindFacts facts, std::function<bool(std::string_view)> accepts)
{
    return {std::move(facts),
            [accepts = std::move(accepts)](const Json &value, std::string &) -> std::optional<std::string> {
                const std::string *text = text_of(value);
                if (text == nullptr || !accepts(*text))
                    return std::nullopt;
                return *text;
            },
            [](const std::string &text) { return OrderedJson(text); }};
}

KindFacts word_facts()
{
    KindFacts facts;
    facts.noun = "text";
    facts.schema["enum"] = OrderedJson::array();
    return facts;
}

void add_word(KindFacts &facts, const std::string &word)
{
    facts.allowed += (facts.allowed.empty() ? "\"" : ", \"") + word + "\"";
    facts.placeholder += (facts.placeholder.empty() ? "" : "|") + word;
    facts.words.push_back(word);
    facts.schema["enum"].push_back(word);
}

Kind<std::int64_t> integer_kind(std::int64_t lowest, std::int64_t highest)
{
    KindFacts facts;
    facts.allowed = "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest);
    facts.noun = "number";
    facts.least = lowest;
    facts.most = highest;
    facts.placeholder = "N";
    facts.schema = {{"type", "integer"}, {"minimum", lowest}, {"maximum", highest}};
    return {std::move(facts),
            [=](const Json &value, std::string &) -> std::optional<std::int64_t> {
                // Above int64 a number can only be unsigned; every limit is below.
                if (!value.is_number_integer() ||
                    (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>())))
                    return std::nullopt;
                const auto number = value.get<std::int64_t>();
                return number >= lowest && number <= highest ? std::optional(number) : std::nullopt;
            },
            [](std::int64_t number) { return OrderedJson(number); }};
}

Kind<std::int64_t> power_of_two_kind(std::int64_t lowest, std::int64_t highest)
{
    Kind<std::int64_t> kind = integer_kind(lowest, highest);
    kind.note = "rounded up to a power of two";
    kind.read = [read = std::move(kind.read)](const Json &value, std::string &note) {
        std::optional<std::int64_t> number = read(value, note);
        if (number)
            number = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(*number)));
        return number;
    };
    return kind;
}

Kind<bool> boolean_kind()
{
    KindFacts facts;
    facts.allowed = "true or false";
    facts.noun = "true or false";
    facts.placeholder = "true|false";
    facts.words = {"true", "false"};
    facts.schema = {{"type", "boolean"}};
    return {std::move(facts),
            [](const Json &value, std::string &) {
                return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
            },
            [](bool value) { return OrderedJson(value); }};
}

Kind<Duration> duration_kind(Duration shortest, Duration longest, Duration step)
{
    const std::string whole = step == Duration(1) ? "" : ", a multiple of \"" + format_duration(step) + "\"";
    KindFacts facts;
    facts.allowed = "a time from \"" + format_duration(shortest) + "\" to \"" + format_duration(longest) +
                    "\"" + whole + " (units ms, s, m, h)";
    facts.noun = "time";
    facts.least = format_duration(shortest);
    facts.most = format_duration(longest);
    facts.note = step == Duration(1) ? "" : "a multiple of `\"" + format_duration(step) + "\"`";
    facts.placeholder = "TIME";
    facts.schema = text_schema("^[0-9]+(ms|s|m|h)$");
    return {std::move(facts),
            [=](const Json &value, std::string &) -> std::optional<Duration> {
                const auto ms = parse_quantity(value, kTimeUnits);
                if (!ms || !std::in_range<Duration::rep>(*ms))
                    return std::nullopt;
                const Duration duration(static_cast<Duration::rep>(*ms));
                if (duration < shortest || duration > longest || duration % step != Duration::zero())
                    return std::nullopt;
                return duration;
            },
            [](Duration duration) { return OrderedJson(format_duration(duration)); }};
}

Kind<std::uint64_t> size_kind(std::uint64_t smallest, std::uint64_t largest)
{
    KindFacts facts;
    facts.allowed =
        "a size from \"" + format_size(smallest) + "\" to \"" + format_size(largest) + "\" (units MB, GB)";
    facts.noun = "size";
    facts.least = format_size(smallest);
    facts.most = format_size(largest);
    facts.placeholder = "SIZE";
    facts.schema = text_schema("^[0-9]+(MB|GB)$");
    return {std::move(facts),
            [=](const Json &value, std::string &) -> std::optional<std::uint64_t> {
                const auto bytes = parse_quantity(value, kSizeUnits);
                return bytes && *bytes >= smallest && *bytes <= largest ? bytes : std::nullopt;
            },
            [](std::uint64_t bytes) { return OrderedJson(format_size(bytes)); }};
}

Kind<unsigned> percent_kind()
{
    KindFacts facts;
    facts.allowed = "a share from \"0%\" to \"100%\", a whole number";
    facts.noun = "share";
    facts.least = "0%";
    facts.most = "100%";
    facts.placeholder = "PERCENT";
    facts.unit = "%";
    facts.schema = text_schema("^0*(100|[0-9]{1,2})%$");
    return {std::move(facts),
            [](const Json &value, std::string &) -> std::optional<unsigned> {
                const auto percent = parse_quantity(value, std::array{Unit{"%", 1}});
                return percent && *percent <= 100 ? std::optional(static_cast<unsigned>(*percent))
                                                  : std::nullopt;
            },
            [](unsigned percent) { return OrderedJson(std::to_string(percent) + "%"); }};
}

Kind<std::string> name_kind()
{
    KindFacts facts;
    facts.allowed = "a name of " + std::string(kNameRule);
    facts.noun = "name";
    facts.placeholder = "NAME";
    facts.schema = text_schema("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$");
    return text_kind(std::move(facts), [](std::string_view text) { return is_name(text); });
}

Kind<std::string> interface_kind()
{
    KindFacts facts;
    facts.allowed = "an interface name of 1 to 15 characters A-Z a-z 0-9 . _ -, the first a letter or digit";
    facts.noun = "interface name";
    facts.note = "1 to 15 characters";
    facts.placeholder = "INTERFACE";
    facts.schema = text_schema("^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$");
    // IFNAMSIZ is 16 with the closing NUL.
    return text_kind(std::move(facts), [](std::string_view text) { return is_name(text, 15); });
}

Kind<std::string> device_kind()
{
    KindFacts facts;
    facts.allowed =
        "a PCI address such as \"0000:3b:00.0\", a DPDK virtual device with its arguments such as "
        "\"net_af_xdp0,iface=eth0\", or the name of a network interface; 1 to 255 characters, no spaces";
    facts.noun = "text";
    facts.note = "1 to 255 characters, no spaces";
    facts.placeholder = "DEVICE";
    facts.schema = text_schema("^[!-~]{1,255}$");
    return text_kind(std::move(facts), is_argument);
}

Kind<std::string> argument_kind()
{
    KindFacts facts;
    facts.allowed = "one argument of DPDK's EAL; 1 to 255 characters, no spaces";
    facts.noun = "text";
    facts.note = "1 to 255 characters, no spaces";
    facts.placeholder = "ARGUMENT";
    facts.schema = text_schema("^[!-~]{1,255}$");
    return text_kind(std::move(facts), is_argument);
}

Kind<std::string> file_kind()
{
    constexpr std::size_t kMost = 1024;
    KindFacts facts;
    facts.allowed = "the absolute path of a file, 2 to 1024 characters, none of them a control character";
    facts.noun = "path";
    facts.note = "absolute";
    facts.placeholder = "FILE";
    facts.schema = text_schema("^/[^\\u0000-\\u001f]{1,1023}$");
    return text_kind(std::move(facts), [](std::string_view text) {
        return text.size() > 1 && text.size() <= kMost && text.starts_with('/') &&
               std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
    });
}

Kind<Seed> seed_kind()
{
    KindFacts facts;
    facts.allowed = "32 hex digits, the same on every box of a fleet (openssl rand -hex 16)";
    facts.noun = "text";
    facts.note = "32 hex digits";
    facts.placeholder = "SEED";
    facts.schema = text_schema("^[0-9A-Fa-f]{32}$");
    return {std::move(facts),
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
            },
            [](const Seed &seed) { return OrderedJson(format_seed(seed)); }};
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
