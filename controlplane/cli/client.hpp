// SPDX-License-Identifier: BSD-2-Clause
// HTTP/1.1 over the control plane's Unix socket, one connection a request (docs/api.md).
#pragma once

#include "json.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace aya::ctl
{

// One segment of a path: everything but RFC 3986's unreserved characters is escaped.
std::string percent_encode(std::string_view segment);

class Client
{
public:
    Client(std::filesystem::path socket, std::chrono::milliseconds timeout);

    // Give the body of a 2xx answer; throw Refused on any other answer, and Unreachable if there is
    // none within the timeout. `path` has its names encoded already.
    Json get(const std::string &path) const;
    Json post(const std::string &path, std::string body) const;
    Json patch(const std::string &path, const Json &body) const;
    Json remove(const std::string &path) const;

private:
    Json call(int verb, const std::string &path, std::string body) const;

    std::filesystem::path socket_;
    std::chrono::milliseconds timeout_;
};

} // namespace aya::ctl
