// SPDX-License-Identifier: BSD-2-Clause
//
// The lists that a service names in `allow` and `deny`, as the packet path reads them: aya/source_set.h.
//
// Of all prefixes that a client's address is in, the longest decides; of two equal ones, that of `deny`. A
// client that is in none is refused if the service names a list in `allow`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aya/types.h"
#include "config/config.hpp"

namespace aya
{

// Lines of the arena. Shared: services with the same lists have the same object.
using SourceSet = std::shared_ptr<const std::vector<u32>>;

std::vector<u32> build_source_set(const std::vector<Prefix> &allow, const std::vector<Prefix> &deny,
                                  bool refuses_others);

// What decides about a client, for people: found by looking at each prefix.
struct SourceRule {
    const SourceList *list = nullptr; // null: the client is in none
    Prefix prefix;
    bool refuses = false;
};
SourceRule find_rule(const std::vector<SourceList> &lists, const ServiceConfig &service,
                     const IpAddress &client);

// Makes the sets of services, each once while the lists stay the same and somebody has it.
class SourceSets
{
public:
    void set_lists(const std::vector<SourceList> &lists);

    // Null if the service names no lists.
    SourceSet of(const ServiceConfig &service);

    size_t size() const { return made_.size(); }

private:
    std::vector<Prefix> prefixes_of(const std::vector<std::string> &names) const;

    using Names = std::vector<std::string>;
    std::vector<SourceList> lists_;
    std::map<std::pair<Names, Names>, std::weak_ptr<const std::vector<u32>>> made_; // by allow and deny
};

} // namespace aya
