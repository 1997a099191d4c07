// SPDX-License-Identifier: BSD-2-Clause
#include "common/result.hpp"

namespace aya
{

std::string format_error(std::string_view file, const ConfigError &error)
{
    const std::string where = error.where.empty() ? "" : error.where + ": ";
    return std::string(file) + ": " + where + error.message;
}

} // namespace aya
