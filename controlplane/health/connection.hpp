// SPDX-License-Identifier: BSD-2-Clause
// The TCP connection of one attempt: what the types that need one begin with.
#pragma once

#include "health/probe.hpp"
#include "health/socket.hpp"

namespace aya::health
{

class Connection
{
public:
    // Connects without blocking. The step waits until the socket is ready for writing, unless all is decided
    // at once. Closing the socket resets the connection (SO_LINGER 0): thousands of probes per second would
    // otherwise fill this box, or the backends, with sockets in TIME_WAIT.
    Step open(const ProbeTarget &to);

    // What became of the attempt to connect, once the socket is ready for writing or has an error.
    Finding opened() const { return finding_of(socket_.error()); }

    int fd() const { return socket_.fd(); }
    void close() { socket_.close(); }

private:
    Socket socket_;
};

} // namespace aya::health
