// SPDX-License-Identifier: BSD-2-Clause
// A TLS client on a socket that never blocks.
#pragma once

#include "health/probe.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace aya::health
{

struct TlsWanted {
    std::string server_name; // sent, and what the certificate must be for; empty: nothing is sent
    IpAddress address;       // what the certificate must be for if there is no name
    bool verify = false;
    bool http2 = false; // the server must agree to it (ALPN)
};

class TlsSession
{
public:
    // Of one attempt. The socket is the caller's, and outlives the session.
    TlsSession(int fd, const TlsWanted &wanted);

    // Each: nullopt when it has done something, else what to wait for or how the attempt ended.
    std::optional<Step> shake_hands();
    std::optional<Step> send(std::string &bytes);                          // takes away what was sent
    std::optional<Step> receive(std::span<char> buffer, std::size_t &got); // 0: the server sends no more

private:
    std::optional<Step> failed(int result);
    Finding finding() const;

    int fd_;
    bool http2_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

} // namespace aya::health
