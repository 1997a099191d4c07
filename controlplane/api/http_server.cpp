// SPDX-License-Identifier: BSD-2-Clause
#include "api/http_server.hpp"

#include "config/parse.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <grp.h>
#include <list>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace aya::api
{

namespace
{

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using namespace std::chrono_literals;
using StreamProtocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<StreamProtocol>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr auto kIdle = 75s;     // between requests of a connection
constexpr auto kTransfer = 30s; // of one request or answer
constexpr auto kAcceptPause = 100ms;
constexpr std::uint32_t kMaxHeader = 16U << 10;
constexpr const char *kServer = "aya-controlplane/" AYA_VERSION;

http::response<http::string_body> to_message(Response response, unsigned version, bool keep_alive)
{
    http::response<http::string_body> message{static_cast<http::status>(response.status), version};
    message.set(http::field::server, kServer);
    message.set(http::field::content_type, response.content_type);
    if (!response.allow.empty())
        message.set(http::field::allow, response.allow);
    message.keep_alive(keep_alive);
    message.body() = std::move(response.body);
    message.prepare_payload();
    return message;
}

Response refusal_of(const beast::error_code &error)
{
    if (error == http::error::body_limit)
        return error_response(
            413, "", "the body is larger than " + std::to_string(HttpServer::kMaxBody >> 20) + " MiB");
    return error_response(400, "", "not an HTTP request: " + error.message());
}

std::string system_text()
{
    return std::strerror(errno);
}

bool has_listener(const std::filesystem::path &path)
{
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
    const int result = ::connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address));
    const bool listens = result == 0 || errno == EAGAIN; // EAGAIN: its backlog is full
    ::close(fd);
    return listens;
}

void remove_dead_socket(const std::filesystem::path &path)
{
    struct stat status = {};
    if (::lstat(path.c_str(), &status) != 0)
        return;
    if (!S_ISSOCK(status.st_mode))
        throw std::runtime_error(path.string() + ": exists and is not a socket; remove it");
    if (has_listener(path))
        throw std::runtime_error(path.string() +
                                 ": socket in use: another process listens on it; stop that process first");
    ::unlink(path.c_str());
}

void give_to_group(const std::filesystem::path &path, const std::string &group)
{
    if (const ::group *entry = ::getgrnam(group.c_str()))
        if (::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0)
            spdlog::warn("{}: cannot change its group to {}: {}", path.string(), group, system_text());
}

} // namespace

Response error_response(unsigned status, std::string_view where, std::string_view message)
{
    const OrderedJson error = {{"where", where}, {"message", message}};
    std::string text = OrderedJson{{"errors", OrderedJson::array({error})}}.dump(
        -1, ' ', false, OrderedJson::error_handler_t::replace);
    return {
        .status = status, .body = std::move(text) + "\n", .content_type = "application/json", .allow = {}};
}

// Outlives the server while connections end.
struct HttpServer::Shared : std::enable_shared_from_this<HttpServer::Shared> {
    Shared(asio::any_io_executor e, Handler h) : executor(std::move(e)), handler(std::move(h)) {}

    void start(int fd, const StreamProtocol &protocol)
    {
        auto acceptor = std::make_shared<Acceptor>(executor);
        acceptor->assign(protocol, fd);
        acceptors.push_back(acceptor);
        asio::co_spawn(executor, accept(shared_from_this(), acceptor), asio::detached);
    }

    using Acceptor = asio::basic_socket_acceptor<StreamProtocol>;

    static asio::awaitable<void> accept(std::shared_ptr<Shared> self, std::shared_ptr<Acceptor> acceptor)
    {
        asio::steady_timer pause(self->executor);
        for (;;) {
            auto [error, socket] = co_await acceptor->async_accept(kAwait);
            if (error == asio::error::operation_aborted || !acceptor->is_open())
                co_return;
            if (error) { // out of descriptors, mostly: give others time to end
                spdlog::warn("cannot accept a connection: {}", error.message());
                pause.expires_after(kAcceptPause);
                co_await pause.async_wait(kAwait);
                continue;
            }
            if (self->connections >= kMaxConnections && !self->make_room())
                continue; // closes it
            asio::co_spawn(self->executor, serve(self, Stream(std::move(socket))), asio::detached);
        }
    }

    struct Count {
        explicit Count(Shared &s) : shared(s) { shared.connections++; }
        ~Count()
        {
            shared.connections--;
            shared.said_full = shared.said_full && shared.connections > kMaxConnections / 2;
        }
        Shared &shared;
    };

    // In the list for as long as the connection waits for a request.
    struct Waiting {
        Waiting(Shared &s, Stream &stream) : shared(s), place(s.waiting.insert(s.waiting.end(), &stream)) {}
        ~Waiting() { shared.waiting.erase(place); }
        Waiting(const Waiting &) = delete;
        Waiting &operator=(const Waiting &) = delete;
        Shared &shared;
        std::list<Stream *>::iterator place;
    };

    // Closes the connection that has waited longest for a request. False: all are being answered.
    bool make_room()
    {
        if (!std::exchange(said_full, true))
            spdlog::warn("{} connections at once: a new one takes the place of the one that is idle longest",
                         kMaxConnections);
        const auto longest = std::find_if(waiting.begin(), waiting.end(),
                                          [](Stream *stream) { return stream->socket().is_open(); });
        if (longest == waiting.end())
            return false;
        (*longest)->close();
        return true;
    }

    static asio::awaitable<void> serve(std::shared_ptr<Shared> self, Stream stream)
    {
        const Count count(*self);
        beast::flat_buffer buffer;
        for (;;) {
            http::request_parser<http::string_body> parser;
            parser.body_limit(kMaxBody);
            parser.header_limit(kMaxHeader);
            beast::error_code read_error = co_await read_request(*self, stream, buffer, parser);
            if (read_error == http::error::end_of_stream || is_transport(read_error))
                break;

            const bool keep_alive = !read_error && parser.get().keep_alive();
            const unsigned version = read_error ? 11 : parser.get().version();
            Response response;
            if (read_error) {
                response = refusal_of(read_error);
            } else {
                auto message = parser.release();
                const auto target = message.target();
                Request request{.method = message.method(),
                                .path = std::string(target.substr(0, target.find('?'))),
                                .body = std::move(message.body())};
                stream.expires_never();
                response = co_await guarded(*self, std::move(request));
            }
            auto answer = to_message(std::move(response), version, keep_alive);
            stream.expires_after(kTransfer);
            const auto [write_error, written] = co_await http::async_write(stream, answer, kAwait);
            if (write_error || !keep_alive)
                break;
        }
        beast::error_code ignored;
        stream.socket().shutdown(StreamProtocol::socket::shutdown_send, ignored);
    }

    static asio::awaitable<beast::error_code> read_request(Shared &self, Stream &stream,
                                                           beast::flat_buffer &buffer,
                                                           http::request_parser<http::string_body> &parser)
    {
        {
            const Waiting waiting(self, stream);
            stream.expires_after(kIdle);
            const auto [error, read] = co_await http::async_read_header(stream, buffer, parser, kAwait);
            if (error)
                co_return error;
        }
        stream.expires_after(kTransfer);
        const auto [error, read] = co_await http::async_read(stream, buffer, parser, kAwait);
        co_return error;
    }

    // A bug must neither end the daemon nor leave the client without an answer.
    static asio::awaitable<Response> guarded(Shared &self, Request request)
    {
        try {
            co_return co_await self.handler(std::move(request));
        } catch (const std::exception &error) {
            spdlog::error("api: internal error: {}", error.what());
            co_return error_response(500, "", std::string("internal error: ") + error.what());
        }
    }

    // Not the request's fault, and there is no one left to tell.
    static bool is_transport(const beast::error_code &error)
    {
        return error && error.category() != http::make_error_code(http::error::bad_method).category();
    }

    asio::any_io_executor executor;
    Handler handler;
    std::vector<std::shared_ptr<Acceptor>> acceptors;
    std::list<Stream *> waiting; // for a request, the longest first
    std::size_t connections = 0;
    bool said_full = false; // until half of them have ended
};

HttpServer::HttpServer(asio::any_io_executor executor, Handler handler)
    : shared_(std::make_shared<Shared>(std::move(executor), std::move(handler)))
{
}

HttpServer::~HttpServer()
{
    for (const auto &acceptor : shared_->acceptors) {
        beast::error_code ignored;
        acceptor->close(ignored);
    }
    if (!local_path_.empty())
        ::unlink(local_path_.c_str());
}

void HttpServer::listen_local(const std::filesystem::path &path, const std::string &group)
{
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof(address.sun_path))
        throw std::runtime_error(path.string() + ": a socket's path has at most " +
                                 std::to_string(sizeof(address.sun_path) - 1) +
                                 " bytes; choose a shorter --run-dir");
    path.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
    remove_dead_socket(path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // No client can connect before the mode is set: that requires write permission.
    const mode_t before = ::umask(0777);
    const int bound = ::bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address));
    ::umask(before);
    if (fd < 0 || bound != 0) {
        const std::string text = system_text();
        ::close(fd);
        throw std::runtime_error(path.string() + ": cannot listen: " + text);
    }
    local_path_ = path;
    give_to_group(path, group);
    if (::chmod(path.c_str(), 0660) != 0 || ::listen(fd, SOMAXCONN) != 0) {
        const std::string text = system_text();
        ::close(fd);
        throw std::runtime_error(path.string() + ": cannot listen: " + text);
    }
    shared_->start(fd, StreamProtocol(AF_UNIX, 0));
}

void HttpServer::listen_tcp(const SocketAddress &address)
{
    asio::ip::tcp::endpoint endpoint(
        address.address.is_v4()
            ? asio::ip::address(asio::ip::address_v4({address.address.bytes[12], address.address.bytes[13],
                                                      address.address.bytes[14], address.address.bytes[15]}))
            : asio::ip::address(asio::ip::address_v6(address.address.bytes)),
        address.port);
    const int fd = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (endpoint.address().is_v6())
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (fd < 0 || ::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
        ::listen(fd, SOMAXCONN) != 0) {
        const std::string text = system_text();
        ::close(fd);
        throw std::runtime_error("/controlplane/metrics: cannot listen on " + to_string(address) + ": " +
                                 text + "; choose an address of this machine and a free port");
    }
    shared_->start(fd, StreamProtocol(endpoint.protocol().family(), IPPROTO_TCP));
}

} // namespace aya::api
