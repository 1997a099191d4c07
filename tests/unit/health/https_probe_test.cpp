// SPDX-License-Identifier: BSD-2-Clause
// TLS servers with good and bad certificates, and what only claims to be one.
#include "attempt.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace aya::health::test::https_probe_test
{
namespace
{

// A key, and the certificate for backend.test that it signed itself. This process trusts it.
class Identity
{
public:
    Identity() : key_(EVP_EC_gen("P-256")), certificate_(X509_new())
    {
        X509_set_version(certificate_, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate_), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
        X509_set_pubkey(certificate_, key_);
        X509_NAME *name = X509_get_subject_name(certificate_);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char *>("backend"), -1, -1, 0);
        X509_set_issuer_name(certificate_, name);
        X509_EXTENSION *names =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:backend.test");
        X509_add_ext(certificate_, names, -1);
        X509_EXTENSION_free(names);
        X509_sign(certificate_, key_, EVP_sha256());
        std::FILE *out = std::fopen(file_.c_str(), "w");
        PEM_write_X509(out, certificate_);
        std::fclose(out);
        ::setenv("SSL_CERT_FILE", file_.c_str(), 1); // before the first probe
        ::signal(SIGPIPE, SIG_IGN);                  // as the daemon does
    }
    ~Identity()
    {
        std::filesystem::remove(file_);
        X509_free(certificate_);
        EVP_PKEY_free(key_);
    }
    Identity(const Identity &) = delete;
    Identity &operator=(const Identity &) = delete;

    EVP_PKEY *key() const { return key_; }
    X509 *certificate() const { return certificate_; }

private:
    std::string file_ = ::testing::TempDir() + "aya-https-" + std::to_string(::getpid()) + ".pem";
    EVP_PKEY *key_;
    X509 *certificate_;
};

const Identity &identity()
{
    static const Identity made;
    return made;
}

// Shakes hands, hears the question, and has `answer` say the rest.
std::function<void(int)> by_tls(std::function<void(SSL *)> answer, const char *groups = "X25519")
{
    return [answer = std::move(answer), groups](int fd) {
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate(context, identity().certificate());
        SSL_CTX_use_PrivateKey(context, identity().key());
        SSL_CTX_set1_groups_list(context, groups);
        SSL *ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1) {
            char buffer[4096];
            SSL_read(ssl, buffer, sizeof(buffer));
            answer(ssl);
        }
        SSL_free(ssl);
        SSL_CTX_free(context);
    };
}

// Serves `text` by TLS; notes the server name that it was asked for.
std::function<void(int)> tls_saying(std::string text, std::string *name = nullptr)
{
    return by_tls([text = std::move(text), name](SSL *ssl) {
        const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (name != nullptr)
            *name = asked == nullptr ? "" : asked;
        SSL_write(ssl, text.data(), static_cast<int>(text.size()));
    });
}

Finding found(const std::function<void(int)> &serve, ProbeOptions options = {}, Milliseconds timeout = 5s)
{
    identity();
    const Server server(serve);
    return attempt(HealthType::https, target_of(server.port(), std::move(options)), timeout);
}

const std::string kGood = "HTTP/1.1 200 OK\r\n\r\nready";

TEST(HttpsProbe, AsksByTls)
{
    EXPECT_EQ(found(tls_saying(kGood)), Finding(Outcome::ok));
    EXPECT_EQ(found(tls_saying("HTTP/1.1 500 No\r\n\r\n")),
              Finding(Outcome::bad_answer, "status 500; expected: 200-399"));
    ProbeOptions options;
    options.expected_body = "lost";
    EXPECT_EQ(found(tls_saying(kGood), options),
              Finding(Outcome::bad_answer, "the body does not contain \"lost\""))
        << "it ends without the close_notify of TLS";
}

TEST(HttpsProbe, SendsAServerName)
{
    const auto sent = [](ProbeOptions options) {
        std::string name = "none";
        EXPECT_EQ(found(tls_saying(kGood, &name), std::move(options)), Finding(Outcome::ok));
        return name;
    };
    EXPECT_EQ(sent({}), "") << "addresses are not sent";
    ProbeOptions options;
    options.host = "www.example:8443";
    EXPECT_EQ(sent(options), "www.example");
    for (const char *address : {"2001:db8::1", "[2001:db8::1]:8443", "192.0.2.1:8443"}) {
        options.host = address;
        EXPECT_EQ(sent(options), "") << address;
    }
    options.tls_server_name = "backend.test";
    EXPECT_EQ(sent(options), "backend.test");
}

TEST(HttpsProbe, VerifiesCertificatesIfAsked)
{
    ProbeOptions options;
    options.tls_verify = true;
    options.tls_server_name = "backend.test";
    EXPECT_EQ(found(tls_saying(kGood), options), Finding(Outcome::ok));
    options.tls_server_name = "other.test";
    EXPECT_EQ(found(tls_saying(kGood), options),
              Finding(Outcome::bad_answer, "TLS: the certificate is not valid: hostname mismatch"));
    options.tls_server_name.reset();
    EXPECT_EQ(found(tls_saying(kGood), options),
              Finding(Outcome::bad_answer, "TLS: the certificate is not valid: IP address mismatch"));
    options.tls_verify = false;
    EXPECT_EQ(found(tls_saying(kGood), options), Finding(Outcome::ok));
}

TEST(HttpsProbe, SaysWhatIsWrongWithWhatIsNoTls)
{
    EXPECT_EQ(found(saying(kGood)), Finding(Outcome::bad_answer, "TLS: wrong version number"));
    EXPECT_EQ(found(repeating("", "\x16\x03\x03\xff\xff")).outcome, Outcome::bad_answer);
    EXPECT_EQ(found(repeating("\x16\x03\x03", std::string(1000, '\x02'))).outcome, Outcome::bad_answer);
    EXPECT_EQ(found([](int fd) { hear(fd); }),
              Finding(Outcome::refused, "TLS: the server closed the connection"));
    EXPECT_EQ(found(silent, {}, 100ms), Finding(Outcome::timeout, "timeout: TLS was not established"));
}

TEST(HttpsProbe, ReadsABoundedNumberOfBytesThatAreNoAnswer)
{
    const Finding endless(Outcome::bad_answer, "TLS: the answer does not end within 256 KB");
    EXPECT_EQ(found(greet_on_and_on), endless);
    const auto change_keys = [](SSL *ssl) {
        const auto end = Clock::now() + 2s;
        while (Clock::now() < end && SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
               SSL_do_handshake(ssl) == 1) {
        }
    };
    EXPECT_EQ(found(by_tls(change_keys)), endless);
}

TEST(HttpsProbe, LetsTheServerChooseNoCostlyGroup)
{
    const auto unasked = [](SSL *) { ADD_FAILURE() << "TLS was established"; };
    EXPECT_EQ(found(by_tls(unasked, "ffdhe2048")).outcome, Outcome::bad_answer);
}

} // namespace
} // namespace aya::health::test::https_probe_test
