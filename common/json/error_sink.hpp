// SPDX-License-Identifier: BSD-2-Clause
// Collects errors while a text is read.
#pragma once

#include "common/result.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace aya
{

// Keeps the first kMost errors and counts the others: a hostile text must not cost memory.
class ErrorSink
{
public:
    static constexpr std::size_t kMost = 200;

    void add(std::string where, std::string message, ErrorKind kind = ErrorKind::invalid)
    {
        if (errors_.size() < kMost)
            errors_.push_back({std::move(where), std::move(message), kind});
        else
            ++more_;
    }

    bool empty() const { return errors_.empty(); }
    const ConfigErrors &errors() const { return errors_; }

    ConfigErrors take()
    {
        if (more_ > 0)
            errors_.push_back({"", "and " + std::to_string(more_) + " more errors"});
        more_ = 0;
        return std::move(errors_);
    }

private:
    ConfigErrors errors_;
    std::size_t more_ = 0;
};

} // namespace aya
