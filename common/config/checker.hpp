// SPDX-License-Identifier: BSD-2-Clause
// Checks of what values mean together, after each was read by itself.
#pragma once

#include "common/json/error_sink.hpp"

#include <initializer_list>
#include <set>
#include <string>
#include <unordered_map>

namespace aya
{

// A complaint about a value at which there is an error already is left out: it would be about a default.
class Checker
{
public:
    explicit Checker(ErrorSink &errors);

    // `depends`: pointers of the other values that the complaint is about.
    void add(const std::string &where, const std::string &message,
             std::initializer_list<std::string> depends = {});

    // Reading failed at `pointer`, in something inside it, or in something around it.
    bool is_broken(const std::string &pointer) const;

    // `seen`: the pointer at which each key was met first. `shown`: the key as people read it.
    template <typename Key>
    void check_unique(std::unordered_map<Key, std::string> &seen, const Key &key, const std::string &shown,
                      const std::string &where)
    {
        if (is_broken(where))
            return;
        const auto [first, is_new] = seen.try_emplace(key, where);
        if (!is_new)
            add(where, "found " + shown + ", which " + first->second + " already has; allowed: each once");
    }

private:
    std::set<std::string> broken_; // pointers
    ErrorSink &errors_;
};

} // namespace aya
