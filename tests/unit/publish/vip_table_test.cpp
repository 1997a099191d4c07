// SPDX-License-Identifier: BSD-2-Clause
#include "publish/vip_table.hpp"

#include <cstring>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "aya/forward.h"

namespace aya
{
namespace
{

using Change = VipTable::Change;
using Model = std::map<VipKey, u32>;

// A slot that is kept up to date by what the table calls dirty, and read as data planes do.
struct Reader {
    explicit Reader(u32 entries) : vips(entries), ranges(entries) {}

    void take(const VipTable &table, const std::vector<u32> &dirty)
    {
        for (u32 index : dirty) {
            vips[index] = table.entry(index);
            ranges[index] = table.range(index);
        }
        settings = {};
        settings.vip_key = table.key();
        settings.vip_mask = table.mask();
        settings.wide = table.is_wide();
        table.write_lengths(settings);
    }

    aya_view view() const
    {
        aya_view view = {};
        view.settings = &settings;
        view.vips = vips.data();
        view.port_ranges = ranges.data();
        view.vip_count = static_cast<u32>(vips.size());
        return view;
    }

    // AYA_SERVICE_NONE, or the service that represents the address, with AYA_ADDRESS_LOCAL.
    u32 find(const IpAddress &address) const
    {
        const aya_view view = this->view();
        AYA_ALIGNED(8) be32 words[4];
        std::memcpy(words, address.bytes.data(), sizeof(words));
        return aya_find_wide(&view, words, {0}, AYA_PROTO_ICMP);
    }

    u32 find(const IpAddress &address, u16 port, u8 protocol) const
    {
        const aya_view view = this->view();
        AYA_ALIGNED(8) be32 words[4];
        std::memcpy(words, address.bytes.data(), sizeof(words));
        return aya_service_search(&view, &settings, words, aya_cpu_to_be16(port), protocol);
    }

    u32 find(const VipKey &vip) const { return find(vip.address, vip.port, static_cast<u8>(vip.protocol)); }

    size_t entries_in_use() const
    {
        size_t used = 0;
        for (const aya_vip &entry : vips)
            used += entry.protocol != 0 ? 1 : 0;
        return used;
    }

    std::vector<aya_vip> vips;
    std::vector<aya_port_range> ranges;
    aya_settings settings = {};
};

// Of all VIPs that have the packet, the narrowest one's.
u32 service_by(const Model &model, const IpAddress &address, u16 port, Protocol protocol)
{
    const VipKey *best = nullptr;
    for (const auto &[vip, service] : model)
        if (vip.protocol == protocol && vip.has(address, port) && (!best || vip.is_narrower(*best)))
            best = &vip;
    return best ? model.at(*best) : u32{AYA_SERVICE_NONE};
}

// By prefix, the service with the lowest id.
std::map<Prefix, u32> places_of(const Model &model)
{
    std::map<Prefix, u32> places;
    for (const auto &[vip, service] : model) {
        const auto [found, added] = places.emplace(vip.prefix(), service);
        found->second = std::min(found->second, service);
    }
    return places;
}

// Of the longest prefix that has the address.
u32 service_at(const std::map<Prefix, u32> &places, const IpAddress &address)
{
    for (u8 length = host_prefix(address).length; length > 0; length--)
        if (const auto place = places.find(network_of({address, length})); place != places.end())
            return place->second;
    return AYA_SERVICE_NONE;
}

void expect_equal(const Reader &reader, const VipTable &table, const Model &model)
{
    const std::map<Prefix, u32> places = places_of(model);
    u32 wide = 0;
    for (const auto &[vip, service] : model) {
        const u32 found = reader.find(vip.address, vip.port, static_cast<u8>(vip.protocol));
        wide += vip.is_exact() ? 0 : 1;
        ASSERT_EQ(found, vip.is_exact() ? service : service_by(model, vip.address, vip.port, vip.protocol))
            << to_string(vip);
        ASSERT_EQ(reader.find(vip.address), places.contains(host_prefix(vip.address))
                                                ? places.at(host_prefix(vip.address))
                                                : service_at(places, vip.address))
            << to_string(vip);
    }
    ASSERT_EQ(reader.entries_in_use(), model.size() - wide + places.size());
    ASSERT_EQ(table.is_wide(), wide != 0);
}

IpAddress random_address(std::mt19937 &random, u32 addresses)
{
    const u32 which = static_cast<u32>(random() % addresses);
    IpAddress address = which % 2 ? IpAddress::v4(203, 0, static_cast<u8>(which >> 8), static_cast<u8>(which))
                                  : *parse_ip_address("2001:db8::1");
    if (which % 2 == 0)
        std::memcpy(address.bytes.data() + 8, &which, sizeof(which));
    return address;
}

constexpr u16 kPorts = 10;

// A third exact, a third ranges of ports, a third prefixes. Ranges are binary, so that they nest.
VipKey random_vip(std::mt19937 &random, u32 addresses)
{
    VipKey vip;
    vip.address = random_address(random, addresses);
    vip.port = static_cast<u16>(random() % kPorts);
    vip.protocol = random() % 2 ? Protocol::tcp : Protocol::udp;
    if (random() % 3 == 0)
        return vip;
    if (const u16 size = static_cast<u16>(1u << random() % 3); vip.port >= size) {
        vip.port = static_cast<u16>(vip.port & ~(size - 1));
        vip.more_ports = static_cast<u16>(size - 1);
    }
    if (random() % 2 == 0) {
        constexpr u8 kHostBits[] = {1, 3, 4, 7};
        vip.host_bits = kHostBits[random() % 4];
        vip.address = network_of(vip.prefix()).address;
    }
    return vip;
}

TEST(VipTable, FollowsRandomChangesLikeAMap)
{
    for (u32 seed = 1; seed <= 4; seed++) {
        std::mt19937 random(seed);
        VipTable table(1024, seed);
        Reader reader(1024);
        Model model;
        for (int round = 0; round < 30; round++) {
            std::vector<Change> changes;
            std::set<VipKey> touched;
            for (u64 i = random() % 20; i > 0; i--) {
                const VipKey vip = random_vip(random, 24);
                if (!touched.insert(vip).second)
                    continue;
                const u32 service = random() % 3 ? static_cast<u32>(random() % 10) : u32{AYA_SERVICE_NONE};
                changes.push_back({vip, service});
                if (service == AYA_SERVICE_NONE)
                    model.erase(vip);
                else
                    model[vip] = service;
            }
            std::vector<u32> dirty;
            ASSERT_TRUE(table.apply(changes, dirty));
            reader.take(table, dirty);
            expect_equal(reader, table, model);
            const std::map<Prefix, u32> places = places_of(model);
            for (int i = 0; i < 50; i++) {
                const IpAddress address = random_address(random, 40);
                const u16 port = static_cast<u16>(random() % (kPorts + 2));
                ASSERT_EQ(reader.find(address, port, AYA_PROTO_TCP),
                          service_by(model, address, port, Protocol::tcp))
                    << to_string(address) << " " << port;
                ASSERT_EQ(reader.find(address), service_at(places, address)) << to_string(address);
            }
            VipTable loaded(1024, 9);
            ASSERT_EQ(loaded.load(reader.vips, reader.ranges, reader.settings.vip_key), "");
            ASSERT_EQ(loaded.vips(), table.vips());
        }
        EXPECT_FALSE(model.empty());
    }
}

class VipTableLocal : public testing::Test
{
protected:
    void apply(const std::vector<Change> &changes)
    {
        std::vector<u32> dirty;
        ASSERT_TRUE(table_.apply(changes, dirty));
        reader_.take(table_, dirty);
    }

    bool is_local(const char *address) const
    {
        const u32 known = reader_.find(parse_ip_address(address).value());
        return known != AYA_SERVICE_NONE && known & AYA_ADDRESS_LOCAL;
    }

    static std::vector<Prefix> prefixes(const std::vector<const char *> &texts)
    {
        std::vector<Prefix> found;
        for (const char *text : texts)
            found.push_back(parse_prefix(text).value());
        return found;
    }

    VipTable table_{1024, 3};
    Reader reader_{1024};
};

TEST_F(VipTableLocal, TellsWhichAddressesTheKernelHas)
{
    const VipKey web = *parse_vip("203.0.113.10:80/tcp"), tls = *parse_vip("203.0.113.10:443/tcp");
    const VipKey other = *parse_vip("203.0.113.11:80/tcp");
    const auto own = prefixes({"203.0.113.10"});
    apply({{web, 1, own}, {tls, 2, own}, {other, 1}});
    EXPECT_TRUE(is_local("203.0.113.10"));
    EXPECT_FALSE(is_local("203.0.113.11"));
    apply({{web, AYA_SERVICE_NONE}});
    EXPECT_TRUE(is_local("203.0.113.10")) << "another VIP is still there";
    VipTable loaded(1024, 3);
    ASSERT_EQ(loaded.load(reader_.vips, reader_.ranges, reader_.settings.vip_key), "");
    EXPECT_EQ(loaded.local_of(tls), own);
    EXPECT_TRUE(loaded.local_of(other).empty());
    apply({{tls, 2}, {other, 1, prefixes({"203.0.113.11"})}});
    EXPECT_FALSE(is_local("203.0.113.10"));
    EXPECT_TRUE(is_local("203.0.113.11"));
    EXPECT_EQ(reader_.find(tls.address, 443, AYA_PROTO_TCP), 2u);
    apply({{tls, AYA_SERVICE_NONE}, {other, AYA_SERVICE_NONE}});
    EXPECT_EQ(reader_.entries_in_use(), 0u);
}

TEST_F(VipTableLocal, TellsTheAddressesInAPrefixApart)
{
    const VipKey web = *parse_vip("203.0.113.0/28:80/tcp"), dns = *parse_vip("203.0.113.0/24:53/udp");
    const auto own = prefixes({"203.0.113.1", "203.0.113.2"});
    apply({{web, 7, own}, {dns, 3, prefixes({"203.0.113.1", "203.0.113.2", "203.0.113.200"})}});
    for (const char *address : {"203.0.113.1", "203.0.113.2", "203.0.113.200"})
        EXPECT_TRUE(is_local(address)) << address;
    for (const char *address : {"203.0.113.3", "203.0.113.201"})
        EXPECT_FALSE(is_local(address)) << address;
    VipTable loaded(1024, 3);
    ASSERT_EQ(loaded.load(reader_.vips, reader_.ranges, reader_.settings.vip_key), "");
    EXPECT_EQ(loaded.local_of(web), own);
    apply({{dns, AYA_SERVICE_NONE}, {web, 7, prefixes({"203.0.113.0/28"})}});
    EXPECT_TRUE(is_local("203.0.113.3")) << "it has all of them";
    EXPECT_EQ(reader_.find(*parse_ip_address("203.0.113.200")), u32{AYA_SERVICE_NONE});
    apply({{web, AYA_SERVICE_NONE}});
    EXPECT_EQ(reader_.entries_in_use(), 0u);
}

// The tables do not say that the prefix was local as a whole: after a restart it counts the address, too.
TEST_F(VipTableLocal, IsTheSameAgainWithALocalAddressInALocalPrefix)
{
    const VipKey wide = *parse_vip("203.0.113.0/28:*/tcp"), exact = *parse_vip("203.0.113.5:8443/tcp");
    const auto whole = prefixes({"203.0.113.0/28"}), address = prefixes({"203.0.113.5"});
    for (const auto &[wide_id, exact_id] : {std::pair(0u, 1u), std::pair(1u, 0u)}) {
        const std::vector<Change> changes = {{wide, wide_id, whole}, {exact, exact_id, address}};
        apply(changes);
        table_ = VipTable(1024, 3);
        ASSERT_EQ(table_.load(reader_.vips, reader_.ranges, reader_.settings.vip_key), "") << wide_id;
        apply(changes); // as the publisher does when it finds another local_of()
        EXPECT_EQ(table_.local_of(wide), whole);
        EXPECT_TRUE(is_local("203.0.113.5"));
        EXPECT_EQ(reader_.find(exact.address), exact_id | AYA_ADDRESS_LOCAL);
        apply({{wide, AYA_SERVICE_NONE}, {exact, AYA_SERVICE_NONE}});
        EXPECT_EQ(reader_.entries_in_use(), 0u);
    }
}

TEST(VipTable, RefusesMoreThanALookUpIsBoundedTo)
{
    VipTable table(4096, 3);
    std::vector<u32> dirty;
    std::vector<Change> changes;
    for (u8 i = 0; i < AYA_PREFIX_LENGTHS - 1; i++)
        changes.push_back({{IpAddress::v4(10, i, 0, 0), 80, Protocol::tcp, 0, static_cast<u8>(i + 1)}, 1});
    ASSERT_TRUE(table.apply(changes, dirty));
    const Change one_more{*parse_vip("10.99.0.0/16:80/tcp"), 1};
    EXPECT_FALSE(table.apply({&one_more, 1}, dirty));
    const Change other_family{*parse_vip("[2001:db8::/48]:80/tcp"), 1};
    EXPECT_TRUE(table.apply({&other_family, 1}, dirty));

    changes.clear();
    for (u16 port = 1; port <= AYA_MAX_RANGES; port++)
        changes.push_back({{IpAddress::v4(10, 0, 0, 0), static_cast<u16>(port * 2), Protocol::udp, 0, 1}, 2});
    dirty.clear();
    EXPECT_FALSE(table.apply(changes, dirty)) << "one has been there";
    EXPECT_TRUE(dirty.empty());
    changes.pop_back();
    EXPECT_TRUE(table.apply(changes, dirty));
    EXPECT_EQ(table.vips().size(), AYA_PREFIX_LENGTHS + AYA_MAX_RANGES - 1u);
}

TEST(VipTable, CanBeFilledToTheHalf)
{
    std::mt19937 random(5);
    constexpr u32 kEntries = 8192;
    VipTable table(kEntries, 99);
    Reader reader(kEntries);
    Model model;
    std::vector<Change> changes;
    for (u32 i = 0; i < kEntries / 4; i++) {
        const VipKey vip{IpAddress::v4(10, 1, static_cast<u8>(i >> 8), static_cast<u8>(i)), 443,
                         Protocol::tcp};
        changes.push_back({vip, i % 1000});
        model[vip] = i % 1000;
    }
    std::vector<u32> dirty;
    ASSERT_TRUE(table.apply(changes, dirty));
    reader.take(table, dirty);
    expect_equal(reader, table, model);

    dirty.clear();
    const Change one_more{{IpAddress::v4(10, 1, 0, 0), 444, Protocol::tcp}, 1};
    EXPECT_FALSE(table.apply({&one_more, 1}, dirty));
    EXPECT_TRUE(dirty.empty());
    expect_equal(reader, table, model);

    const Change exchange[] = {one_more,
                               {{IpAddress::v4(10, 1, 0, 0), 443, Protocol::tcp}, AYA_SERVICE_NONE}};
    EXPECT_TRUE(table.apply(exchange, dirty)) << "what goes makes room";
}

TEST(VipTable, TakesAnotherKeyWhenAProbeWouldBeTooLong)
{
    constexpr u32 kEntries = 256;
    VipTable table(kEntries, 7);
    Reader reader(kEntries);
    const aya_vip_hash_key key_before = table.key();
    Model model;
    // More VIPs with one place in the hash than a look-up walks.
    const IpAddress address = IpAddress::v4(203, 0, 113, 1);
    be32 words[4];
    std::memcpy(words, address.bytes.data(), sizeof(words));
    for (u32 port = 1; port < 65536 && model.size() < AYA_VIP_PROBES + 3; port++) {
        const u16 p = static_cast<u16>(port);
        if ((aya_vip_hash(&key_before, words, aya_cpu_to_be16(p), AYA_PROTO_TCP) & (kEntries - 1)) == 9)
            model[{address, p, Protocol::tcp}] = port % 50;
    }
    ASSERT_EQ(model.size(), AYA_VIP_PROBES + 3u);
    for (const auto &[vip, service] : model) {
        const Change change{vip, service};
        std::vector<u32> dirty;
        ASSERT_TRUE(table.apply({&change, 1}, dirty));
        reader.take(table, dirty);
    }
    EXPECT_NE(std::memcmp(&key_before, &table.key(), sizeof(key_before)), 0);
    expect_equal(reader, table, model);
}

TEST(VipTable, ChangesFewEntriesForOneVip)
{
    VipTable table(65536, 1);
    std::vector<Change> changes;
    for (u32 i = 0; i < 8000; i++)
        changes.push_back(
            {{IpAddress::v4(10, 2, static_cast<u8>(i >> 8), static_cast<u8>(i)), 80, Protocol::tcp}, 1});
    std::vector<u32> dirty;
    ASSERT_TRUE(table.apply(changes, dirty));
    dirty.clear();
    const Change one{{IpAddress::v4(192, 0, 2, 1), 80, Protocol::tcp}, 2};
    ASSERT_TRUE(table.apply({&one, 1}, dirty));
    EXPECT_LE(dirty.size(), 2u * AYA_VIP_PROBES);
}

class LoadedVipTable : public testing::Test
{
protected:
    LoadedVipTable()
    {
        const Change changes[] = {{*parse_vip("203.0.113.1:443/tcp"), 3},
                                  {*parse_vip("203.0.113.1:*/udp"), 4},
                                  {*parse_vip("203.0.113.1:53/udp"), 5},
                                  {*parse_vip("203.0.113.0/28:80-90/tcp"), 6}};
        std::vector<u32> dirty;
        EXPECT_TRUE(table_.apply(changes, dirty));
        for (u32 i = 0; i < 64; i++) {
            entries_.push_back(table_.entry(i));
            ranges_.push_back(table_.range(i));
        }
    }

    std::string load() { return VipTable(64, 5).load(entries_, ranges_, table_.key()); }

    aya_vip &find(u8 protocol)
    {
        for (auto &entry : entries_)
            if (entry.protocol == protocol)
                return entry;
        throw std::out_of_range("no entry");
    }

    VipTable table_{64, 5};
    std::vector<aya_vip> entries_;
    std::vector<aya_port_range> ranges_;
};

TEST_F(LoadedVipTable, IsTheSameAgain)
{
    VipTable other(64, 5);
    EXPECT_EQ(other.load(entries_, ranges_, table_.key()), "");
    EXPECT_EQ(other.vips(), table_.vips());
    EXPECT_TRUE(other.is_wide());
}

TEST_F(LoadedVipTable, RefusesDamage)
{
    const auto whole = entries_;
    find(AYA_PROTO_TCP).port.raw ^= 0xff;
    EXPECT_NE(load(), "");
    entries_ = whole;
    find(AYA_PROTO_UDP).protocol = 99;
    EXPECT_NE(load(), "");
    entries_ = whole;
    find(AYA_PROTO_ICMP) = {};
    EXPECT_NE(load(), "");
    entries_ = whole;
    find(AYA_PROTO_ICMP).service = 9;
    EXPECT_NE(load(), "");
    entries_ = whole;
    find(AYA_PROTO_ICMP).range_count = 60;
    find(AYA_PROTO_ICMP).range_offset = 60;
    EXPECT_NE(load(), "") << "ranges outside the table";
    entries_ = whole;
    for (aya_vip &entry : entries_)
        if (entry.protocol == AYA_PROTO_ICMP)
            entry.range_count = 0;
    find(AYA_PROTO_TCP) = {};
    find(AYA_PROTO_UDP) = {};
    EXPECT_NE(load(), "") << "an address without a VIP";
}

TEST_F(LoadedVipTable, RefusesDamagedRanges)
{
    const auto whole = ranges_;
    for (u32 i = 0; i < 2; i++) {
        ranges_[i].protocol = 99;
        EXPECT_NE(load(), "");
        ranges_ = whole;
        ranges_[i].last = 0;
        EXPECT_NE(load(), "");
        ranges_ = whole;
        ranges_[i].around ^= 3;
        EXPECT_NE(load(), "");
        ranges_ = whole;
    }
    std::swap(ranges_[0], ranges_[1]);
    EXPECT_NE(load(), "");
}

} // namespace
} // namespace aya
