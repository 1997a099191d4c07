// SPDX-License-Identifier: BSD-2-Clause
#include "health/stream_probe.hpp"

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace aya::health
{

namespace
{

constexpr std::size_t kMostBytes = 128 << 10; // of an answer, however it is made up

std::optional<Step> broken(int fd, int error, Step (*wait)(int))
{
    if (error == EAGAIN || error == EINTR)
        return wait(fd);
    if (error == ECONNRESET || error == EPIPE)
        return Step::done({Outcome::refused, "connection reset"});
    return Step::done(finding_of(error));
}

// Of "www.example:8443": without the port. Of an address: nothing, because TLS names no addresses.
std::string server_name(const ProbeOptions &options)
{
    if (options.tls_server_name)
        return *options.tls_server_name;
    const std::string host = options.host.value_or("");
    if (parse_ip_address(host)) // "2001:db8::1" has no port to cut off
        return "";
    const std::string name = host.substr(0, host.find(':'));
    return parse_ip_address(name) || name.starts_with('[') ? "" : name;
}

} // namespace

TlsWanted tls_wanted(const ProbeTarget &target)
{
    return {.server_name = server_name(*target.options),
            .address = target.address.address,
            .verify = target.options->tls_verify.value_or(false)};
}

StreamProbe::StreamProbe(const ProbeTarget &target, std::optional<TlsWanted> tls)
    : target_(target), tls_wanted_(std::move(tls))
{
}

Step StreamProbe::start()
{
    stage_ = Stage::connecting;
    received_ = 0;
    return connection_.open(target_);
}

Step StreamProbe::ready()
{
    if (tls_)
        tls_->begin_step();
    if (stage_ != Stage::talking)
        if (auto step = establish())
            return *std::move(step);
    for (;;)
        if (auto step = exchange())
            return *std::move(step);
}

Finding StreamProbe::expired()
{
    switch (stage_) {
    case Stage::connecting:
        return {Outcome::timeout, "timeout: no connection"};
    case Stage::shaking_hands:
        return {Outcome::timeout, "timeout: TLS was not established"};
    case Stage::talking:
        break;
    }
    return {Outcome::timeout, received_ == 0 ? "timeout: no answer" : "timeout: no complete answer"};
}

void StreamProbe::stop()
{
    tls_.reset();
    connection_.close();
}

std::optional<Step> StreamProbe::establish()
{
    if (stage_ == Stage::connecting) {
        if (Finding opened = connection_.opened(); opened.outcome != Outcome::ok)
            return Step::done(std::move(opened));
        if (tls_wanted_)
            tls_.emplace(connection_.fd(), *tls_wanted_);
        stage_ = Stage::shaking_hands;
    }
    if (tls_)
        if (auto step = tls_->shake_hands())
            return step;
    stage_ = Stage::talking;
    unsent_ = ask();
    return std::nullopt;
}

std::optional<Step> StreamProbe::exchange()
{
    while (!unsent_.empty())
        if (auto step = send())
            return step;
    std::array<char, 4096> buffer;
    std::size_t got = 0;
    if (auto step = read(buffer, got))
        return step;
    if (got == 0)
        return Step::done(ended());
    received_ += got;
    if (auto finding = receive({buffer.data(), got}, unsent_))
        return Step::done(*std::move(finding));
    if (received_ > kMostBytes)
        return Step::done({Outcome::bad_answer, "the answer does not end within 128 KB"});
    return std::nullopt;
}

std::optional<Step> StreamProbe::send()
{
    if (tls_)
        return tls_->send(unsent_);
    const ssize_t sent = ::send(connection_.fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0)
        return broken(connection_.fd(), errno, Step::writable);
    unsent_.erase(0, static_cast<std::size_t>(sent));
    return std::nullopt;
}

std::optional<Step> StreamProbe::read(std::span<char> buffer, std::size_t &got)
{
    if (tls_)
        return tls_->receive(buffer, got);
    const ssize_t count = ::recv(connection_.fd(), buffer.data(), buffer.size(), 0);
    if (count < 0)
        return broken(connection_.fd(), errno, Step::readable);
    got = static_cast<std::size_t>(count);
    return std::nullopt;
}

} // namespace aya::health
