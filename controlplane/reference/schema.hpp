// SPDX-License-Identifier: BSD-2-Clause
// The JSON Schema (draft 2020-12) of an object of the configuration.
#pragma once

#include "common/config/key.hpp"

namespace aya
{

OrderedJson schema_of(const Section &section);

} // namespace aya
