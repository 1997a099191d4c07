// SPDX-License-Identifier: BSD-2-Clause
// What types have in common that ask over a TCP connection, with TLS or without, and judge the answer.
// Whatever a server sends, an attempt reads a bounded number of bytes, and ends with its timeout.
#pragma once

#include "health/connection.hpp"
#include "health/tls.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace aya::health
{

// What the options of a target say of TLS.
TlsWanted tls_wanted(const ProbeTarget &target);

class StreamProbe : public Probe
{
public:
    StreamProbe(const ProbeTarget &target, std::optional<TlsWanted> tls);

    Step start() final;
    Step ready() final;
    Finding expired() final;
    void stop() final;

protected:
    // A new attempt begins: the question.
    virtual std::string ask() = 0;

    // More of the answer. nullopt: more is needed, and `reply` is sent first.
    virtual std::optional<Finding> receive(std::string_view bytes, std::string &reply) = 0;

    // The server sends no more, and receive() has not decided.
    virtual Finding ended() = 0;

private:
    enum class Stage : std::uint8_t { connecting, shaking_hands, talking };

    std::optional<Step> establish();
    std::optional<Step> exchange();
    std::optional<Step> send();
    std::optional<Step> read(std::span<char> buffer, std::size_t &got);

    ProbeTarget target_;
    std::optional<TlsWanted> tls_wanted_;
    Connection connection_;
    std::optional<TlsSession> tls_;
    Stage stage_ = Stage::connecting;
    std::string unsent_;
    std::size_t received_ = 0;
};

} // namespace aya::health
