// SPDX-License-Identifier: BSD-2-Clause
// Answers of HTTP servers, good, wrong and hostile, over real sockets.
#include "attempt.hpp"

namespace aya::health::test::http_probe_test
{
namespace
{

Finding found(const std::function<void(int)> &serve, ProbeOptions options = {}, Milliseconds timeout = 5s)
{
    const Server server(serve);
    return attempt(HealthType::http, target_of(server.port(), std::move(options)), timeout);
}

ProbeOptions expecting(std::string body)
{
    ProbeOptions options;
    options.expected_body = std::move(body);
    return options;
}

TEST(HttpProbe, TakesStatusesThatAreExpected)
{
    EXPECT_EQ(found(saying("HTTP/1.1 200 OK\r\n\r\n")), Finding(Outcome::ok));
    EXPECT_EQ(found(saying("HTTP/1.0 302 Found\r\nLocation: /login\r\n\r\n")), Finding(Outcome::ok));
    EXPECT_EQ(found(saying("HTTP/1.1 404 Not Found\r\n\r\n")),
              Finding(Outcome::bad_answer, "status 404; expected: 200-399"));
    ProbeOptions options;
    options.expected_status = StatusSet::parse("204,500-503");
    EXPECT_EQ(found(saying("HTTP/1.1 502 Bad Gateway\r\n\r\n"), options), Finding(Outcome::ok));
    EXPECT_EQ(found(saying("HTTP/1.1 200 OK\r\n\r\n"), options),
              Finding(Outcome::bad_answer, "status 200; expected: 204,500-503"));
}

TEST(HttpProbe, WaitsForTheFinalAnswer)
{
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    const std::string final = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready";
    EXPECT_EQ(found(saying("HTTP/1.1 100 Continue\r\n\r\n" + interim + final), expecting("ready")),
              Finding(Outcome::ok));
    EXPECT_EQ(found(saying(interim + "HTTP/1.1 503 No\r\n\r\n")).words(), "status 503; expected: 200-399");
    const auto later = [&](int fd) {
        hear(fd);
        say(fd, interim);
        std::this_thread::sleep_for(5ms);
        say(fd, final);
        wait_for_end(fd);
    };
    EXPECT_EQ(found(later), Finding(Outcome::ok));
    EXPECT_EQ(found(saying("HTTP/1.1 101 Switching Protocols\r\n\r\n")).words(),
              "status 101; expected: 200-399");
    EXPECT_EQ(found(repeating("", interim)).words(), "the answer does not end within 128 KB");
}

TEST(HttpProbe, AsksForWhatItIsTold)
{
    std::string question;
    const Server server([&](int fd) {
        question = hear(fd);
        say(fd, "HTTP/1.1 200 OK\r\n\r\n");
    });
    attempt(HealthType::http, target_of(server.port()));
    EXPECT_EQ(question, "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                            "\r\nUser-Agent: aya\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    ProbeOptions options;
    options.method = HttpMethod::head;
    options.path = "/health?full=1";
    options.host = "www.example";
    attempt(HealthType::http, target_of(server.port(), options));
    EXPECT_TRUE(question.starts_with("HEAD /health?full=1 HTTP/1.1\r\nHost: www.example\r\n")) << question;
}

TEST(HttpProbe, LooksForATextInTheBody)
{
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nall is\r\n5\r\n well\r\n0\r\n\r\n";
    EXPECT_EQ(found(saying(chunked), expecting("is well")), Finding(Outcome::ok));
    EXPECT_EQ(found(saying(chunked), expecting("is lost")),
              Finding(Outcome::bad_answer, "the body does not contain \"is lost\""));
    EXPECT_EQ(found(saying("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\nready"),
                    expecting("ready")),
              Finding(Outcome::ok))
        << "whatever else there is";
    EXPECT_EQ(found(saying("HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nready"), expecting("ready")).words(),
              "status 503; expected: 200-399");
    const auto in_pieces = [](int fd) {
        hear(fd);
        for (const char c : std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready")) {
            say(fd, {&c, 1});
            std::this_thread::sleep_for(1ms);
        }
        wait_for_end(fd);
    };
    EXPECT_EQ(found(in_pieces, expecting("ready")), Finding(Outcome::ok));
    EXPECT_EQ(found(
                  [](int fd) {
                      hear(fd);
                      say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nread");
                  },
                  expecting("ready"))
                  .words(),
              "the body does not contain \"ready\"");
}

TEST(HttpProbe, ReadsABoundedPartOfWhatNeverEnds)
{
    const std::string endless(4096, 'x');
    EXPECT_EQ(found(repeating("HTTP/1.1 200 OK\r\n\r\n", endless)), Finding(Outcome::ok))
        << "the body is not read";
    EXPECT_EQ(found(repeating("HTTP/1.1 200 OK\r\n\r\n", endless), expecting("ready")),
              Finding(Outcome::bad_answer, "the first 64 KB of the body do not contain \"ready\""));
    EXPECT_EQ(found(repeating("HTTP/1.1 200 OK\r\n", "X-More: yes\r\n")),
              Finding(Outcome::bad_answer, "more than 16 KB of headers"));
    EXPECT_EQ(found(repeating("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                              "1;" + std::string(900, 'e') + "\r\nx\r\n"),
                    expecting("ready")),
              Finding(Outcome::bad_answer, "the answer does not end within 128 KB"));
}

TEST(HttpProbe, SaysWhatIsWrongWithOtherAnswers)
{
    EXPECT_EQ(found(saying("220 mail.example ESMTP\r\n")),
              Finding(Outcome::bad_answer, "not an HTTP/1 answer"));
    EXPECT_EQ(found(saying(std::string("\x15\x03\x03\x00\x02\x02\x28", 7))),
              Finding(Outcome::bad_answer, "not an HTTP/1 answer"));
    EXPECT_EQ(found([](int fd) { hear(fd); }).words(), "the connection was closed without an answer");
    EXPECT_EQ(found([](int fd) {
                  ::shutdown(fd, SHUT_WR);
                  wait_for_end(fd);
              }).words(),
              "the connection was closed without an answer");
    EXPECT_EQ(found([](int fd) {
                  hear(fd);
                  say(fd, "HTTP/1.1 200");
              }).words(),
              "the connection was closed within the headers");
    const auto reset = [](int fd) {
        hear(fd);
        const linger now = {.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    };
    EXPECT_EQ(found(reset), Finding(Outcome::refused, "connection reset"));
    const Listener nobody(false);
    EXPECT_EQ(attempt(HealthType::http, target_of(nobody.port())), Finding(Outcome::refused));
}

TEST(HttpProbe, EndsWithItsTimeout)
{
    EXPECT_EQ(found(silent, {}, 100ms), Finding(Outcome::timeout, "timeout: no answer"));
    EXPECT_EQ(found(repeating("", "H", 10ms), {}, 100ms).outcome, Outcome::bad_answer);
    EXPECT_EQ(found(repeating("HTTP/1.1 200 OK\r\nX: ", "y", 10ms), {}, 100ms),
              Finding(Outcome::timeout, "timeout: no complete answer"));
}

TEST(StatusSet, TakesStatusesAndRanges)
{
    const auto set = StatusSet::parse("200-299,404");
    ASSERT_TRUE(set);
    for (const unsigned status : {200, 250, 299, 404})
        EXPECT_TRUE(set->contains(status)) << status;
    for (const unsigned status : {199, 300, 403, 405})
        EXPECT_FALSE(set->contains(status)) << status;
    for (const char *text :
         {"", "200-", "-200", "20", "2000", "200,", "300-200", "200 ", "600", "099", "0x1", "200--300"})
        EXPECT_FALSE(StatusSet::parse(text)) << text;
}

} // namespace
} // namespace aya::health::test::http_probe_test
