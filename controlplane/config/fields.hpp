// SPDX-License-Identifier: BSD-2-Clause
// Every key of the configuration: one row each, from which reading, writing, defaults, the JSON Schema, the
// tables of docs/configuration.md and the options of ayactl are made.
#pragma once

#include "common/config/dataplane_fields.hpp"
#include "config.hpp"

namespace aya
{

template <>
const Fields<ProbeOptions> &fields();
template <>
const Fields<HealthConfig> &fields();
template <>
const Fields<IdleTimeouts> &fields();
template <>
const Fields<SlowStart> &fields();
template <>
const Fields<QuicLbConfig> &fields();
template <>
const Fields<BackendConfig> &fields();
template <>
const Fields<ServiceConfig> &fields();
template <>
const Fields<SourceList> &fields();
template <>
const Fields<LimitsConfig> &fields();
template <>
const Fields<Limits> &fields();
template <>
const Fields<ControlplaneConfig> &fields();
template <>
const Fields<TunnelSource> &fields();
template <>
const Fields<Config> &fields();

// The types of probes that have this option, for people: "http", "https".
std::string types_with(std::string_view option);

} // namespace aya
