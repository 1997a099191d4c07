// SPDX-License-Identifier: BSD-2-Clause
// From method and path to a handler.
#pragma once

#include "api/http_server.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aya::api
{

struct Call {
    std::vector<std::string> names; // what stood in place of each {}, decoded
    std::string body;
};

using Action = std::function<boost::asio::awaitable<Response>(Call)>;

class Router
{
public:
    // `pattern`: "/v1/services/{}/backends/{}".
    void add(boost::beast::http::verb method, std::string_view pattern, Action action);

    // An unknown path is answered with 404, an unknown method of a known one with 405.
    boost::asio::awaitable<Response> route(Request request) const;

private:
    struct Route {
        boost::beast::http::verb method;
        std::string text;
        std::vector<std::string> pattern; // its parts
        Action action;
    };
    std::vector<std::string_view> patterns() const;

    std::vector<Route> routes_;
};

// RFC 3986 section 2.1. nullopt: a % without two hex digits, or a NUL.
std::optional<std::string> percent_decode(std::string_view text);

} // namespace aya::api
