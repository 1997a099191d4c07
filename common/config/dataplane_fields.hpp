// SPDX-License-Identifier: BSD-2-Clause
// The keys of the section `dataplane` and what they mean together, for those who read whole configurations.
#pragma once

#include "common/config/checker.hpp"
#include "common/config/dataplane.hpp"
#include "common/config/fields.hpp"

namespace aya
{

template <>
const Fields<PortConfig> &fields();
template <>
const Fields<DataplaneConfig> &fields();

// Pointers in errors start with /dataplane.
void check_dataplane(const DataplaneConfig &dataplane, Checker &checker);

} // namespace aya
