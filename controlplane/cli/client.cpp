// SPDX-License-Identifier: BSD-2-Clause
#include "client.hpp"

#include "errors.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <sstream>

namespace aya::ctl
{

namespace
{

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace fs = std::filesystem;

using Stream = beast::basic_stream<asio::local::stream_protocol>;

// A configuration of every backend that the tables can hold is some tens of MiB.
constexpr std::uint64_t kMaxAnswer = 256ULL << 20;

// Beast reads what the buffer has room for, and 512 bytes at a time if left alone.
constexpr std::size_t kReadSize = 64U << 10U;

struct Answer {
    unsigned status = 0;
    std::string body;
};

std::string seconds(std::chrono::milliseconds time)
{
    std::ostringstream text;
    text << static_cast<double>(time.count()) / 1000.0 << " s";
    return text.str();
}

// The other instances that have a socket next to this one: the usual mistake is a forgotten --instance.
std::string other_instances(const fs::path &socket)
{
    std::string names;
    std::error_code ignored;
    const fs::path run_dir = socket.parent_path().parent_path();
    for (const auto &entry : fs::directory_iterator(run_dir, ignored)) {
        std::error_code missing;
        if (entry.path() != socket.parent_path() && fs::exists(entry.path() / socket.filename(), missing))
            names += (names.empty() ? "" : ", ") + entry.path().filename().string();
    }
    return names;
}

std::string no_socket_advice(const fs::path &socket)
{
    const std::string others = other_instances(socket);
    if (!others.empty())
        return "start aya-controlplane, or choose a running instance with --instance (" + others + ")";
    return "start aya-controlplane, or choose an instance with --instance";
}

[[noreturn]] void fail(const fs::path &socket, const std::string &what, const std::string &advice)
{
    throw Unreachable("cannot reach the control plane at " + socket.string() + ": " + what + "; " + advice);
}

[[noreturn]] void fail_to_connect(const fs::path &socket, const beast::error_code &error,
                                  std::chrono::milliseconds timeout)
{
    namespace errc = boost::system::errc;
    if (error == errc::no_such_file_or_directory || error == errc::not_a_directory)
        fail(socket, "no such file", no_socket_advice(socket));
    std::error_code ignored;
    if (error == errc::connection_refused && !fs::is_socket(socket, ignored))
        fail(socket, "not a socket",
             "give the control plane's own socket, api.sock in the instance's directory");
    if (error == errc::connection_refused)
        fail(socket, "connection refused",
             "the socket exists but no process listens on it; restart aya-controlplane");
    if (error == errc::permission_denied)
        fail(socket, "permission denied", "use sudo, or become a member of the socket's group");
    if (error == errc::resource_unavailable_try_again)
        fail(socket, "too many clients are waiting already", "try again");
    if (error == beast::error::timeout)
        fail(socket, "no connection within " + seconds(timeout), "check the log of aya-controlplane");
    fail(socket, error.message(), "check that aya-controlplane is running");
}

[[noreturn]] void fail_to_talk(const fs::path &socket, const beast::error_code &error,
                               std::chrono::milliseconds timeout, bool change)
{
    const std::string doubt = change ? "; the change may have been made, so check before repeating it" : "";
    if (error == beast::error::timeout)
        fail(socket, "no answer within " + seconds(timeout),
             "check the log of aya-controlplane, or wait longer with --timeout" + doubt);
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == boost::system::errc::connection_reset)
        fail(socket, "the connection was closed before the answer",
             "check the log of aya-controlplane" + doubt);
    if (error.category() == http::make_error_code(http::error::bad_version).category())
        fail(socket, "the answer is not HTTP (" + error.message() + ")",
             "check which program listens on that socket");
    fail(socket, error.message(), "check the log of aya-controlplane" + doubt);
}

// One request and its answer. Beast keeps time only for asynchronous operations, so each one is
// started and the loop run until it is done; one deadline covers the whole exchange.
class Exchange
{
public:
    Exchange(fs::path socket, std::chrono::milliseconds timeout)
        : socket_(std::move(socket)), timeout_(timeout), stream_(io_)
    {
        stream_.expires_after(timeout_);
    }

    void connect()
    {
        const asio::local::stream_protocol::endpoint endpoint(socket_.string());
        if (const auto error = finish([&](auto done) { stream_.async_connect(endpoint, done); }))
            fail_to_connect(socket_, error, timeout_);
    }

    Answer send(http::request<http::string_body> &request)
    {
        const bool change = request.method() != http::verb::get;
        // A server that refuses a large body answers and closes without reading it all.
        const auto sent = finish([&](auto done) { http::async_write(stream_, request, done); });
        if (sent && sent != boost::system::errc::broken_pipe && sent != boost::system::errc::connection_reset)
            fail_to_talk(socket_, sent, timeout_, change);

        beast::flat_buffer buffer;
        buffer.reserve(kReadSize);
        http::response_parser<http::string_body> parser;
        parser.body_limit(kMaxAnswer);
        if (const auto error = finish([&](auto done) { http::async_read(stream_, buffer, parser, done); }))
            fail_to_talk(socket_, error, timeout_, change);
        return {parser.get().result_int(), std::move(parser.get().body())};
    }

private:
    template <typename Start>
    beast::error_code finish(Start start)
    {
        beast::error_code result;
        start([&result](beast::error_code error, auto &&...) { result = error; });
        io_.restart();
        io_.run();
        return result;
    }

    fs::path socket_;
    std::chrono::milliseconds timeout_;
    asio::io_context io_;
    Stream stream_;
};

} // namespace

std::string percent_encode(std::string_view segment)
{
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : segment) {
        const auto byte = static_cast<unsigned char>(c);
        const bool letter_or_digit =
            (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
        if (letter_or_digit || std::string_view("-._~").find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4U];
            out += kHex[byte & 0xfU];
        }
    }
    return out;
}

Client::Client(fs::path socket, std::chrono::milliseconds timeout)
    : socket_(std::move(socket)), timeout_(timeout)
{
}

Json Client::get(const std::string &path) const
{
    return call(static_cast<int>(http::verb::get), path, "");
}

Json Client::post(const std::string &path, std::string body) const
{
    return call(static_cast<int>(http::verb::post), path, std::move(body));
}

Json Client::patch(const std::string &path, const Json &body) const
{
    return call(static_cast<int>(http::verb::patch), path, body.dump());
}

Json Client::remove(const std::string &path) const
{
    return call(static_cast<int>(http::verb::delete_), path, "");
}

Json Client::call(int verb, const std::string &path, std::string body) const
{
    // sun_path holds 107 characters and a zero; asio would throw.
    if (socket_.string().size() > 107)
        fail(socket_, "the path is longer than the 107 characters of a Unix socket",
             "use a shorter --run-dir or --socket");
    http::request<http::string_body> request(static_cast<http::verb>(verb), path, 11);
    request.set(http::field::host, "aya");
    request.set(http::field::user_agent, "ayactl/" AYA_VERSION);
    request.set(http::field::accept, "application/json");
    if (!body.empty())
        request.set(http::field::content_type, "application/json");
    request.body() = std::move(body);
    request.keep_alive(false);
    request.prepare_payload();

    Exchange exchange(socket_, timeout_);
    exchange.connect();
    const Answer answer = exchange.send(request);
    Json parsed = Json::parse(answer.body, nullptr, false);
    if (answer.status < 200 || answer.status >= 300)
        throw Refused(problems_of(parsed, answer.status));
    if (parsed.is_discarded())
        fail(socket_, "the answer to " + path + " is not JSON", "check which program listens on that socket");
    return parsed;
}

} // namespace aya::ctl
