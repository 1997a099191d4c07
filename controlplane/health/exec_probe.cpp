// SPDX-License-Identifier: BSD-2-Clause
// "exec": a program ends with exit code 0.
#include "health/child.hpp"
#include "health/probe.hpp"

#include "common/json/json_text.hpp"

#include <cerrno>
#include <cstring>
#include <optional>

namespace aya::health
{

namespace
{

class ExecProbe final : public Probe
{
public:
    explicit ExecProbe(const ProbeTarget &target)
        : command_(target.options->command.value_or(std::vector<std::string>{})),
          environment_{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "AYA_ADDRESS=" + to_string(target.address.address)}
    {
        if (target.address.port != 0)
            environment_.push_back("AYA_PORT=" + std::to_string(target.address.port));
    }

    Step start() override
    {
        if (child_.is_dying()) // one process of each probe at most
            return Step::done({Outcome::timeout, "timeout: the last run has not ended"});
        if (const std::string why = child_.start(command_, environment_); !why.empty())
            return Step::done({Outcome::local_error, "probe not sent: " + why});
        return Step::readable(child_.fd());
    }

    Step ready() override
    {
        const std::optional<int> status = child_.look();
        if (status)
            return Step::done(judge(*status));
        if (child_.wrote_too_much())
            return Step::done({Outcome::bad_answer, "more than 64 KB of output"});
        return Step::readable(child_.fd());
    }

    Finding expired() override { return {Outcome::timeout, "timeout: still running" + said()}; }

    void stop() override { child_.stop(); }

private:
    // As waitid(2) has it: an exit code, or a signal below zero.
    Finding judge(int status) const
    {
        if (status == 0)
            return {Outcome::ok};
        const std::string what =
            status > 0 ? "exit code " + std::to_string(status) : "ended by signal " + std::to_string(-status);
        return {Outcome::bad_answer, what + "; expected: exit code 0" + said()};
    }

    std::string said() const
    {
        const std::string &output = child_.output();
        return output.empty() ? "" : "; it said " + quote(output.substr(0, output.find('\n')));
    }

    std::vector<std::string> command_;
    std::vector<std::string> environment_;
    Child child_;
};

} // namespace

std::unique_ptr<Probe> make_exec_probe(const ProbeTarget &target)
{
    return std::make_unique<ExecProbe>(target);
}

} // namespace aya::health
