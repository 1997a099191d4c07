// SPDX-License-Identifier: BSD-2-Clause
// "icmp": a ping is answered.
#include "health/probe.hpp"
#include "health/raw_packet.hpp"
#include "health/socket.hpp"

// Before linux/icmp.h, whose linux/if.h then leaves to it what both declare.
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace aya::health
{

namespace
{

// RFC 792 and RFC 4443 4.1.
struct Echo {
    std::uint8_t type;
    std::uint8_t code;
    std::uint16_t checksum;
    std::uint16_t id;
    std::uint16_t sequence;
    std::uint64_t nonce; // tells the answer from those to other attempts
};
static_assert(sizeof(Echo) == 16);

class IcmpProbe final : public Probe
{
public:
    explicit IcmpProbe(const IpAddress &target) : target_(target) {}

    Step start() override
    {
        Echo echo = {};
        echo.type = target_.is_v4() ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
        echo.nonce = nonce_ = random_bits();
        echo.id = static_cast<std::uint16_t>(nonce_);
        if (target_.is_v4()) // the kernel does it for ICMPv6
            echo.checksum = internet_checksum(bytes_of(echo));
        int error = open();
        if (error == 0 && ::send(socket_.fd(), &echo, sizeof(echo), 0) < 0)
            error = errno;
        return error == 0 ? Step::readable(socket_.fd()) : Step::done(finding_of(error));
    }

    Step ready() override
    {
        std::array<char, 512> buffer;
        for (int i = 0; i < kMostPackets; i++) {
            const ssize_t length = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
            if (length < 0)
                return errno == EAGAIN ? Step::readable(socket_.fd()) : Step::done(finding_of(errno));
            if (is_answer(payload_of_raw({buffer.data(), static_cast<std::size_t>(length)}, target_)))
                return Step::done({Outcome::ok});
        }
        return Step::readable(socket_.fd());
    }

    void stop() override { socket_.close(); }

private:
    int open()
    {
        if (const int error =
                socket_.open(target_, SOCK_RAW, target_.is_v4() ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}))
            return error;
        if (target_.is_v4()) {
            socket_.set(SOL_RAW, ICMP_FILTER, icmp_filter{.data = ~(1U << ICMP_ECHOREPLY)});
        } else {
            icmp6_filter filter;
            ICMP6_FILTER_SETBLOCKALL(&filter);
            ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
            socket_.set(IPPROTO_ICMPV6, ICMP6_FILTER, filter);
        }
        return socket_.connect({target_, 0});
    }

    bool is_answer(std::string_view message) const
    {
        Echo echo;
        if (message.size() < sizeof(echo))
            return false;
        std::memcpy(&echo, message.data(), sizeof(echo));
        return echo.type == (target_.is_v4() ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) && echo.nonce == nonce_;
    }

    IpAddress target_;
    Socket socket_;
    std::uint64_t nonce_ = 0;
};

} // namespace

std::unique_ptr<Probe> make_icmp_probe(const ProbeTarget &target)
{
    return std::make_unique<IcmpProbe>(target.address.address);
}

} // namespace aya::health
