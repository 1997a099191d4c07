// SPDX-License-Identifier: BSD-2-Clause
#include "report.hpp"

#include "sysctl.hpp"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

namespace aya::backend
{

namespace
{

using OrderedJson = nlohmann::ordered_json;

struct Outcome {
    const char *name;
    const char *help;
};

constexpr Outcome kOutcomes[] = {
#define AYA_X(symbol, name, help) {name, help},
    AYA_DECAP_OUTCOMES(AYA_X)
#undef AYA_X
};

// One change, as shown: what, how it was without us, how we set it, how it is.
struct Row {
    std::string what, before, set, now;
};

std::string yes_or_no(bool value)
{
    return value ? "yes" : "no";
}

bool is_in_force(const Change &change, const Facts &facts, bool has_counters)
{
    switch (change.kind) {
    case Change::Kind::pins:
        return has_counters;
    case Change::Kind::clsact:
        return facts.attached.has_ingress_qdisc;
    case Change::Kind::decap_tc:
        return facts.attached.decap_filter().has_value();
    case Change::Kind::decap_xdp:
        return facts.attached.has_decap_xdp();
    case Change::Kind::address:
        return std::any_of(facts.addresses.begin(), facts.addresses.end(), [&](const InterfaceAddress &a) {
            return a.link == change.link && to_string(a.address) == change.name;
        });
    case Change::Kind::network:
        return std::any_of(facts.local_networks.begin(), facts.local_networks.end(),
                           [&](const LocalNetwork &n) {
                               return n.link == change.link && to_string(n.prefix) == change.name;
                           });
    case Change::Kind::sysctl:
        break;
    }
    return sysctl::read(change.name) == change.after;
}

std::string title_of(const Change &change, const std::string &interface)
{
    switch (change.kind) {
    case Change::Kind::sysctl:
        return sysctl::name_of(change.name);
    case Change::Kind::pins:
        return "maps in " + change.name;
    case Change::Kind::clsact:
        return "qdisc clsact on " + change.name;
    case Change::Kind::decap_tc:
        return "decapsulation at tc ingress of " + change.name;
    case Change::Kind::decap_xdp:
        return "decapsulation at native XDP of " + interface;
    case Change::Kind::address:
        return change.name + " on lo";
    case Change::Kind::network:
        return change.name + ", all of it, on lo";
    }
    return "";
}

Row row_of(const Change &change, const Settings &settings, const std::optional<Facts> &facts,
           bool has_counters)
{
    const std::string title = title_of(change, settings.interface);
    if (change.kind == Change::Kind::sysctl) {
        const auto now = sysctl::read(change.name);
        return {title, std::to_string(change.before), std::to_string(change.after),
                now ? std::to_string(*now) : "gone"};
    }
    return {title, "no", "yes", yes_or_no(facts && is_in_force(change, *facts, has_counters))};
}

void print_rows(const std::vector<Row> &rows)
{
    std::size_t width = 0;
    for (const Row &row : rows)
        width = std::max(width, row.what.size());
    for (const Row &row : rows)
        std::cout << std::left << std::setw(static_cast<int>(width) + 2) << row.what << std::setw(8)
                  << row.before << std::setw(5) << row.set << row.now << "\n";
}

void print_counters(const DecapCounters &counters)
{
    std::cout << "\n"
              << std::left << std::setw(11) << "COUNTER" << std::right << std::setw(14) << "PACKETS"
              << "  MEANING\n";
    for (std::size_t i = 0; i < counters.size(); i++)
        std::cout << std::left << std::setw(11) << kOutcomes[i].name << std::right << std::setw(14)
                  << counters[i] << "  " << kOutcomes[i].help << "\n";
}

template <typename Item>
std::vector<std::string> texts_of(const std::vector<Item> &items)
{
    std::vector<std::string> texts;
    texts.reserve(items.size());
    for (const Item &item : items)
        texts.push_back(to_string(item));
    return texts;
}

OrderedJson to_json(const State &state, const std::vector<Row> &rows,
                    const std::optional<DecapCounters> &counters)
{
    const Settings &settings = state.settings;
    OrderedJson json = {{"set_up", true},
                        {"vips", texts_of(settings.vips)},
                        {"encap", to_string(settings.encap)},
                        {"interface", settings.interface},
                        {"changes", OrderedJson::array()}};
    if (settings.strips_udp())
        json["gue_port"] = settings.gue_port;
    if (settings.has_tunnel()) {
        json["hook"] = name_of(settings.hook);
        json["locals"] = texts_of(settings.locals);
        json["balancers"] = texts_of(settings.balancers);
    }
    for (const Row &row : rows)
        json["changes"].push_back(
            {{"what", row.what}, {"before", row.before}, {"set", row.set}, {"now", row.now}});
    if (counters)
        for (std::size_t i = 0; i < counters->size(); i++)
            json["counters"][kOutcomes[i].name] = (*counters)[i];
    return json;
}

} // namespace

std::string describe(const Settings &settings)
{
    std::string text = join(settings.vips) + " on lo; " + std::string(to_string(settings.encap));
    if (settings.strips_udp())
        text += " at UDP port " + std::to_string(settings.gue_port);
    if (settings.has_tunnel())
        text += std::string(", decapsulated at ") +
                (settings.hook == Hook::tc ? "tc ingress" : "native XDP") + " of " + settings.interface +
                " for " + join(settings.locals) + ", from " +
                (settings.balancers.empty() ? "any sender" : join(settings.balancers));
    return text;
}

int report(const std::vector<Finding> &findings, const Settings &settings, bool json)
{
    if (json) {
        OrderedJson list = OrderedJson::array();
        for (const Finding &finding : findings)
            list.push_back({{"code", code_of(finding.defect)}, {"text", finding.text}});
        std::cout << OrderedJson{{"findings", list}}.dump(2) << "\n";
    } else {
        for (const Finding &finding : findings)
            std::cout << finding.text << "\n";
        if (findings.empty())
            std::cout << "no problems: " << describe(settings) << "\n";
    }
    return findings.empty() ? 0 : 1;
}

int report(const State &state, const std::optional<Facts> &facts,
           const std::optional<DecapCounters> &counters, bool json)
{
    std::vector<Row> rows;
    for (const Change &change : state.changes)
        rows.push_back(row_of(change, state.settings, facts, counters.has_value()));
    if (json) {
        std::cout << to_json(state, rows, counters).dump(2) << "\n";
        return 0;
    }
    std::cout << describe(state.settings) << "\n\n";
    rows.insert(rows.begin(), Row{"CHANGED", "BEFORE", "SET", "NOW"});
    print_rows(rows);
    if (counters)
        print_counters(*counters);
    return 0;
}

int report_nothing_set_up(bool json)
{
    std::cout << (json ? OrderedJson{{"set_up", false}}.dump(2) : std::string("nothing is set up")) << "\n";
    return 0;
}

} // namespace aya::backend
