// SPDX-License-Identifier: BSD-2-Clause
// A probe that goes the way of clients' packets. A backend that lacks the VIP, a listener on it, or
// decapsulation answers clients as little as it answers this one, although its own address works.
#include "health/probe.hpp"

#include <utility>

namespace aya::health
{

namespace
{

class TunnelProbe final : public Probe
{
public:
    TunnelProbe(const ProbeType &type, const ProbeTarget &target)
        : tunnel_(target.tunnel), direct_(make_probe_of_type(type, {target.address, target.options})),
          through_(make_probe_of_type(type, {tunnel_->vip, target.options, tunnel_})), current_(direct_.get())
    {
    }

    Step start() override
    {
        current_ = tunnel_->obstacle.empty() ? through_.get() : direct_.get();
        return explained(current_->start());
    }

    Step ready() override { return explained(current_->ready()); }
    Finding expired() override { return explained(current_->expired()); }

    void stop() override
    {
        direct_->stop();
        through_->stop();
    }

private:
    Step explained(Step step) const
    {
        if (step.kind == Step::Kind::done)
            step.finding = explained(std::move(step.finding));
        return step;
    }

    // With where to look: an operator who tries the backend's own address finds nothing wrong.
    Finding explained(Finding finding) const
    {
        if (current_ == direct_.get() || finding.outcome == Outcome::ok ||
            finding.outcome == Outcome::local_error)
            return finding;
        finding.reason = std::string(finding.words()) + ", at VIP " + to_string(tunnel_->vip) + " by " +
                         std::string(tunnel_->encap);
        if (finding.outcome == Outcome::refused)
            finding.reason += "; does the server listen on the VIP?";
        else if (finding.outcome == Outcome::timeout && tunnel_->has_headers)
            finding.reason += "; does the backend have the VIP and decapsulation? (aya-backend check)";
        else if (finding.outcome == Outcome::timeout)
            finding.reason += "; does the backend have the VIP? (aya-backend check)";
        return finding;
    }

    std::shared_ptr<const Tunnel> tunnel_;
    std::unique_ptr<Probe> direct_;
    std::unique_ptr<Probe> through_;
    Probe *current_; // of the attempt under way, or the last one
};

} // namespace

std::unique_ptr<Probe> make_tunnel_probe(const ProbeType &type, const ProbeTarget &target)
{
    return std::make_unique<TunnelProbe>(type, target);
}

} // namespace aya::health
