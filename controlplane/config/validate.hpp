// SPDX-License-Identifier: BSD-2-Clause
// What values of a configuration mean together. Internal to config/.
#pragma once

#include "common/json/error_sink.hpp"
#include "config.hpp"

namespace aya
{

// Appends to `errors`. A check that depends on a value at which there is an error already is left
// out: its complaint would be about a default.
void validate(const Config &config, ErrorSink &errors);

} // namespace aya
