// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "common/config/checker.hpp"
#include "config.hpp"

namespace aya
{

// What the keys of QUIC-LB of a service, which is at `where`, mean together.
void check_quic_lb(const ServiceConfig &service, const std::string &where, Checker &checker);

} // namespace aya
