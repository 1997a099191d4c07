// SPDX-License-Identifier: BSD-2-Clause
//
// Sets of sources as the packet path reads them, held against the definition: the longest prefix decides.
#include "model/source_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "aya/source_set.h"

namespace aya::test::source_set_test
{
namespace
{

std::vector<Prefix> prefixes(std::initializer_list<const char *> texts)
{
    std::vector<Prefix> all;
    for (const char *text : texts)
        all.push_back(*parse_prefix(text));
    return all;
}

// The lists "allow" and "deny", a service that names them, and their set in an arena.
class Lists
{
public:
    Lists(std::vector<Prefix> allow, std::vector<Prefix> deny)
    {
        if (!allow.empty())
            service_.allow = {"allow"};
        if (!deny.empty())
            service_.deny = {"deny"};
        lists_ = {{"allow", std::move(allow), {}, {}}, {"deny", {}, "/a/file", std::move(deny)}};
        SourceSets sets;
        sets.set_lists(lists_);
        arena_.insert(arena_.end(), 16, ~0u); // so that line 0 is not the first of the set
        if (const SourceSet set = sets.of(service_))
            arena_.insert(arena_.end(), set->begin(), set->end());
        view_.lookup = arena_.data();
        view_.lookup_count = static_cast<u32>(arena_.size());
    }

    bool refuses(const IpAddress &client) const
    {
        be32 words[4];
        std::memcpy(words, client.bytes.data(), sizeof(words));
        return aya_set_refuses(&view_, 1, client.is_v4() ? AYA_IPV4 : AYA_IPV6, words) != 0;
    }
    bool refuses(const char *client) const { return refuses(*parse_ip_address(client)); }

    bool should_refuse(const IpAddress &client) const { return find_rule(lists_, service_, client).refuses; }

    const aya_source_set &header() const
    {
        return *reinterpret_cast<const aya_source_set *>(arena_.data() + 16);
    }

private:
    std::vector<SourceList> lists_;
    ServiceConfig service_;
    std::vector<u32> arena_;
    aya_view view_{};
};

TEST(SourceSet, DenyRefusesItsOwnAlone)
{
    const Lists lists({}, prefixes({"198.51.100.0/24", "2001:db8:bad::/48"}));
    for (const char *client : {"198.51.100.0", "198.51.100.255", "2001:db8:bad::", "2001:db8:bad:ffff::1"})
        EXPECT_TRUE(lists.refuses(client)) << client;
    for (const char *client :
         {"198.51.99.255", "198.51.101.0", "1.2.3.4", "2001:db8:bac:ffff::", "2001:db8:bae::"})
        EXPECT_FALSE(lists.refuses(client)) << client;
}

TEST(SourceSet, AllowRefusesAllOthersInBothFamilies)
{
    const Lists lists(prefixes({"10.0.0.0/8"}), {});
    EXPECT_FALSE(lists.refuses("10.255.255.255"));
    for (const char *client : {"9.255.255.255", "11.0.0.0", "1.0.0.0", "223.255.255.255", "2001:db8::1"})
        EXPECT_TRUE(lists.refuses(client)) << client;
}

TEST(SourceSet, TheLongestPrefixDecides)
{
    const Lists lists(prefixes({"0.0.0.0/0", "10.1.0.0/16", "10.1.2.3"}),
                      prefixes({"10.0.0.0/8", "10.1.2.0/24"}));
    for (const char *client : {"9.9.9.9", "10.1.0.0", "10.1.255.255", "10.1.2.3", "11.0.0.0"})
        EXPECT_FALSE(lists.refuses(client)) << client;
    for (const char *client : {"10.0.0.0", "10.1.2.2", "10.1.2.4", "10.2.0.0", "10.255.255.255"})
        EXPECT_TRUE(lists.refuses(client)) << client;
}

TEST(SourceSet, OfTwoEqualPrefixesDenyWins)
{
    const Lists lists(prefixes({"10.0.0.0/8", "0.0.0.0/0"}), prefixes({"10.0.0.0/8"}));
    EXPECT_TRUE(lists.refuses("10.0.0.1"));
    EXPECT_FALSE(lists.refuses("11.0.0.1"));
}

TEST(SourceSet, MayRefuseEverybody)
{
    const Lists lists({}, prefixes({"0.0.0.0/0", "::/0"}));
    for (const char *client : {"1.0.0.0", "223.255.255.255", "::", "2001:db8::1"})
        EXPECT_TRUE(lists.refuses(client)) << client;
}

TEST(SourceSet, IsMadeOnceForEqualLists)
{
    SourceSets sets;
    const std::vector<SourceList> lists = {{"bad", prefixes({"10.0.0.0/8"}), {}, {}}};
    sets.set_lists(lists);
    ServiceConfig web, dns;
    EXPECT_EQ(sets.of(web), nullptr);
    web.deny = dns.deny = {"bad"};
    const SourceSet made = sets.of(web);
    EXPECT_EQ(sets.of(dns), made);
    sets.set_lists(lists);
    EXPECT_EQ(sets.of(web), made);
    dns.allow = {"bad"};
    EXPECT_NE(sets.of(dns), made);
    sets.set_lists({{"bad", prefixes({"11.0.0.0/8"}), {}, {}}});
    EXPECT_NE(*sets.of(web), *made);
}

// Whoever may change services must not fill the memory by naming lists in all ways.
TEST(SourceSet, IsForgottenWhenNobodyHasIt)
{
    SourceSets sets;
    sets.set_lists({{"a", prefixes({"10.0.0.0/8"}), {}, {}}, {"b", prefixes({"11.0.0.0/8"}), {}, {}}});
    ServiceConfig web;
    SourceSet in_use;
    for (int round = 0; round < 3; round++)
        for (const auto &names : {std::vector<std::string>{"a"}, {"b"}, {"a", "b"}, {"b", "a"}}) {
            web.deny = names;
            in_use = sets.of(web);
            EXPECT_EQ(sets.of(web), in_use);
            EXPECT_LE(sets.size(), 2U) << "that in use, and the one before";
        }
}

class Random
{
public:
    u32 below(u32 limit) { return static_cast<u32>(random_() % limit); }

    // Few different bits, so that prefixes lie in each other and touch.
    IpAddress address(bool v4)
    {
        IpAddress made = v4 ? IpAddress::v4(0, 0, 0, 0) : IpAddress{};
        for (size_t i = v4 ? 12 : 0; i < 16; i++)
            if (below(3) == 0)
                made.bytes[i] = static_cast<u8>(below(2) ? 0xff : 1u << below(8));
        return made;
    }

    Prefix prefix()
    {
        const bool v4 = below(2) != 0;
        return network_of({address(v4), static_cast<u8>(below(v4 ? 33 : 129))});
    }

private:
    std::mt19937_64 random_{20261128};
};

IpAddress neighbour(IpAddress address, int step)
{
    for (size_t i = 16; i-- > 0;) {
        address.bytes[i] = static_cast<u8>(address.bytes[i] + step);
        if (address.bytes[i] != (step > 0 ? 0 : 0xff))
            break;
    }
    return address;
}

// No client has the last address of a family, and the tree need not know it.
bool is_last(const IpAddress &address)
{
    const size_t first = address.is_v4() ? 12 : 0;
    return std::all_of(address.bytes.begin() + static_cast<long>(first), address.bytes.end(),
                       [](u8 byte) { return byte == 0xff; });
}

TEST(SourceSet, AgreesWithItsDefinition)
{
    Random random;
    for (int round = 0; round < 300; round++) {
        std::vector<Prefix> allow, deny;
        for (u32 count = random.below(random.below(10) ? 12 : 400); count > 0; count--)
            (random.below(2) ? allow : deny).push_back(random.prefix());
        const Lists lists(allow, deny);
        if (allow.empty() && deny.empty())
            continue;
        std::vector<IpAddress> clients;
        for (int i = 0; i < 20; i++)
            clients.push_back(random.address(random.below(2) != 0));
        for (const auto *part : {&allow, &deny})
            for (const Prefix &prefix : *part)
                for (int step : {-1, 0, 1})
                    clients.push_back(neighbour(prefix.address, step));
        for (const IpAddress &client : clients) {
            if (!is_last(client)) {
                ASSERT_EQ(lists.refuses(client), lists.should_refuse(client))
                    << to_string(client) << ", round " << round;
            }
        }
    }
}

TEST(SourceSet, OfManyPrefixesHasFewLayers)
{
    std::vector<Prefix> deny;
    for (u32 i = 0; i < kMostPrefixesOfAService; i++) { // every second address: no two of them join
        const u32 low = 2 * i;
        Prefix v6{*parse_ip_address("2001:db8::"), 128};
        for (size_t byte = 0; byte < 4; byte++)
            v6.address.bytes[15 - byte] = static_cast<u8>(low >> 8 * byte);
        deny.push_back(v6);
        deny.push_back(
            {IpAddress::v4(10, static_cast<u8>(low >> 16), static_cast<u8>(low >> 8), static_cast<u8>(low)),
             32});
    }
    const Lists lists({}, deny);
    EXPECT_NE(lists.header().ipv4[AYA_SOURCES_IPV4_LAYERS - 1], 0u);
    EXPECT_NE(lists.header().ipv6[AYA_SOURCES_IPV6_LAYERS - 1], 0u);
    for (size_t i = 0; i < deny.size(); i += 9973) {
        EXPECT_TRUE(lists.refuses(deny[i].address));
        EXPECT_FALSE(lists.refuses(neighbour(deny[i].address, 1)));
    }
    EXPECT_TRUE(lists.refuses(deny.back().address));
}

TEST(SourceSet, ThatIsDamagedRefusesNobodyAndReadsNothingElse)
{
    std::vector<u32> arena(16, ~0u);
    aya_view view{};
    view.lookup = arena.data();
    view.lookup_count = 16;
    const be32 client[4] = {{1}, {2}, {3}, {4}};
    for (u32 first : {0u, 1u, ~0u})
        for (u8 family : {u8{AYA_IPV4}, u8{AYA_IPV6}})
            EXPECT_FALSE(aya_set_refuses(&view, first, family, client));
}

} // namespace
} // namespace aya::test::source_set_test
