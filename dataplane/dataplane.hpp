// SPDX-License-Identifier: BSD-2-Clause
//
// The process as a whole: puts the parts together, runs the workers, takes it all down in order.
#pragma once

#include "options.hpp"

namespace aya
{

// Returns after SIGTERM or SIGINT. Throws StartError or SegmentError if the start is refused.
void run_dataplane(const CommandLine &line, const DataplaneConfig &options);

} // namespace aya
