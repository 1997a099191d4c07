// SPDX-License-Identifier: BSD-2-Clause
// Files of the repository that a test writes, and otherwise compares with what they should be.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace aya::test
{

// True if `file` is what stands in it up to and including `marker`, and then `text`. An empty marker: `text`
// alone. With AYA_RENEW set in the environment the file is made so.
inline testing::AssertionResult is_kept(const std::string &file, const std::string &marker,
                                        const std::string &text)
{
    std::ostringstream now;
    now << std::ifstream(file).rdbuf();
    const auto at = now.str().find(marker);
    if (at == std::string::npos)
        return testing::AssertionFailure() << file << ": no line " << marker;
    const std::string wanted = now.str().substr(0, at) + marker + text;
    if (now.str() == wanted)
        return testing::AssertionSuccess();
    if (std::getenv("AYA_RENEW")) {
        std::ofstream(file) << wanted;
        return testing::AssertionSuccess();
    }
    return testing::AssertionFailure()
           << file << " is not what the code says; renew it with: AYA_RENEW=1 meson test -C build api";
}

} // namespace aya::test
