// SPDX-License-Identifier: BSD-2-Clause
// A backend of a service as the key of a map.
#pragma once

#include <string>

namespace aya
{

inline std::string backend_key(const std::string &service, const std::string &backend)
{
    return service + '\n' + backend; // names have no control characters
}

} // namespace aya
