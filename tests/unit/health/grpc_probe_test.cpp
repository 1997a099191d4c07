// SPDX-License-Identifier: BSD-2-Clause
// Answers of gRPC servers, as bytes: frames of RFC 9113, headers by RFC 7541 without compression.
#include "attempt.hpp"

namespace aya::health::test::grpc_probe_test
{
namespace
{

constexpr char kData = 0;
constexpr char kHeaders = 1;
constexpr char kReset = 3;
constexpr char kSettings = 4;
constexpr char kEndStream = 1;
constexpr char kEndHeaders = 4;

std::string frame(char type, int flags, char stream, const std::string &payload)
{
    std::string bytes = {0,
                         static_cast<char>(payload.size() >> 8),
                         static_cast<char>(payload.size() & 0xff),
                         type,
                         static_cast<char>(flags),
                         0,
                         0,
                         0,
                         stream};
    return bytes + payload;
}

// A literal header field, never indexed.
std::string field(const std::string &name, const std::string &value)
{
    return std::string(1, '\x10') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) +
           value;
}

const std::string kSettingsFrame = frame(kSettings, 0, 0, "");
const std::string kStatus200 = "\x88";

std::string message(const std::string &bytes)
{
    return std::string({0, 0, 0, 0, static_cast<char>(bytes.size())}) + bytes;
}

std::string answering(const std::string &health, const std::string &status = "0")
{
    return kSettingsFrame +
           frame(kHeaders, kEndHeaders, 1, kStatus200 + field("content-type", "application/grpc")) +
           frame(kData, 0, 1, message(health)) +
           frame(kHeaders, kEndHeaders | kEndStream, 1, field("grpc-status", status));
}

// Without a message: headers and trailers are one.
std::string refusing(const std::string &status)
{
    return kSettingsFrame + frame(kHeaders, kEndHeaders | kEndStream, 1,
                                  kStatus200 + field("grpc-status", status) + field("grpc-message", "no"));
}

Finding found(const std::function<void(int)> &serve, ProbeOptions options = {}, Milliseconds timeout = 5s)
{
    const Server server(serve);
    return attempt(HealthType::grpc, target_of(server.port(), std::move(options)), timeout);
}

TEST(GrpcProbe, TheHealthServiceDecides)
{
    EXPECT_EQ(found(saying(answering(std::string("\x08\x01")))), Finding(Outcome::ok));
    EXPECT_EQ(found(saying(answering(std::string("\x08\x02")))),
              Finding(Outcome::bad_answer, "NOT_SERVING; expected: SERVING"));
    EXPECT_EQ(found(saying(answering(""))), Finding(Outcome::bad_answer, "UNKNOWN; expected: SERVING"));
    EXPECT_EQ(found(saying(answering(std::string("\x08\x01"), "14"))),
              Finding(Outcome::bad_answer, R"(gRPC status "14"; expected: "0")"));
    EXPECT_EQ(found(saying(answering("\x12\x01x"))).words(), "the answer is not one of the health service");
}

TEST(GrpcProbe, NamesTheService)
{
    std::string question;
    const auto serve = [&](int fd) {
        question = hear(fd);
        say(fd, refusing("5"));
        wait_for_end(fd);
    };
    ProbeOptions options;
    options.grpc_service = "shop.Cart";
    EXPECT_EQ(found(serve, options).words(), "the server knows no service \"shop.Cart\" (gRPC status 5)");
    EXPECT_TRUE(question.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) << "prior knowledge";
    const std::string body = message("\x0a\x09shop.Cart");
    EXPECT_NE(question.find(body), std::string::npos);
    options.grpc_service = std::string(200, 'x');
    found(serve, options);
    EXPECT_NE(question.find("\xcb\x0a\xc8\x01" + *options.grpc_service), std::string::npos)
        << "two bytes of length";
}

TEST(GrpcProbe, SaysWhatIsWrongWithOtherAnswers)
{
    EXPECT_EQ(found(saying(refusing("12"))).words(), "the server has no health service (gRPC status 12)");
    EXPECT_EQ(found(saying(kSettingsFrame + frame(kHeaders, kEndHeaders | kEndStream, 1, "\x8d"))).words(),
              "status 404; expected: 200");
    EXPECT_EQ(found(saying(kSettingsFrame + frame(kReset, 0, 1, {0, 0, 0, 7}))).words(),
              "the server reset the stream");
    EXPECT_EQ(found(saying("HTTP/1.1 400 Bad Request\r\n\r\n")).words(), "not an HTTP/2 answer");
    EXPECT_EQ(found([](int fd) { hear(fd); }).words(), "the connection was closed without an answer");
    EXPECT_EQ(found(silent, {}, 100ms).words(), "timeout: no answer");
}

TEST(GrpcProbe, ReadsABoundedPartOfWhatNeverEnds)
{
    EXPECT_EQ(found(repeating(kSettingsFrame, frame(6, 0, 0, "12345678"))).outcome, Outcome::bad_answer)
        << "pings";
    const std::string start = kSettingsFrame + frame(kHeaders, kEndHeaders, 1, kStatus200);
    EXPECT_EQ(found(repeating(start, frame(kData, 0, 1, std::string(4000, 'x'))), {}, 2s).outcome,
              Outcome::bad_answer);
    EXPECT_EQ(found(repeating(kSettingsFrame + frame(kHeaders, 0, 1, kStatus200),
                              frame(9, 0, 1, field("x", std::string(100, 'y')))))
                  .outcome,
              Outcome::bad_answer);
}

} // namespace
} // namespace aya::health::test::grpc_probe_test
