// SPDX-License-Identifier: BSD-2-Clause
#include "options.hpp"

namespace aya
{

namespace
{

Result<DataplaneConfig> for_this_program(Result<DataplaneConfig> section)
{
    if (section && section->path == DataplanePath::xdp)
        return ConfigError{"/dataplane/path",
                           "found \"xdp\", which aya-controlplane carries out alone; allowed for "
                           "aya-dataplane: \"dpdk\", \"auto\""};
    return section;
}

} // namespace

Result<DataplaneConfig> parse_options(std::string_view text)
{
    return for_this_program(parse_dataplane(text));
}

Result<DataplaneConfig> load_options(const std::string &file)
{
    return for_this_program(load_dataplane(file));
}

} // namespace aya
