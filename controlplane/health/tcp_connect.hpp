// SPDX-License-Identifier: BSD-2-Clause
// The system calls of a TCP connect probe.
#pragma once

#include "common/address.hpp"
#include "health/tracker.hpp"

#include <cstdint>

namespace aya::health
{

// A connection attempt under way (fd >= 0, decided by write readiness), or decided at once (fd < 0).
struct Attempt {
    int fd = -1;
    Outcome outcome = Outcome::local_error;
    int error = 0; // errno behind a local_error
};

// Non-blocking. Closing the socket resets the connection (SO_LINGER 0): thousands of probes a second
// would otherwise fill this box, or the backends, with sockets in TIME_WAIT.
Attempt start_connect(const IpAddress &address, std::uint16_t port);

// What became of it, once the socket is ready for writing or has an error.
Outcome finish_connect(int fd);

// `error` is an errno value of connect(2).
Outcome outcome_of(int error);

} // namespace aya::health
