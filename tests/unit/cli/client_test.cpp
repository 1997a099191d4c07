// SPDX-License-Identifier: BSD-2-Clause
// Answers that no good server gives, from a socket that this test writes to byte by byte.
#include "client.hpp"
#include "errors.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

namespace aya::ctl
{
namespace
{

namespace fs = std::filesystem;
using std::chrono::milliseconds;

TEST(PercentEncode, KeepsUnreservedCharactersOnly)
{
    EXPECT_EQ(percent_encode("gpu-01_a.b~Z9"), "gpu-01_a.b~Z9");
    EXPECT_EQ(percent_encode("a/b c?%\xc3\xbc"), "a%2Fb%20c%3F%25%C3%BC");
}

// Listens in a folder of its own; gives one connection the bytes, then closes it.
class RawServer
{
public:
    explicit RawServer(std::string answer) : answer_(std::move(answer))
    {
        std::string name = (fs::temp_directory_path() / "ayactl-test-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("mkdtemp");
        folder_ = name;
        listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path().c_str(), sizeof(address.sun_path) - 1);
        if (bind(listener_, static_cast<sockaddr *>(static_cast<void *>(&address)), sizeof(address)) != 0 ||
            listen(listener_, 1) != 0)
            throw std::runtime_error("listen");
    }
    ~RawServer()
    {
        if (thread_.joinable())
            thread_.join();
        close(listener_);
        fs::remove_all(folder_);
    }
    RawServer(const RawServer &) = delete;
    RawServer &operator=(const RawServer &) = delete;

    fs::path path() const { return folder_ / "api.sock"; }

    void serve()
    {
        thread_ = std::thread([this] {
            const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            char request[4096];
            if (read(connection, request, sizeof(request)) > 0)
                (void)!write(connection, answer_.data(), answer_.size());
            close(connection);
        });
    }

private:
    std::string answer_;
    fs::path folder_;
    int listener_ = -1;
    std::thread thread_;
};

std::string failure(const std::string &answer)
{
    RawServer server(answer);
    server.serve();
    try {
        const Json body = Client(server.path(), milliseconds(5000)).get("/v1/status");
        return "answered " + body.dump();
    } catch (const Unreachable &error) {
        return error.what();
    }
}

TEST(Client, ReadsAnAnswer)
{
    EXPECT_EQ(failure("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"version\":1}"),
              "answered {\"version\":1}");
}

TEST(Client, NamesAPeerThatDoesNotSpeakHttp)
{
    EXPECT_NE(failure("220 mail.example ESMTP\r\n").find("not HTTP"), std::string::npos);
    EXPECT_NE(failure("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope").find("not JSON"),
              std::string::npos);
}

TEST(Client, NamesAConnectionThatIsCutShort)
{
    EXPECT_NE(failure("").find("closed before the answer"), std::string::npos);
    EXPECT_NE(failure("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").find("closed before the answer"),
              std::string::npos);
}

TEST(Client, TellsARefusalByItsStatusEvenWithoutABody)
{
    RawServer server("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    server.serve();
    EXPECT_THROW(Client(server.path(), milliseconds(5000)).get("/v1/status"), Refused);
}

TEST(Client, GivesUpOnASilentPeerAndSaysThatAChangeMayHaveBeenMade)
{
    const RawServer silent(""); // listens, never accepts
    const Client client(silent.path(), milliseconds(50));
    try {
        client.patch("/v1/services/web", Json::object());
        FAIL() << "an answer from a peer that gives none";
    } catch (const Unreachable &error) {
        const std::string what = error.what();
        EXPECT_NE(what.find(" 0.05 s"), std::string::npos) << what;
        EXPECT_NE(what.find("the change may have been made"), std::string::npos) << what;
    }
}

TEST(Client, RefusesAPathThatNoSocketCanHave)
{
    const Client client("/" + std::string(200, 'x'), milliseconds(50));
    EXPECT_THROW(client.get("/v1/status"), Unreachable);
}

} // namespace
} // namespace aya::ctl
