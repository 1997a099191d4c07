// SPDX-License-Identifier: BSD-2-Clause
#include "rates.hpp"

#include <cmath>
#include <map>

namespace aya::ctl
{

namespace
{

constexpr const char *kLists[] = {"reasons", "services", "backends"};

std::string item_name(const Json &item)
{
    return text(item, "service") + '\n' + text(item, "name");
}

} // namespace

Json per_second(const Json &before, const Json &after, double seconds)
{
    Json rates = after;
    rates["seconds"] = seconds;
    for (const char *key : kLists) {
        std::map<std::string, const Json *> known;
        for (const Json &item : list(before, key))
            known.emplace(item_name(item), &item);
        if (list(after, key).empty())
            continue;
        for (Json &item : rates[key]) {
            const auto old = known.find(item_name(item));
            for (const auto &[field, value] : item.items()) {
                if (!value.is_number_integer())
                    continue;
                const std::uint64_t now = number(item, field.c_str());
                const std::uint64_t then = old == known.end() ? 0 : number(*old->second, field.c_str());
                const std::uint64_t more = now < then ? now : now - then;
                value = static_cast<std::uint64_t>(std::llround(static_cast<double>(more) / seconds));
            }
        }
    }
    return rates;
}

} // namespace aya::ctl
