// SPDX-License-Identifier: BSD-2-Clause
// Text to Config and back. Everything that can be wrong with a configuration is found here, and all
// of it is reported, not only the first error.
#pragma once

#include "common/json/json_text.hpp"
#include "common/result.hpp"
#include "config.hpp"

#include <filesystem>
#include <string_view>

namespace aya
{

// A whole configuration: JSON, with // and /* */ comments. Reads the files of its lists. Validated.
Result<Config> parse_config(std::string_view text);

// The same from a file. ErrorKind::io if it cannot be read.
Result<Config> load_config(const std::filesystem::path &file);

// Every value is written out, defaults too; what is absent (an optional) is left out.
// parse_config(to_json(config).dump()) gives the same config.
OrderedJson to_json(const Config &config);
OrderedJson to_json(const DataplaneConfig &dataplane);
OrderedJson to_json(const ControlplaneConfig &controlplane);
OrderedJson to_json(const ServiceConfig &service);
OrderedJson to_json(const BackendConfig &backend);
OrderedJson to_json(const SourceList &list);

} // namespace aya
