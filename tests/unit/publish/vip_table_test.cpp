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
    explicit Reader(u32 entries) : vips(entries) {}

    void take(const VipTable &table, const std::vector<u32> &dirty)
    {
        for (u32 index : dirty)
            vips[index] = table.entry(index);
        settings.vip_key = table.key();
        settings.vip_mask = table.mask();
    }

    u32 find(const IpAddress &address, u16 port, u8 protocol) const
    {
        aya_view view = {};
        view.settings = &settings;
        view.vips = vips.data();
        view.vip_count = static_cast<u32>(vips.size());
        be32 words[4];
        std::memcpy(words, address.bytes.data(), sizeof(words));
        return aya_vip_search(&view, &settings, words, aya_cpu_to_be16(port), protocol);
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
    aya_settings settings = {};
};

void expect_equal(const Reader &reader, const VipTable &table, const Model &model)
{
    std::map<IpAddress, u32> addresses;
    u32 any_port = 0;
    for (const auto &[vip, service] : model) {
        ASSERT_EQ(reader.find(vip), service) << to_string(vip);
        const auto [found, added] = addresses.emplace(vip.address, service);
        found->second = std::min(found->second, service);
        any_port += vip.port == 0 ? 1 : 0;
    }
    for (const auto &[address, service] : addresses)
        ASSERT_EQ(reader.find(address, 0, AYA_PROTO_ICMP), service) << to_string(address);
    ASSERT_EQ(reader.entries_in_use(), model.size() + addresses.size());
    ASSERT_EQ(table.any_port(), any_port);
}

VipKey random_vip(std::mt19937 &random, u32 addresses)
{
    VipKey vip;
    const u32 which = static_cast<u32>(random() % addresses);
    vip.address = which % 2 ? IpAddress::v4(203, 0, static_cast<u8>(which >> 8), static_cast<u8>(which))
                            : *parse_ip_address("2001:db8::1");
    if (which % 2 == 0)
        std::memcpy(vip.address.bytes.data() + 8, &which, sizeof(which));
    vip.port = static_cast<u16>(random() % 5);
    vip.protocol = random() % 2 ? Protocol::tcp : Protocol::udp;
    return vip;
}

TEST(VipTable, FollowsRandomChangesLikeAMap)
{
    for (u32 seed = 1; seed <= 4; seed++) {
        std::mt19937 random(seed);
        VipTable table(1024, seed);
        Reader reader(1024);
        Model model;
        for (int round = 0; round < 300; round++) {
            std::vector<Change> changes;
            std::set<VipKey> touched;
            for (u64 i = random() % 20; i > 0; i--) {
                const VipKey vip = random_vip(random, 60);
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
        }
        EXPECT_FALSE(model.empty());
    }
}

// Of the presence entry of an address.
u32 flags_at(const Reader &reader, const IpAddress &address)
{
    aya_view view = {};
    view.settings = &reader.settings;
    view.vips = reader.vips.data();
    view.vip_count = static_cast<u32>(reader.vips.size());
    be32 words[4];
    std::memcpy(words, address.bytes.data(), sizeof(words));
    const aya_vip *vip = aya_vip_find(&view, &reader.settings, words, aya_cpu_to_be16(0), AYA_PROTO_ICMP);
    return vip ? vip->flags : ~0u;
}

TEST(VipTable, TellsWhichAddressesTheKernelHas)
{
    VipTable table(1024, 3);
    Reader reader(1024);
    const auto apply = [&](const std::vector<Change> &changes) {
        std::vector<u32> dirty;
        ASSERT_TRUE(table.apply(changes, dirty));
        reader.take(table, dirty);
    };
    const VipKey web = *parse_vip("203.0.113.10:80/tcp"), tls = *parse_vip("203.0.113.10:443/tcp");
    const VipKey other = *parse_vip("203.0.113.11:80/tcp");
    apply({{web, 1, true}, {tls, 2, true}, {other, 1}});
    EXPECT_EQ(flags_at(reader, web.address), AYA_VIP_LOCAL);
    EXPECT_EQ(flags_at(reader, other.address), 0u);
    apply({{web, AYA_SERVICE_NONE}});
    EXPECT_EQ(flags_at(reader, web.address), AYA_VIP_LOCAL) << "another VIP is still there";
    VipTable loaded(1024, 3);
    ASSERT_EQ(loaded.load(reader.vips, reader.settings.vip_key), "");
    EXPECT_TRUE(loaded.is_local(web.address));
    EXPECT_FALSE(loaded.is_local(other.address));
    apply({{tls, 2, false}, {other, 1, true}});
    EXPECT_EQ(flags_at(reader, web.address), 0u);
    EXPECT_EQ(flags_at(reader, other.address), AYA_VIP_LOCAL);
    EXPECT_EQ(reader.find(tls), 2u);
    apply({{tls, AYA_SERVICE_NONE}, {other, AYA_SERVICE_NONE}});
    EXPECT_EQ(reader.entries_in_use(), 0u);
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
                                  {*parse_vip("203.0.113.1:*/udp"), 4}};
        std::vector<u32> dirty;
        EXPECT_TRUE(table_.apply(changes, dirty));
        for (u32 i = 0; i < 64; i++)
            entries_.push_back(table_.entry(i));
    }

    std::string load() { return VipTable(64, 5).load(entries_, table_.key()); }

    aya_vip &find(u8 protocol)
    {
        for (auto &entry : entries_)
            if (entry.protocol == protocol)
                return entry;
        throw std::out_of_range("no entry");
    }

    VipTable table_{64, 5};
    std::vector<aya_vip> entries_;
};

TEST_F(LoadedVipTable, IsTheSameAgain)
{
    VipTable other(64, 5);
    EXPECT_EQ(other.load(entries_, table_.key()), "");
    EXPECT_EQ(other.vips(), table_.vips());
    EXPECT_EQ(other.any_port(), 1u);
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
    find(AYA_PROTO_ICMP).service = 4;
    EXPECT_NE(load(), "");
    entries_ = whole;
    find(AYA_PROTO_TCP) = {};
    find(AYA_PROTO_UDP) = {};
    EXPECT_NE(load(), "") << "an address without a VIP";
}

} // namespace
} // namespace aya
