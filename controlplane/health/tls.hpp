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
    TlsSession(const TlsSession &) = delete;
    TlsSession &operator=(const TlsSession &) = delete;

    // A step of the attempt begins: what OpenSSL may read before it has to wait for the event loop.
    void begin_step();

    // Each: nullopt when it has done something, else what to wait for or how the attempt ended.
    std::optional<Step> shake_hands();
    std::optional<Step> send(std::string &bytes);                          // takes away what was sent
    std::optional<Step> receive(std::span<char> buffer, std::size_t &got); // 0: the server sends no more

private:
    // Bytes from the server, as they come in: OpenSSL skips some messages without a word to the caller.
    struct Budget {
        std::size_t step;
        std::size_t attempt;
    };
    static long spend(BIO *bio, int operation, const char *data, std::size_t length, int, long, int result,
                      std::size_t *done);
    bool prepare(const TlsWanted &wanted);
    std::optional<Step> failed(int result);
    Finding finding() const;

    int fd_;
    bool http2_;
    Budget budget_; // outlives ssl_, which points to it
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

} // namespace aya::health
