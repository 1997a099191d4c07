// SPDX-License-Identifier: BSD-2-Clause
#include "api/router.hpp"

#include "common/json/json_text.hpp"
#include "common/json/reader.hpp"

#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <charconv>

namespace aya::api
{

namespace
{

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::string_view kName = "{}";

std::vector<std::string> split(std::string_view path)
{
    std::vector<std::string> parts;
    while (!path.empty()) {
        path.remove_prefix(1); // the slash
        const auto end = std::min(path.find('/'), path.size());
        parts.emplace_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return parts;
}

bool matches(const std::vector<std::string> &pattern, const std::vector<std::string> &path)
{
    return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(),
                      [](const std::string &want, const std::string &have) {
                          return want == kName ? !have.empty() : want == have;
                      });
}

} // namespace

std::optional<std::string> percent_decode(std::string_view text)
{
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            decoded.push_back(text[i]);
            continue;
        }
        unsigned char byte = 0;
        if (i + 2 >= text.size())
            return std::nullopt;
        const char *first = text.data() + i + 1;
        if (std::from_chars(first, first + 2, byte, 16).ptr != first + 2 || byte == 0)
            return std::nullopt;
        decoded.push_back(static_cast<char>(byte));
        i += 2;
    }
    return decoded;
}

void Router::add(http::verb method, std::string_view pattern, Action action)
{
    routes_.push_back({method, std::string(pattern), split(pattern), std::move(action)});
}

// Those of all routes, each once.
std::vector<std::string_view> Router::patterns() const
{
    std::vector<std::string_view> all;
    for (const Route &route : routes_)
        if (std::find(all.begin(), all.end(), route.text) == all.end())
            all.emplace_back(route.text);
    return all;
}

asio::awaitable<Response> Router::route(Request request) const
{
    const auto path = request.path.starts_with('/') ? split(request.path) : std::vector<std::string>{};
    std::string allow;
    for (const Route &route : routes_) {
        if (!matches(route.pattern, path))
            continue;
        if (route.method != request.method) {
            allow += (allow.empty() ? "" : ", ") + std::string(http::to_string(route.method));
            continue;
        }
        Call call{.names = {}, .body = std::move(request.body)};
        for (std::size_t i = 0; i < path.size(); i++) {
            if (route.pattern[i] != kName)
                continue;
            auto name = percent_decode(path[i]);
            if (!name)
                co_return error_response(400, request.path, "broken percent encoding in the path");
            call.names.push_back(std::move(*name));
        }
        co_return co_await route.action(std::move(call));
    }
    if (allow.empty())
        co_return error_response(404, "",
                                 not_found("path " + quote(request.path), request.path, "paths", patterns()));
    Response response = error_response(405, request.path,
                                       std::string(http::to_string(request.method)) +
                                           " is not allowed here; allowed: " + allow);
    response.allow = std::move(allow);
    co_return response;
}

} // namespace aya::api
