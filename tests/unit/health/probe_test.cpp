// SPDX-License-Identifier: BSD-2-Clause
// What a type of probe may do: several steps per attempt, each attempt on a fresh connection.
#include "health/connection.hpp"
#include "loopback.hpp"

#include <array>
#include <cerrno>
#include <list>

namespace aya::health::test::probe_test
{
namespace
{

TEST(Probe, NamesWhatWentWrong)
{
    const auto outcome_of = [](int error) { return finding_of(error).outcome; };
    EXPECT_EQ(outcome_of(0), Outcome::ok);
    EXPECT_EQ(outcome_of(ECONNREFUSED), Outcome::refused);
    EXPECT_EQ(outcome_of(ETIMEDOUT), Outcome::timeout);
    EXPECT_EQ(outcome_of(EHOSTUNREACH), Outcome::unreachable);
    EXPECT_EQ(outcome_of(ENETUNREACH), Outcome::unreachable);
    EXPECT_EQ(outcome_of(EINVAL), Outcome::unreachable) << "a blackhole route";
    EXPECT_EQ(outcome_of(EMFILE), Outcome::local_error);
    EXPECT_EQ(outcome_of(EADDRNOTAVAIL), Outcome::local_error);
    EXPECT_EQ(finding_of(EMFILE).words(), "probe not sent: Too many open files");
}

// Connects, sends a question, and reads an answer of at most eight bytes, in as many pieces as it comes.
class AskingProbe final : public Probe
{
public:
    explicit AskingProbe(const ProbeTarget &target) : target_(target) {}

    Step start() override
    {
        asked_ = false;
        length_ = 0;
        return connection_.open(target_);
    }

    Step ready() override
    {
        if (!asked_)
            return ask();
        const ssize_t got = ::recv(connection_.fd(), answer_.data() + length_, answer_.size() - length_, 0);
        if (got <= 0)
            return Step::done({Outcome::refused, "no whole answer"});
        length_ += static_cast<std::size_t>(got);
        const std::string_view answer(answer_.data(), length_);
        if (answer.ends_with('\n'))
            return Step::done(answer == "pong\n" ? Finding(Outcome::ok)
                                                 : Finding(Outcome::refused, "found another answer"));
        if (length_ == answer_.size())
            return Step::done({Outcome::refused, "the answer is too long"});
        return Step::readable(connection_.fd());
    }

    Finding expired() override { return {Outcome::timeout, asked_ ? "no answer" : "no connection"}; }
    void stop() override { connection_.close(); }

private:
    Step ask()
    {
        if (const Finding opened = connection_.opened(); opened.outcome != Outcome::ok)
            return Step::done(opened);
        asked_ = ::send(connection_.fd(), "ping\n", 5, MSG_NOSIGNAL) == 5;
        return asked_ ? Step::readable(connection_.fd()) : Step::done(finding_of(errno));
    }

    ProbeTarget target_;
    Connection connection_;
    bool asked_ = false;
    std::array<char, 8> answer_{};
    std::size_t length_ = 0;
};

std::unique_ptr<Probe> make_asking(const ProbeType &, const ProbeTarget &target)
{
    return std::make_unique<AskingProbe>(target);
}

// A backend that gives each connection `pieces`, with a pause between, once it was asked.
class Answering
{
public:
    explicit Answering(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}

    Target target() const
    {
        Target target = target_at("one", listener_.port());
        target.rule.timeout = 200ms;
        return target;
    }

    // Does what there is to do; the monitor runs in between.
    void serve()
    {
        if (const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK); fd >= 0)
            clients_.push_back({.fd = fd});
        for (Client &client : clients_)
            serve(client);
    }

    ~Answering()
    {
        for (const Client &client : clients_)
            ::close(client.fd);
    }

    std::size_t connections() const { return clients_.size(); }

private:
    struct Client {
        int fd;
        bool asked = false;
        std::size_t sent = 0;
    };

    void serve(Client &client)
    {
        std::array<char, 16> question;
        if (!client.asked)
            client.asked = ::recv(client.fd, question.data(), question.size(), 0) > 0;
        else if (client.sent < pieces_.size()) {
            const std::string &piece = pieces_[client.sent++];
            ::send(client.fd, piece.data(), piece.size(), MSG_NOSIGNAL);
        }
    }

    Listener listener_{true, SOCK_NONBLOCK};
    std::vector<std::string> pieces_;
    std::list<Client> clients_;
};

// What the third probe of such a backend found.
Finding found_at(const std::vector<std::string> &pieces)
{
    boost::asio::io_context io(1);
    Answering backend(pieces);
    int probes = 0;
    Finding last = {Outcome::local_error};
    const auto ended = [&](const Target &, const Tracker &tracker, bool) {
        probes++;
        last = tracker.last();
    };
    Monitor monitor(io.get_executor(), ended, make_asking);
    monitor.set_targets({backend.target()}, nothing_recalled);
    const auto deadline = Clock::now() + 20s;
    while (probes < 3 && Clock::now() < deadline) {
        io.run_one_for(2ms);
        backend.serve();
    }
    EXPECT_GE(backend.connections(), 3u) << "a fresh connection for each attempt";
    return last;
}

TEST(Probe, MayTakeSeveralStepsOnOneConnection)
{
    EXPECT_EQ(found_at({"pong\n"}), Finding(Outcome::ok));
    EXPECT_EQ(found_at({"po", "n", "g\n"}), Finding(Outcome::ok));
}

TEST(Probe, SaysInItsOwnWordsWhatItFound)
{
    EXPECT_EQ(found_at({"pang\n"}).words(), "found another answer");
    EXPECT_EQ(found_at({"pongpongpong\n"}).words(), "the answer is too long");
}

TEST(Probe, SaysWhatItWaitedForWhenTheTimeIsOver)
{
    EXPECT_EQ(found_at({}), Finding(Outcome::timeout, "no answer"));
    EXPECT_EQ(found_at({"po"}), Finding(Outcome::timeout, "no answer")) << "one timeout for all steps";
}

} // namespace
} // namespace aya::health::test::probe_test
