// SPDX-License-Identifier: BSD-2-Clause
// JSON objects to structs: one value at a time. What values mean together is validate.hpp.
// Internal to config/.
#pragma once

#include "common/json/reader.hpp"
#include "config.hpp"

namespace aya
{

void decode(Reader &reader, Config &config);
void decode(Reader &reader, ServiceConfig &service);
void decode(Reader &reader, BackendConfig &backend);

} // namespace aya
