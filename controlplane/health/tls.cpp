// SPDX-License-Identifier: BSD-2-Clause
#include "health/tls.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace aya::health
{

namespace
{

constexpr unsigned char kHttp2[] = {2, 'h', '2'};

constexpr std::size_t kStepBytes = 16 << 10;
constexpr std::size_t kAttemptBytes = 256 << 10;

// One for all attempts, because it holds the system's certificates. No DHE, in TLS 1.2 (ciphers) or 1.3
// (groups): the server picks the modulus, and a large one would keep this thread busy. No AUTO_RETRY, which
// is a default: SSL_read() would go on to the next message for as long as tickets and KeyUpdates come.
SSL_CTX *context()
{
    static SSL_CTX *const made = [] {
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
            SSL_CTX_set_cipher_list(context, "HIGH:!DH:!aNULL:!PSK:!SRP") != 1 ||
            SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1 ||
            SSL_CTX_set_default_verify_paths(context) != 1)
            throw std::runtime_error("OpenSSL cannot be set up as a TLS client");
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
        SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
        SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF); // as servers do
        return context;
    }();
    return made;
}

int as_length(std::size_t size)
{
    return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

} // namespace

TlsSession::TlsSession(int fd, const TlsWanted &wanted)
    : fd_(fd), http2_(wanted.http2), budget_{.step = kStepBytes, .attempt = kAttemptBytes},
      ssl_(SSL_new(context()), SSL_free)
{
    if (!ssl_ || !prepare(wanted))
        ssl_.reset();
}

bool TlsSession::prepare(const TlsWanted &wanted)
{
    SSL *const ssl = ssl_.get();
    if (SSL_set_fd(ssl, fd_) != 1)
        return false;
    BIO_set_callback_arg(SSL_get_rbio(ssl), reinterpret_cast<char *>(&budget_));
    BIO_set_callback_ex(SSL_get_rbio(ssl), spend);
    bool good = true;
    const std::string &name = wanted.server_name;
    if (!name.empty())
        good = good && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
    if (wanted.http2)
        good = good && SSL_set_alpn_protos(ssl, kHttp2, sizeof(kHttp2)) == 0;
    if (!wanted.verify)
        return good;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    if (!name.empty())
        return good && SSL_set1_host(ssl, name.c_str()) == 1;
    const IpAddress &address = wanted.address;
    const unsigned char *bytes = address.is_v4() ? address.v4_bytes() : address.bytes.data();
    return good && X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), bytes, address.is_v4() ? 4 : 16) == 1;
}

// Called before and after each read of the socket. Before: -1 keeps OpenSSL from it, and it returns to its
// caller, with the wish to read if there is more to spend in the next step.
long TlsSession::spend(BIO *bio, int operation, const char *, std::size_t, int, long, int result,
                       std::size_t *done)
{
    auto &budget = *reinterpret_cast<Budget *>(BIO_get_callback_arg(bio));
    if (operation == BIO_CB_READ && (budget.step == 0 || budget.attempt == 0)) {
        BIO_clear_retry_flags(bio);
        if (budget.attempt > 0)
            BIO_set_retry_read(bio);
        return -1;
    }
    if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0 && done != nullptr) {
        budget.step -= std::min(budget.step, *done);
        budget.attempt -= std::min(budget.attempt, *done);
    }
    return result;
}

void TlsSession::begin_step()
{
    budget_.step = kStepBytes;
}

std::optional<Step> TlsSession::shake_hands()
{
    if (!ssl_)
        return Step::done({Outcome::local_error, "probe not sent: OpenSSL has no memory"});
    ERR_clear_error();
    if (const int result = SSL_connect(ssl_.get()); result != 1)
        return failed(result);
    const unsigned char *protocol = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &length);
    if (http2_ && std::string_view(reinterpret_cast<const char *>(protocol), length) != "h2")
        return Step::done({Outcome::bad_answer, "TLS: the server does not offer HTTP/2"});
    return std::nullopt;
}

std::optional<Step> TlsSession::send(std::string &bytes)
{
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), bytes.data(), as_length(bytes.size()));
    if (sent <= 0)
        return failed(sent);
    bytes.erase(0, static_cast<std::size_t>(sent));
    return std::nullopt;
}

std::optional<Step> TlsSession::receive(std::span<char> buffer, std::size_t &got)
{
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), buffer.data(), as_length(buffer.size()));
    got = count > 0 ? static_cast<std::size_t>(count) : 0;
    if (count > 0 || SSL_get_error(ssl_.get(), count) == SSL_ERROR_ZERO_RETURN)
        return std::nullopt;
    return failed(count);
}

std::optional<Step> TlsSession::failed(int result)
{
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
        return Step::readable(fd_);
    case SSL_ERROR_WANT_WRITE:
        return Step::writable(fd_);
    default:
        return Step::done(finding());
    }
}

Finding TlsSession::finding() const
{
    if (const long verdict = SSL_get_verify_result(ssl_.get());
        SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE && verdict != X509_V_OK)
        return {Outcome::bad_answer,
                std::string("TLS: the certificate is not valid: ") + X509_verify_cert_error_string(verdict)};
    if (budget_.attempt == 0)
        return {Outcome::bad_answer, "TLS: the answer does not end within 256 KB"};
    const unsigned long error = ERR_peek_last_error();
    if (const char *reason = error != 0 ? ERR_reason_error_string(error) : nullptr)
        return {Outcome::bad_answer, std::string("TLS: ") + reason};
    if (errno == ECONNRESET)
        return {Outcome::refused, "TLS: connection reset"};
    return {Outcome::refused, "TLS: the server closed the connection"};
}

} // namespace aya::health
