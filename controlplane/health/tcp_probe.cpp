// SPDX-License-Identifier: BSD-2-Clause
// "tcp": a connection can be opened. Nothing is sent, and it is reset at once.
#include "health/connection.hpp"

namespace aya::health
{

namespace
{

class TcpProbe final : public Probe
{
public:
    explicit TcpProbe(const ProbeTarget &target) : target_(target) {}

    Step start() override { return connection_.open(target_); }
    Step ready() override { return Step::done(connection_.opened()); }
    void stop() override { connection_.close(); }

private:
    ProbeTarget target_;
    Connection connection_;
};

} // namespace

std::unique_ptr<Probe> make_tcp_probe(const ProbeTarget &target)
{
    return std::make_unique<TcpProbe>(target);
}

} // namespace aya::health
