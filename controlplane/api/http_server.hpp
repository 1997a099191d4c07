// SPDX-License-Identifier: BSD-2-Clause
// A small HTTP/1.1 server for local and TCP stream sockets, with keep-alive and limits.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/http/verb.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/address.hpp"

namespace aya::api
{

struct Request {
    boost::beast::http::verb method = boost::beast::http::verb::get;
    std::string path; // as it came, without the query
    std::string body;
};

struct Response {
    unsigned status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::string allow; // of a 405
};

// Never throws out of the coroutine for a request's sake: a failure is a Response.
using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

// Answers {"errors": [{"where", "message"}]}.
Response error_response(unsigned status, std::string_view where, std::string_view message);

// Throws std::runtime_error (in one line: where, what, what to do).
class HttpServer
{
public:
    static constexpr std::size_t kMaxBody = 8U << 20;
    static constexpr std::size_t kMaxConnections = 256;

    HttpServer(boost::asio::any_io_executor executor, Handler handler);
    ~HttpServer();
    HttpServer(const HttpServer &) = delete;
    HttpServer &operator=(const HttpServer &) = delete;

    // Replaces a socket that no process listens on any more; refuses one that has a listener.
    // Mode 0660, group `group` where there is one.
    void listen_local(const std::filesystem::path &path, const std::string &group);
    void listen_tcp(const SocketAddress &address);

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
    std::filesystem::path local_path_;
};

} // namespace aya::api
