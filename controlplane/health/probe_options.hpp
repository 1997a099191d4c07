// SPDX-License-Identifier: BSD-2-Clause
// What the keys of a service's `health` say to the types of probes that have them. What is absent has the
// default that the key's row names.
#pragma once

#include "common/names.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aya
{

enum class HttpMethod : std::uint8_t { get, head, options };

constexpr auto names_of(HttpMethod)
{
    return std::to_array<Name<HttpMethod>>(
        {{HttpMethod::get, "GET"}, {HttpMethod::head, "HEAD"}, {HttpMethod::options, "OPTIONS"}});
}

// "200-399", "200,204,301-308".
class StatusSet
{
public:
    static std::optional<StatusSet> parse(std::string_view text);

    bool contains(unsigned status) const;
    const std::string &text() const { return text_; }

    auto operator<=>(const StatusSet &) const = default;

private:
    std::string text_;
    std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges_; // from and to, both included
};

// The bytes that "hex:00ff" or other text stands for. nullopt: not whole bytes in hex digits.
std::optional<std::string> payload_bytes(std::string_view text);

struct ProbeOptions {
    std::optional<HttpMethod> method;
    std::optional<std::string> path;
    std::optional<std::string> host;
    std::optional<StatusSet> expected_status;
    std::optional<std::string> expected_body;
    std::optional<bool> tls_verify;
    std::optional<std::string> tls_server_name;
    std::optional<std::string> payload; // as the configuration has it: text, or "hex:00ff"
    std::optional<std::string> expected_answer;
    std::optional<std::vector<std::string>> command;
    std::optional<bool> tls;
    std::optional<std::string> grpc_service;

    auto operator<=>(const ProbeOptions &) const = default;
};

} // namespace aya
