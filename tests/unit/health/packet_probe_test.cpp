// SPDX-License-Identifier: BSD-2-Clause
// "udp", "icmp" and "syn" on loopback. Raw sockets are root's; what others cannot send is no result.
#include "attempt.hpp"

#include <cerrno>

namespace aya::health::test::packet_probe_test
{
namespace
{

// A UDP socket that answers each datagram with `answer`, or not at all if that is empty.
class Echoing
{
public:
    explicit Echoing(std::string answer)
        : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), thread_([this, answer = std::move(answer)] {
              char buffer[2048];
              sockaddr_in from = {};
              socklen_t length = sizeof(from);
              ready_.wait(false);
              for (ssize_t got = 0; (got = ::recvfrom(fd_, buffer, sizeof(buffer), 0,
                                                      reinterpret_cast<sockaddr *>(&from), &length)) >= 0;) {
                  if (got == 4 && std::string_view(buffer, 4) == "stop")
                      return;
                  heard_.assign(buffer, static_cast<std::size_t>(got));
                  if (!answer.empty())
                      ::sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr *>(&from),
                               length);
              }
          })
    {
        port_ = bind_to_loopback(fd_);
        ready_ = true;
        ready_.notify_all();
    }
    ~Echoing()
    {
        stop();
        ::close(fd_);
    }

    std::uint16_t port() const { return port_; }
    std::string heard()
    {
        stop();
        return heard_;
    }

private:
    void stop()
    {
        if (!thread_.joinable())
            return;
        sockaddr_in to = {};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(port_);
        ::sendto(fd_, "stop", 4, 0, reinterpret_cast<sockaddr *>(&to), sizeof(to));
        thread_.join();
    }

    int fd_;
    std::uint16_t port_ = 0;
    std::atomic<bool> ready_ = false;
    std::string heard_;
    std::thread thread_;
};

ProbeOptions asking(std::optional<std::string> payload, std::optional<std::string> answer)
{
    ProbeOptions options;
    options.payload = std::move(payload);
    options.expected_answer = std::move(answer);
    return options;
}

Finding udp(std::uint16_t port, const ProbeOptions &options, Milliseconds timeout = 5s)
{
    return attempt(HealthType::udp, target_of(port, options), timeout);
}

TEST(UdpProbe, ComparesTheAnswer)
{
    Echoing server("well, pong\n");
    EXPECT_EQ(udp(server.port(), asking("ping", "pong")), Finding(Outcome::ok));
    EXPECT_EQ(udp(server.port(), asking("ping", "hex:706f6e67")), Finding(Outcome::ok));
    EXPECT_EQ(udp(server.port(), asking("hex:00ff", "gone")),
              Finding(Outcome::bad_answer, R"(answer "well, pong\x0a"; expected: one that contains "gone")"));
    EXPECT_EQ(udp(server.port(), asking("hex:00ff", std::nullopt)), Finding(Outcome::ok))
        << "any answer will do";
    EXPECT_EQ(server.heard(), std::string("\x00\xff", 2));
}

TEST(UdpProbe, SilenceIsAFailureOnlyIfAnAnswerIsExpected)
{
    const Echoing server("");
    EXPECT_EQ(udp(server.port(), asking("ping", "pong"), 50ms),
              Finding(Outcome::timeout, "timeout: no answer"));
    EXPECT_EQ(udp(server.port(), {}, 50ms), Finding(Outcome::ok));
}

TEST(UdpProbe, AClosedPortIsAFailure)
{
    std::uint16_t closed = 0;
    {
        const Echoing server("");
        closed = server.port();
    }
    EXPECT_EQ(udp(closed, {}), Finding(Outcome::refused, "port closed"));
}

// With the right to send raw packets or, skipped, without.
bool cannot_send(const Finding &finding)
{
    return finding == finding_of(EPERM) && ::geteuid() != 0;
}

ProbeTarget at(const char *address, std::uint16_t port = 0)
{
    ProbeTarget target = target_of(port);
    target.address.address = *parse_ip_address(address);
    return target;
}

TEST(IcmpProbe, IsAnsweredByAHostThatIsThere)
{
    const Finding found = attempt(HealthType::icmp, at("127.0.0.1"));
    if (cannot_send(found))
        GTEST_SKIP() << "raw sockets need CAP_NET_RAW";
    EXPECT_EQ(found, Finding(Outcome::ok));
    EXPECT_EQ(attempt(HealthType::icmp, at("::1")), Finding(Outcome::ok));
}

TEST(SynProbe, FindsAListenerThatDoesNotNotice)
{
    const Listener listener(true, SOCK_NONBLOCK);
    const Finding found = attempt(HealthType::syn, at("127.0.0.1", listener.port()));
    if (cannot_send(found))
        GTEST_SKIP() << "raw sockets need CAP_NET_RAW";
    EXPECT_EQ(found, Finding(Outcome::ok));
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(::accept(listener.fd(), nullptr, nullptr), -1);
    EXPECT_EQ(errno, EAGAIN) << "no connection was opened";
    const Listener nobody(false);
    EXPECT_EQ(attempt(HealthType::syn, at("127.0.0.1", nobody.port())), Finding(Outcome::refused));
}

TEST(SynProbe, SpeaksIpv6)
{
    const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    socklen_t length = sizeof(address);
    ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length);
    const ProbeTarget target = at("::1", ntohs(address.sin6_port));
    const Finding refused = attempt(HealthType::syn, target);
    ::listen(fd, 8);
    const Finding found = attempt(HealthType::syn, target);
    ::close(fd);
    if (cannot_send(found))
        GTEST_SKIP() << "raw sockets need CAP_NET_RAW";
    EXPECT_EQ(refused, Finding(Outcome::refused));
    EXPECT_EQ(found, Finding(Outcome::ok));
}

} // namespace
} // namespace aya::health::test::packet_probe_test
