// SPDX-License-Identifier: BSD-2-Clause
// What the VIPs of all services must be together: each packet has one service, found in a bounded search.
#pragma once

#include "common/config/checker.hpp"
#include "config.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace aya
{

class VipRules
{
public:
    struct Owner {
        std::string where; // pointer to the VIP
        std::string_view service;
    };

    // `config` and `checker` must outlive this.
    VipRules(const Config &config, Checker &checker) : config_(config), checker_(checker) {}

    void check();

    // Who has a VIP with this address; nullptr: nobody. After check().
    const Owner *owner_of(const IpAddress &address) const;

private:
    struct Range {
        VipKey vip;
        Owner owner;
    };
    using Ranges = std::vector<Range>;

    void collect(const ServiceConfig &service, const VipKey &vip, const std::string &where);
    void check_ranges(const Prefix &prefix, Ranges &ranges);
    void check_nesting(Ranges &ranges);
    void add_overlap(const Range &one, const Range &other);
    void check_lengths();

    const Config &config_;
    Checker &checker_;
    std::map<VipKey, Owner> vips_;
    std::map<Prefix, Owner> prefixes_;
    std::map<Prefix, Ranges>
        ranges_; // of VIPs that are more than one address and port, in the order of the configuration
    std::set<std::pair<bool, std::uint8_t>> lengths_; // is_v4, prefix length
};

} // namespace aya
