// SPDX-License-Identifier: BSD-2-Clause
#include "model/source_set.hpp"

#include <algorithm>
#include <cstring>

#include "aya/tables.h"

namespace aya
{

namespace
{

constexpr size_t kWordsPerLine = sizeof(aya_lookup_line) / sizeof(u32);

// What an IPv4 address begins with: ::ffff:0:0/96.
constexpr size_t kMappedBits = 96;

struct Rule {
    IpAddress first, last;
    bool refuses = false;
};

struct Range {
    IpAddress start; // it goes on to the start of the next
    bool refused = false;
};

// The one after; the address after the last of all is the first.
IpAddress next(IpAddress address)
{
    for (size_t i = address.bytes.size(); i-- > 0 && ++address.bytes[i] == 0;)
        ;
    return address;
}

Prefix whole(bool v4)
{
    return {v4 ? IpAddress::v4(0, 0, 0, 0) : IpAddress{}, 0};
}

void add_rules(std::vector<Rule> &rules, const std::vector<Prefix> &prefixes, bool v4, bool refuses)
{
    for (const Prefix &prefix : prefixes)
        if (prefix.address.is_v4() == v4)
            rules.push_back({prefix.address, last_of(prefix), refuses});
}

// Ranges that are in turn let in and refused, from the family's first address on.
class Ranges
{
public:
    Ranges(bool v4, bool refuses_others) : refuses_others_(refuses_others), last_(last_of(whole(v4)))
    {
        ranges_.push_back({whole(v4).address, refuses_others});
    }

    // Rules come in the order of their first addresses; those inside of others after them.
    void add(const Rule &rule)
    {
        close_before(&rule.first);
        begin(rule.first, rule.refuses);
        open_.push_back(&rule);
    }

    std::vector<Range> finish() &&
    {
        close_before(nullptr);
        return std::move(ranges_);
    }

private:
    // Ends the rules that do not reach `address`; nullptr: all of them.
    void close_before(const IpAddress *address)
    {
        while (!open_.empty() && (address == nullptr || open_.back()->last < *address)) {
            const IpAddress last = open_.back()->last;
            open_.pop_back();
            if (last != last_)
                begin(next(last), open_.empty() ? refuses_others_ : open_.back()->refuses);
        }
    }

    void begin(const IpAddress &start, bool refused)
    {
        if (ranges_.back().start == start)
            ranges_.pop_back();
        if (ranges_.empty() || ranges_.back().refused != refused)
            ranges_.push_back({start, refused});
    }

    bool refuses_others_;
    IpAddress last_; // of the family
    std::vector<Range> ranges_;
    std::vector<const Rule *> open_; // each inside of the one before
};

std::vector<Range> ranges_of(const std::vector<Prefix> &allow, const std::vector<Prefix> &deny, bool v4,
                             bool refuses_others)
{
    std::vector<Rule> rules;
    add_rules(rules, allow, v4, false);
    add_rules(rules, deny, v4, true);
    // Wider ones first, so that what is inside of them comes after; of equal ones the refusal last.
    std::sort(rules.begin(), rules.end(), [](const Rule &a, const Rule &b) {
        if (a.first != b.first)
            return a.first < b.first;
        return a.last != b.last ? b.last < a.last : a.refuses < b.refuses;
    });
    Ranges ranges(v4, refuses_others);
    for (const Rule &rule : rules)
        ranges.add(rule);
    return std::move(ranges).finish();
}

using Words = std::vector<u32>;

void append_key(Words &words, const IpAddress &address)
{
    const size_t first = address.is_v4() ? kMappedBits / 32 : 0;
    for (size_t i = first; i < 4; i++) {
        be32 word;
        std::memcpy(&word, address.bytes.data() + 4 * i, sizeof(word));
        words.push_back(aya_be32_to_cpu(word));
    }
}

// The starts of the ranges: the second, the fourth and so on begin refused ones.
Words leaves_of(const std::vector<Range> &ranges)
{
    Words words;
    if (ranges.front().refused) // an empty range that is let in
        append_key(words, ranges.front().start);
    for (const Range &range : ranges)
        append_key(words, range.start);
    return words;
}

void pad_line(Words &words)
{
    words.resize((words.size() + kWordsPerLine - 1) / kWordsPerLine * kWordsPerLine, ~0u);
}

// From the leaves up to the root, each layer has the first key of every line of the one below.
std::vector<Words> layers_of(Words leaves, size_t words_per_key)
{
    pad_line(leaves);
    std::vector<Words> layers{std::move(leaves)};
    while (layers.back().size() > kWordsPerLine) {
        Words above;
        for (size_t line = 0; line < layers.back().size(); line += kWordsPerLine)
            for (size_t i = 0; i < words_per_key; i++)
                above.push_back(layers.back()[line + i]);
        pad_line(above);
        layers.push_back(std::move(above));
    }
    return layers;
}

// Root first, behind what the set has already; `begins`: where the header says where each layer begins.
void append_layers(Words &set, const std::vector<Words> &layers, u32 *begins)
{
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
        *begins++ = static_cast<u32>(set.size() / kWordsPerLine);
        set.insert(set.end(), layer->begin(), layer->end());
    }
}

} // namespace

std::vector<u32> build_source_set(const std::vector<Prefix> &allow, const std::vector<Prefix> &deny,
                                  bool refuses_others)
{
    Words set(kWordsPerLine);
    aya_source_set header{};
    append_layers(set, layers_of(leaves_of(ranges_of(allow, deny, true, refuses_others)), 1), header.ipv4);
    append_layers(set, layers_of(leaves_of(ranges_of(allow, deny, false, refuses_others)), 4), header.ipv6);
    header.lines = static_cast<u32>(set.size() / kWordsPerLine);
    std::memcpy(set.data(), &header, sizeof(header));
    return set;
}

SourceRule find_rule(const std::vector<SourceList> &lists, const ServiceConfig &service,
                     const IpAddress &client)
{
    SourceRule rule{.list = nullptr, .prefix = {}, .refuses = !service.allow.empty()};
    const auto look_into = [&](const std::string &name, bool refuses) {
        const SourceList *list = find_list(lists, name);
        if (list == nullptr)
            return;
        for (const auto *part : {&list->prefixes, &list->of_file})
            for (const Prefix &prefix : *part)
                if (network_of({client, prefix.length}).address == prefix.address &&
                    client.is_v4() == prefix.address.is_v4() &&
                    (rule.list == nullptr || prefix.length > rule.prefix.length ||
                     (prefix.length == rule.prefix.length && refuses)))
                    rule = {list, prefix, refuses};
    };
    for (const std::string &name : service.allow)
        look_into(name, false);
    for (const std::string &name : service.deny)
        look_into(name, true);
    return rule;
}

void SourceSets::set_lists(const std::vector<SourceList> &lists)
{
    if (lists == lists_)
        return;
    lists_ = lists;
    made_.clear();
}

SourceSet SourceSets::of(const ServiceConfig &service)
{
    if (service.allow.empty() && service.deny.empty())
        return nullptr;
    const std::pair names(service.allow, service.deny);
    if (const auto known = made_.find(names); known != made_.end())
        if (SourceSet set = known->second.lock())
            return set;
    std::erase_if(made_, [](const auto &item) { return item.second.expired(); });
    auto set = std::make_shared<const Words>(
        build_source_set(prefixes_of(service.allow), prefixes_of(service.deny), !service.allow.empty()));
    made_[names] = set;
    return set;
}

std::vector<Prefix> SourceSets::prefixes_of(const std::vector<std::string> &names) const
{
    std::vector<Prefix> all;
    for (const std::string &name : names)
        if (const SourceList *list = find_list(lists_, name))
            for (const auto *part : {&list->prefixes, &list->of_file})
                all.insert(all.end(), part->begin(), part->end());
    return all;
}

} // namespace aya
