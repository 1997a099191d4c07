// SPDX-License-Identifier: BSD-2-Clause
#include "quic_lb.hpp"

#include "aya/quic.h"
#include "common/file.hpp"
#include "common/json/json_text.hpp"
#include "common/json/text_value.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace aya
{

namespace
{

constexpr std::size_t kBlock = 16;
constexpr off_t kLargestKeyFile = 4096;
constexpr const char *kNeedsKey =
    "the absolute path of a file with 32 hex digits that only its owner and group can read";

aya_aes_keys keys_of(const KeyFile &file)
{
    aya_aes_keys keys;
    aya_aes_expand(&keys, file.key.value().data());
    return keys;
}

std::array<std::uint8_t, kBlock> encrypt(const aya_aes_keys &keys, std::array<std::uint8_t, kBlock> block)
{
    aya_block words;
    std::memcpy(&words, block.data(), sizeof(words));
    aya_id_scratch scratch;
    words = aya_aes_crypt(&keys, words, 0, &scratch);
    std::memcpy(block.data(), &words, sizeof(words));
    return block;
}

// Server id and nonce, as two halves that share the octet in the middle if their sum is odd.
std::size_t half_of(std::size_t length)
{
    return (length + 1) / 2;
}

struct Halves {
    Octets left, right;
};

Halves split(const Octets &text)
{
    const std::size_t half = half_of(text.size());
    Halves halves{{text.begin(), text.begin() + static_cast<std::ptrdiff_t>(half)},
                  {text.end() - static_cast<std::ptrdiff_t>(half), text.end()}};
    if (text.size() % 2 != 0) {
        halves.left.back() &= 0xf0;
        halves.right.front() &= 0x0f;
    }
    return halves;
}

Octets join(const Halves &halves, std::size_t length)
{
    Octets text = halves.left;
    text.resize(length);
    const std::size_t at = length - halves.right.size();
    for (std::size_t i = 0; i < halves.right.size(); ++i)
        text[at + i] |= halves.right[i];
    return text;
}

// One round of section 5.4.2 of the draft: `target` changes by what `source` is encrypted to. `keeps`: which
// bits of the target are its own.
void pass(const aya_aes_keys &keys, std::uint8_t number, std::size_t length, const Octets &source,
          Octets &target, const Octets &keeps)
{
    std::array<std::uint8_t, kBlock> block{};
    std::copy(source.begin(), source.end(), block.begin());
    block[kBlock - 2] = static_cast<std::uint8_t>(length);
    block[kBlock - 1] = number;
    block = encrypt(keys, block);
    for (std::size_t i = 0; i < target.size(); ++i)
        target[i] = static_cast<std::uint8_t>(target[i] ^ (block[i] & keeps[i]));
}

Octets encrypt_in_passes(const aya_aes_keys &keys, const Octets &text)
{
    const Halves keeps = split(Octets(text.size(), 0xff));
    Halves halves = split(text);
    pass(keys, 1, text.size(), halves.left, halves.right, keeps.right);
    pass(keys, 2, text.size(), halves.right, halves.left, keeps.left);
    pass(keys, 3, text.size(), halves.left, halves.right, keeps.right);
    pass(keys, 4, text.size(), halves.right, halves.left, keeps.left);
    return join(halves, text.size());
}

// What is wrong with a file of a key, or nothing.
std::string read_key(KeyFile &file)
{
    static constexpr const char *kNoKey = "does not hold 32 hex digits";
    struct stat status = {};
    if (::stat(file.path.c_str(), &status) != 0)
        return std::strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "not a regular file";
    if ((status.st_mode & S_IRWXO) != 0)
        return "readable or writable by all users; run: chmod o= " + file.path;
    if (status.st_size > kLargestKeyFile)
        return kNoKey;
    const auto text = read_config_file(file.path);
    if (!text)
        return text.errors().front().message;
    std::string_view digits = *text;
    while (!digits.empty() && std::isspace(static_cast<unsigned char>(digits.back())) != 0)
        digits.remove_suffix(1);
    const auto key = octets_of(digits);
    if (!key || key->size() != KeyFile::Key().size())
        return kNoKey;
    std::copy(key->begin(), key->end(), file.key.emplace().begin());
    return {};
}

} // namespace

std::string hex_of(std::span<const std::uint8_t> octets)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t octet : octets) {
        text += kDigits[octet >> 4];
        text += kDigits[octet & 0xf];
    }
    return text;
}

std::optional<Octets> octets_of(std::string_view hex)
{
    Octets octets(hex.size() / 2);
    if (hex.size() % 2 != 0)
        return std::nullopt;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const char *digits = hex.data() + i * 2;
        const auto [stop, error] = std::from_chars(digits, digits + 2, octets[i], 16);
        if (error != std::errc{} || stop != digits + 2)
            return std::nullopt;
    }
    return octets;
}

Kind<Octets> server_id_kind()
{
    KindFacts facts;
    facts.allowed = "2 to " + std::to_string(2 * kLongestServerId) + " hex digits, two for each octet";
    facts.noun = "text";
    facts.note = "2 to " + std::to_string(2 * kLongestServerId) + " hex digits";
    facts.placeholder = "HEX";
    facts.schema = {{"type", "string"}, {"pattern", "^([0-9A-Fa-f]{2}){1,15}$"}};
    return {std::move(facts),
            [](const Json &value, std::string &) -> std::optional<Octets> {
                const std::string *text = text_of(value);
                auto octets = text != nullptr ? octets_of(*text) : std::nullopt;
                if (!octets || octets->empty() || octets->size() > kLongestServerId)
                    return std::nullopt;
                return octets;
            },
            [](const Octets &octets) { return OrderedJson(hex_of(octets)); }};
}

Kind<KeyFile> key_file_kind()
{
    const Kind<std::string> paths = file_kind();
    KindFacts facts;
    facts.allowed = kNeedsKey;
    facts.noun = "text";
    facts.note = "an absolute path";
    facts.placeholder = "FILE";
    facts.schema = paths.schema;
    return {std::move(facts),
            [read = paths.read](const Json &value, std::string &note) -> std::optional<KeyFile> {
                auto path = read(value, note);
                return path ? std::optional(KeyFile{std::move(*path), {}}) : std::nullopt;
            },
            [](const KeyFile &file) { return OrderedJson(file.path); }};
}

KeysByPath keys_of(const std::vector<ServiceConfig> &services)
{
    KeysByPath keys;
    for (const ServiceConfig &service : services)
        for (const QuicLbConfig &config : service.quic_lb)
            if (config.key_file && config.key_file->key)
                keys.emplace(config.key_file->path, *config.key_file->key);
    return keys;
}

void read_key_files(std::vector<ServiceConfig> &services, KeysByPath known, ErrorSink &errors)
{
    const auto fill_in = [&](KeyFile &file, const std::string &where) {
        if (const auto key = known.find(file.path); key != known.end())
            file.key = key->second;
        else if (const std::string wrong = read_key(file); !wrong.empty())
            errors.add(where, "found " + quote(file.path) + " (" + wrong + "); allowed: " + kNeedsKey);
        else
            known.emplace(file.path, *file.key);
    };
    for (std::size_t i = 0; i < services.size(); ++i)
        for (std::size_t j = 0; j < services[i].quic_lb.size(); ++j)
            if (auto &file = services[i].quic_lb[j].key_file; file && !file->key)
                fill_in(*file, "/services" + pointer_token(i) + "/quic_lb" + pointer_token(j) + "/key_file");
}

Octets server_id_of(const BackendConfig &backend, std::size_t length)
{
    const aya_server entry = server_entry(backend);
    Octets all(sizeof(entry));
    std::memcpy(all.data(), &entry, sizeof(entry));
    return {all.end() - static_cast<std::ptrdiff_t>(length), all.end()};
}

aya_server server_entry(const BackendConfig &backend)
{
    std::array<std::uint8_t, sizeof(aya_server)> octets{};
    if (backend.server_id)
        std::copy_backward(backend.server_id->begin(), backend.server_id->end(), octets.end());
    else if (backend.address.is_v4())
        std::copy_backward(backend.address.bytes.end() - 4, backend.address.bytes.end(), octets.end());
    else
        std::copy(backend.address.bytes.begin(), backend.address.bytes.end(), octets.begin());
    aya_server entry;
    std::memcpy(&entry, octets.data(), sizeof(entry));
    return entry;
}

aya_quic_config quic_entry(const QuicLbConfig &config)
{
    aya_quic_config entry;
    aya_quic_config_init(&entry, config.server_id_length, config.nonce_length,
                         config.key_file ? config.key_file->key.value().data() : nullptr);
    return entry;
}

Octets make_quic_id(const QuicLbConfig &config, const Octets &server_id, const Octets &nonce)
{
    Octets text = server_id;
    text.insert(text.end(), nonce.begin(), nonce.end());
    if (config.key_file) {
        const aya_aes_keys keys = keys_of(*config.key_file);
        if (text.size() == kBlock) {
            std::array<std::uint8_t, kBlock> block{};
            std::copy(text.begin(), text.end(), block.begin());
            block = encrypt(keys, block);
            std::copy(block.begin(), block.end(), text.begin());
        } else {
            text = encrypt_in_passes(keys, text);
        }
    }
    text.insert(text.begin(), static_cast<std::uint8_t>(config.config_id << 5 | text.size()));
    return text;
}

} // namespace aya
