// SPDX-License-Identifier: BSD-2-Clause
// The server over a real Unix socket, spoken to in plain bytes.
#include "reconciler_fixture.hpp"

#include "api/http_server.hpp"

#include <boost/asio/io_context.hpp>

#include <cstring>
#include <fstream>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <vector>

namespace aya::test
{
namespace
{

using api::HttpServer;
using api::Request;
using api::Response;

boost::asio::awaitable<Response> echo(Request request)
{
    co_return Response{
        .status = 200, .body = request.path + "|" + request.body, .content_type = "text/plain", .allow = {}};
}

class Client
{
public:
    explicit Client(const std::filesystem::path &path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0))
    {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    }
    ~Client() { ::close(fd_); }
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;

    // Sends all, while the server runs; stops where the server does not want more.
    void send(boost::asio::io_context &io, std::string_view text)
    {
        while (!text.empty()) {
            const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN)
                return;
            if (sent > 0)
                text.remove_prefix(static_cast<std::size_t>(sent));
            io.run_for(std::chrono::milliseconds(1));
        }
    }

    // Until `wanted` has come in, or the server closed.
    std::string receive(boost::asio::io_context &io, std::string_view wanted)
    {
        std::string text;
        for (int i = 0; i < 5000 && text.find(wanted) == std::string::npos; i++) {
            char buffer[4096];
            const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
            if (got > 0)
                text.append(buffer, static_cast<std::size_t>(got));
            if (got == 0 || (got < 0 && errno != EAGAIN)) {
                closed = true;
                break;
            }
            io.run_for(std::chrono::milliseconds(1));
        }
        return text;
    }

    bool closed = false;

private:
    int fd_;
};

struct Served {
    Served() : server(io.get_executor(), echo) { server.listen_local(path(), "no-such-group"); }
    std::filesystem::path path() const { return directory.path() / "api.sock"; }

    TemporaryDirectory directory;
    boost::asio::io_context io{1};
    HttpServer server;
};

TEST(HttpServer, AnswersAndKeepsTheConnection)
{
    Served served;
    Client client(served.path());
    for (int i = 0; i < 3; i++) {
        client.send(served.io, "POST /x?query HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        const std::string answer = client.receive(served.io, "/x|body");
        EXPECT_EQ(answer.substr(0, 15), "HTTP/1.1 200 OK");
        EXPECT_NE(answer.find("Content-Length: 7"), std::string::npos) << answer;
    }
    EXPECT_FALSE(client.closed);
}

TEST(HttpServer, ClosesWhenAskedTo)
{
    Served served;
    Client client(served.path());
    client.send(served.io, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.receive(served.io, "never sent");
    EXPECT_TRUE(client.closed);
}

TEST(HttpServer, RefusesWhatIsNotHttp)
{
    Served served;
    Client client(served.path());
    client.send(served.io, "this is not a request\r\n\r\n");
    const std::string answer = client.receive(served.io, "errors");
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 400");
    EXPECT_NE(answer.find("\"errors\""), std::string::npos);
}

TEST(HttpServer, RefusesABodyOverTheLimitAndSaysSo)
{
    Served served;
    Client client(served.path());
    client.send(served.io, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n\r\n");
    std::string body;
    body.resize(HttpServer::kMaxBody + 1, 'x');
    client.send(served.io, body);
    EXPECT_EQ(client.receive(served.io, "errors").substr(0, 12), "HTTP/1.1 413");
}

TEST(HttpServer, TakesABodyOfExactlyTheLimit)
{
    Served served;
    Client client(served.path());
    client.send(served.io, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n");
    client.send(served.io, std::string(8388608, 'x'));
    EXPECT_EQ(client.receive(served.io, "\r\n").substr(0, 12), "HTTP/1.1 200");
}

TEST(HttpServer, RefusesAnEndlessHeader)
{
    Served served;
    Client client(served.path());
    client.send(served.io, "GET /x HTTP/1.1\r\nHost: a\r\nX: " + std::string(100000, 'x') + "\r\n\r\n");
    EXPECT_EQ(client.receive(served.io, "errors").substr(0, 12), "HTTP/1.1 400");
}

TEST(HttpServer, OneClientThatStallsHoldsUpNobody)
{
    Served served;
    Client slow(served.path());
    slow.send(served.io, "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Le");
    Client quick(served.path());
    quick.send(served.io, "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(quick.receive(served.io, "/quick|").find("/quick|"), std::string::npos);
}

TEST(HttpServer, SilentConnectionsLockNobodyOut)
{
    Served served;
    std::vector<std::unique_ptr<Client>> silent;
    for (std::size_t i = 0; i < HttpServer::kMaxConnections; i++) {
        silent.push_back(std::make_unique<Client>(served.path()));
        served.io.run_for(std::chrono::milliseconds(1));
    }
    Client first_in_use(served.path()); // takes the place of silent[0]
    first_in_use.send(served.io, "GET /one HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(first_in_use.receive(served.io, "/one|").find("/one|"), std::string::npos);
    Client second(served.path()); // and of silent[1]: the first has just been answered
    second.send(served.io, "GET /two HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(second.receive(served.io, "/two|").find("/two|"), std::string::npos);
    first_in_use.send(served.io, "GET /three HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(first_in_use.receive(served.io, "/three|").find("/three|"), std::string::npos);
    for (std::size_t i = 0; i < 2; i++) {
        silent[i]->receive(served.io, "never sent");
        EXPECT_TRUE(silent[i]->closed) << "the longest silent one, " << i;
    }
    silent[2]->send(served.io, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(silent[2]->receive(served.io, "/late|").find("/late|"), std::string::npos);
}

TEST(HttpServer, AFailureOfTheHandlerIsAnAnswer)
{
    TemporaryDirectory directory;
    boost::asio::io_context io(1);
    HttpServer server(io.get_executor(), [](Request request) -> boost::asio::awaitable<Response> {
        if (request.path == "/bug")
            throw std::logic_error("one line");
        return echo(std::move(request));
    });
    const auto path = directory.path() / "api.sock";
    server.listen_local(path, "");
    Client client(path);
    client.send(io, "GET /bug HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.receive(io, "one line");
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 500");
    EXPECT_NE(answer.find("internal error: one line"), std::string::npos);
    client.send(io, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.receive(io, "/x|").find("/x|"), std::string::npos) << "and the server goes on";
}

TEST(HttpServer, TheSocketIsForOwnerAndGroup)
{
    Served served;
    struct stat status = {};
    ASSERT_EQ(::stat(served.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0660u);
}

TEST(HttpServer, RefusesASocketInUse)
{
    Served served;
    HttpServer second(served.io.get_executor(), echo);
    try {
        second.listen_local(served.path(), "");
        FAIL() << "took a socket that has a listener";
    } catch (const std::runtime_error &error) {
        EXPECT_EQ(std::string(error.what()),
                  served.path().string() +
                      ": socket in use: another process listens on it; stop that process first");
    }
    Client client(served.path());
    client.send(served.io, "GET /still HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.receive(served.io, "/still|").find("/still|"), std::string::npos);
}

TEST(HttpServer, TakesThePlaceOfADeadSocket)
{
    TemporaryDirectory directory;
    const auto path = directory.path() / "api.sock";
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    ::listen(fd, 1);
    ::close(fd); // as a process that was killed leaves it
    boost::asio::io_context io(1);
    HttpServer server(io.get_executor(), echo);
    server.listen_local(path, "");
    Client client(path);
    client.send(io, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.receive(io, "/x|").find("/x|"), std::string::npos);
}

TEST(HttpServer, LeavesAloneWhatIsNoSocket)
{
    TemporaryDirectory directory;
    const auto path = directory.path() / "api.sock";
    std::ofstream(path) << "precious";
    boost::asio::io_context io(1);
    HttpServer server(io.get_executor(), echo);
    EXPECT_THROW(server.listen_local(path, ""), std::runtime_error);
    EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST(HttpServer, RefusesAPathThatIsTooLong)
{
    TemporaryDirectory directory;
    boost::asio::io_context io(1);
    HttpServer server(io.get_executor(), echo);
    EXPECT_THROW(server.listen_local(directory.path() / std::string(120, 'x'), ""), std::runtime_error);
}

TEST(HttpServer, RemovesItsSocketWhenItEnds)
{
    TemporaryDirectory directory;
    const auto path = directory.path() / "api.sock";
    {
        boost::asio::io_context io(1);
        HttpServer server(io.get_executor(), echo);
        server.listen_local(path, "");
        EXPECT_TRUE(std::filesystem::exists(path));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

} // namespace
} // namespace aya::test
