// SPDX-License-Identifier: BSD-2-Clause
#include "vip_rules.hpp"

#include "aya/tables.h"
#include "common/json/json_text.hpp"

#include <algorithm>
#include <tuple>

namespace aya
{

void VipRules::check()
{
    for (std::size_t i = 0; i < config_.services.size(); ++i) {
        const ServiceConfig &service = config_.services[i];
        const std::string list = pointer_token("services") + pointer_token(i) + "/vips";
        for (std::size_t j = 0; j < service.vips.size(); ++j)
            collect(service, service.vips[j], list + pointer_token(j));
    }
    for (auto &[prefix, ranges] : ranges_)
        check_ranges(prefix, ranges);
    check_lengths();
}

const VipRules::Owner *VipRules::owner_of(const IpAddress &address) const
{
    for (const auto &[v4, length] : lengths_) {
        if (v4 != address.is_v4())
            continue;
        const auto found = prefixes_.find(network_of({address, length}));
        if (found != prefixes_.end())
            return &found->second;
    }
    return nullptr;
}

void VipRules::collect(const ServiceConfig &service, const VipKey &vip, const std::string &where)
{
    if (checker_.is_broken(where))
        return;
    const Owner owner{where, service.name};
    const Prefix prefix = vip.prefix();
    prefixes_.try_emplace(prefix, owner);
    lengths_.emplace(prefix.address.is_v4(), prefix.length);
    const auto [first, is_new] = vips_.try_emplace(vip, owner);
    if (!is_new)
        checker_.add(where, "found " + quote(to_string(vip)) + ", which service " +
                                quote(first->second.service) + " already has (" + first->second.where +
                                "); allowed: each VIP once");
    else if (!vip.is_exact())
        ranges_[prefix].push_back({vip, owner});
}

void VipRules::check_ranges(const Prefix &prefix, Ranges &ranges)
{
    if (ranges.size() > AYA_MAX_RANGES)
        checker_.add(ranges[AYA_MAX_RANGES].owner.where,
                     "found " + std::to_string(ranges.size()) + " ports and ranges of " +
                         quote(to_string(prefix)) + " in all services; allowed: at most " +
                         std::to_string(AYA_MAX_RANGES) + " for one address or prefix");
    std::stable_sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) {
        const auto key = [](const VipKey &vip) {
            return std::tuple(vip.protocol, vip.port, -vip.last_port());
        };
        return key(a.vip) < key(b.vip);
    });
    check_nesting(ranges);
}

// They come in the order of their first ports, the widest first.
void VipRules::check_nesting(Ranges &ranges)
{
    std::vector<const Range *> around;
    for (const Range &range : ranges) {
        while (!around.empty() && (around.back()->vip.protocol != range.vip.protocol ||
                                   around.back()->vip.last_port() < range.vip.port))
            around.pop_back();
        if (!around.empty() && around.back()->vip.last_port() < range.vip.last_port()) {
            add_overlap(range, *around.back());
            continue;
        }
        around.push_back(&range);
        if (around.size() == AYA_RANGE_DEPTH + 1U)
            checker_.add(range.owner.where, "found " + quote(to_string(range.vip)) + ", which is within " +
                                                std::to_string(AYA_RANGE_DEPTH) +
                                                " other ranges of ports; allowed: at most " +
                                                std::to_string(AYA_RANGE_DEPTH - 1));
    }
}

void VipRules::add_overlap(const Range &one, const Range &other)
{
    const bool one_is_later = one.owner.where.size() != other.owner.where.size()
                                  ? one.owner.where.size() > other.owner.where.size()
                                  : one.owner.where > other.owner.where;
    const Range &later = one_is_later ? one : other;
    const Range &earlier = one_is_later ? other : one;
    checker_.add(later.owner.where,
                 "found " + quote(to_string(later.vip)) + ", which has ports in common with " +
                     quote(to_string(earlier.vip)) + " of service " + quote(earlier.owner.service) + " (" +
                     earlier.owner.where + "); allowed: ranges apart, or one within the other");
}

// A packet that is no VIP's by its very address, port and protocol is looked up once for each of them, and
// for its address.
void VipRules::check_lengths()
{
    const std::string allowed = std::to_string(AYA_PREFIX_LENGTHS - 1);
    for (const bool v4 : {true, false}) {
        std::set<std::uint8_t> found;
        for (const auto &[prefix, ranges] : ranges_)
            if (prefix.address.is_v4() == v4 && !is_host(prefix) && found.insert(prefix.length).second &&
                found.size() == AYA_PREFIX_LENGTHS)
                checker_.add(ranges.front().owner.where,
                             "found " + quote(to_string(ranges.front().vip)) +
                                 ", whose prefix length is one more than " + allowed +
                                 " others; allowed: " + (v4 ? "IPv4" : "IPv6") + " VIPs of at most " +
                                 allowed + " prefix lengths, besides those of one address");
    }
}

} // namespace aya
