// SPDX-License-Identifier: BSD-2-Clause
// "udp": a datagram gets the expected answer. Where none is expected, silence is a success too: UDP servers
// need not answer, so all that can be found out is that the port is closed.
#include "health/probe.hpp"
#include "health/socket.hpp"

#include "common/json/json_text.hpp"

#include <array>
#include <cerrno>
#include <sys/socket.h>

namespace aya::health
{

namespace
{

class UdpProbe final : public Probe
{
public:
    explicit UdpProbe(const ProbeTarget &target)
        : target_(target), options_(target.options),
          payload_(payload_bytes(options_->payload.value_or("")).value_or("")),
          expected_(payload_bytes(options_->expected_answer.value_or("")).value_or(""))
    {
    }

    Step start() override
    {
        int error = socket_.open(target_.address.address, SOCK_DGRAM);
        if (error == 0 && target_.tunnel)
            error = socket_.go_through(*target_.tunnel);
        if (error == 0)
            error = socket_.connect(target_.address);
        if (error == 0 && ::send(socket_.fd(), payload_.data(), payload_.size(), 0) < 0)
            error = errno;
        return error == 0 ? Step::readable(socket_.fd()) : Step::done(finding_of(error));
    }

    Step ready() override
    {
        std::array<char, 2048> buffer;
        const ssize_t length = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
        if (length >= 0)
            return Step::done(judge({buffer.data(), static_cast<std::size_t>(length)}));
        if (errno == EAGAIN) // a datagram with a wrong checksum
            return Step::readable(socket_.fd());
        if (errno == ECONNREFUSED)
            return Step::done({Outcome::refused, "port closed"});
        return Step::done(finding_of(errno));
    }

    Finding expired() override
    {
        return expected_.empty() ? Finding(Outcome::ok) : Finding(Outcome::timeout, "timeout: no answer");
    }

    void stop() override { socket_.close(); }

private:
    Finding judge(std::string_view answer) const
    {
        if (answer.find(expected_) != std::string_view::npos)
            return {Outcome::ok};
        return {Outcome::bad_answer,
                "answer " + quote(answer) + "; expected: one that contains " + quote(expected_)};
    }

    ProbeTarget target_;
    std::shared_ptr<const ProbeOptions> options_;
    std::string payload_;
    std::string expected_;
    Socket socket_;
};

} // namespace

std::unique_ptr<Probe> make_udp_probe(const ProbeTarget &target)
{
    return std::make_unique<UdpProbe>(target);
}

} // namespace aya::health
