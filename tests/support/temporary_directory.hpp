// SPDX-License-Identifier: BSD-2-Clause
// A directory that goes with the test, and all that is in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace aya::test
{

class TemporaryDirectory
{
public:
    explicit TemporaryDirectory(const std::filesystem::path &parent = std::filesystem::temp_directory_path())
    {
        std::string pattern = (parent / "aya-test-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error(pattern + ": cannot make a temporary directory");
        path_ = pattern;
    }
    ~TemporaryDirectory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory &) = delete;
    TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

    const std::filesystem::path &path() const { return path_; }
    std::string operator/(const char *name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

} // namespace aya::test
