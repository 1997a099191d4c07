// SPDX-License-Identifier: BSD-2-Clause
#include "json_section.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace aya
{

namespace
{

constexpr u64 kLeastMemory = u64{64} << 20;
constexpr u64 kMostMemory = u64{1} << 40;

std::string shown(std::string_view text)
{
    constexpr std::size_t kMost = 60;
    std::string line = "\"";
    for (const char c : text.substr(0, kMost))
        line += c < ' ' || c >= 0x7f ? '?' : c;
    return line + (text.size() > kMost ? "...\"" : "\"");
}

bool is_interface_name(std::string_view text)
{
    const auto plain = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= 15 &&
           std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
           std::all_of(text.begin(), text.end(), plain);
}

bool is_argument(const Json &value)
{
    if (!value.is_string())
        return false;
    const auto &text = value.get_ref<const std::string &>();
    const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
    return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), visible);
}

std::optional<u64> parse_size(std::string_view text)
{
    u64 number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const unsigned shift = unit == "MB" ? 20 : unit == "GB" ? 30 : 0;
    if (error != std::errc{} || shift == 0 || number > (kMostMemory >> shift))
        return std::nullopt;
    return number << shift;
}

// Sees every key as the parser meets it; the library itself would keep the last of two silently.
class DuplicateKeys
{
public:
    explicit DuplicateKeys(const JsonPlace &root) : root_(root) {}

    void see(Json::parse_event_t event, const Json &parsed)
    {
        using Event = Json::parse_event_t;
        if (event == Event::key) {
            see_key(parsed.get_ref<const std::string &>());
        } else if (event == Event::object_start || event == Event::array_start) {
            levels_.push_back({event == Event::array_start, 0, {}, {}});
        } else {
            if (event == Event::object_end || event == Event::array_end)
                levels_.pop_back();
            if (!levels_.empty())
                levels_.back().index++;
        }
    }

private:
    struct Level {
        bool is_array;
        std::size_t index;
        std::string key;
        std::set<std::string> seen;
    };

    void see_key(const std::string &key)
    {
        Level &level = levels_.back();
        level.key = key;
        if (level.seen.insert(key).second)
            return;
        JsonPlace place = root_;
        for (const Level &outer : levels_)
            place = place.at(outer.is_array ? std::to_string(outer.index) : outer.key);
        place.complain("found the key " + shown(key) + " twice; allowed: each key once");
    }

    JsonPlace root_;
    std::vector<Level> levels_;
};

} // namespace

std::optional<Json> parse_json(std::string_view text, const JsonPlace &root)
{
    DuplicateKeys duplicates(root);
    const auto see = [&](int, Json::parse_event_t event, const Json &parsed) {
        duplicates.see(event, parsed);
        return true;
    };
    try {
        return Json::parse(text, see, true /* throw */, true /* comments */);
    } catch (const Json::parse_error &error) {
        std::string what =
            error.what(); // "[json.exception...] parse error at line 1, column 2: syntax error ..."
        const std::size_t from = what.find("line ");
        root.errors->push_back(*root.file + ": " + (from == std::string::npos ? what : what.substr(from)));
        return std::nullopt;
    }
}

std::string describe(const Json &value)
{
    if (value.is_string())
        return shown(value.get_ref<const std::string &>());
    if (value.is_object())
        return value.empty() ? "an empty object" : "an object";
    if (value.is_array())
        return value.empty() ? "an empty list" : "a list";
    return value.dump();
}

void JsonPlace::complain(const std::string &message) const
{
    errors->push_back(*file + ": " + (pointer.empty() ? "/" : pointer) + ": " + message);
}

void JsonPlace::refuse(const Json &found, std::string_view allowed) const
{
    complain("found " + describe(found) + "; allowed: " + std::string(allowed));
}

std::optional<u64> read_integer(const Json &value, const JsonPlace &place, u64 least, u64 most)
{
    if (value.is_number_unsigned() && value.get<u64>() >= least && value.get<u64>() <= most)
        return value.get<u64>();
    place.refuse(value, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
}

std::optional<bool> read_boolean(const Json &value, const JsonPlace &place)
{
    if (value.is_boolean())
        return value.get<bool>();
    place.refuse(value, "true or false");
    return std::nullopt;
}

std::optional<u64> read_size(const Json &value, const JsonPlace &place)
{
    const auto size = value.is_string() ? parse_size(value.get_ref<const std::string &>()) : std::nullopt;
    if (size && *size >= kLeastMemory && *size <= kMostMemory)
        return size;
    place.refuse(value, "a size from \"64MB\" to \"1024GB\" (units MB, GB)");
    return std::nullopt;
}

std::optional<std::string> read_device(const Json &value, const JsonPlace &place)
{
    if (is_argument(value))
        return value.get<std::string>();
    place.refuse(value,
                 "a PCI address such as \"0000:3b:00.0\", a DPDK virtual device with its arguments such as "
                 "\"net_af_xdp0,iface=eth0\", or the name of a network interface; 1 to 255 characters, no "
                 "spaces");
    return std::nullopt;
}

std::optional<std::string> read_argument(const Json &value, const JsonPlace &place)
{
    if (is_argument(value))
        return value.get<std::string>();
    place.refuse(value, "one argument of DPDK's EAL; 1 to 255 characters, no spaces");
    return std::nullopt;
}

std::optional<std::string> read_interface(const Json &value, const JsonPlace &place)
{
    if (value.is_string() && is_interface_name(value.get_ref<const std::string &>()))
        return value.get<std::string>();
    place.refuse(value,
                 "an interface name of 1 to 15 characters A-Z a-z 0-9 . _ -, the first a letter or digit");
    return std::nullopt;
}

JsonObject::JsonObject(const Json &value, JsonPlace place) : place_(std::move(place))
{
    if (value.is_object())
        object_ = &value;
    else
        place_.refuse(value, "an object, { ... }");
}

const Json *JsonObject::find(const char *key)
{
    known_.emplace_back(key);
    if (object_ == nullptr)
        return nullptr;
    const auto found = object_->find(key);
    return found == object_->end() ? nullptr : &*found;
}

const Json *JsonObject::require(const char *key, std::string_view allowed)
{
    const Json *value = find(key);
    if (value == nullptr && object_ != nullptr)
        place_.complain(std::string("found no \"") + key + "\"; needed: " + std::string(allowed));
    return value;
}

void JsonObject::finish() const
{
    if (object_ == nullptr)
        return;
    std::string allowed;
    for (const std::string &key : known_)
        allowed += (allowed.empty() ? "" : ", ") + key;
    for (const auto &[key, value] : object_->items()) {
        if (std::find(known_.begin(), known_.end(), key) == known_.end())
            place_.at(key).complain("found the unknown key " + shown(key) + "; allowed: " + allowed);
    }
}

} // namespace aya
