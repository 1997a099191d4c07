// SPDX-License-Identifier: BSD-2-Clause
//
// Parts of the data plane that need no port: EAL arguments, options, flow tables in files, the read side of
// tables.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "aya/forward.h"
#include "eal.hpp"
#include "flow_store.hpp"
#include "options.hpp"
#include "rss_key.hpp"
#include "segment_writer.hpp"
#include "table_builder.hpp"
#include "tables_view.hpp"

using namespace aya;

namespace
{

class Directory
{
public:
    Directory()
    {
        std::string pattern = std::filesystem::temp_directory_path() / "aya-parts-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    std::string file(const std::string &name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

// EAL arguments

bool has(const std::vector<std::string> &arguments, const std::string &option, const std::string &value)
{
    for (std::size_t i = 0; i + 1 < arguments.size(); i++) {
        if (arguments[i] == option && arguments[i + 1] == value)
            return true;
    }
    return false;
}

bool has(const std::vector<std::string> &arguments, const std::string &option)
{
    return std::find(arguments.begin(), arguments.end(), option) != arguments.end();
}

DataplaneConfig options_with(std::vector<u32> workers)
{
    DataplaneConfig options;
    options.workers = std::move(workers);
    options.ports.push_back({.device = "net_null0", .punt = {}, .queues = {}, .mtu = {}, .mac = {}});
    return options;
}

TEST(EalArguments, the_main_lcore_takes_the_lowest_core_that_no_worker_has)
{
    const auto arguments = eal_arguments(options_with({0, 2}), "x", {0, 1, 2, 3});
    EXPECT_TRUE(has(arguments, "--lcores", "1@1,0@0,2@2"));
    EXPECT_TRUE(has(arguments, "--main-lcore", "1"));
}

TEST(EalArguments, the_main_lcore_shares_the_first_core_where_all_are_workers)
{
    const auto arguments = eal_arguments(options_with({0, 1}), "x", {0, 1});
    EXPECT_TRUE(has(arguments, "--lcores", "2@0,0@0,1@1"));
    EXPECT_TRUE(has(arguments, "--main-lcore", "2"));
}

TEST(EalArguments, the_main_lcore_may_be_chosen)
{
    DataplaneConfig options = options_with({1});
    options.main_lcore = 3;
    EXPECT_TRUE(has(eal_arguments(options, "x", {0, 1, 2, 3}), "--lcores", "3@3,1@1"));
}

TEST(EalArguments, only_the_pci_devices_of_the_configuration_are_taken)
{
    DataplaneConfig options = options_with({1});
    EXPECT_TRUE(has(eal_arguments(options, "x", {0, 1}), "--no-pci"));
    options.ports[0].device = "0000:3b:00.0";
    const auto arguments = eal_arguments(options, "x", {0, 1});
    EXPECT_TRUE(has(arguments, "-a", "0000:3b:00.0"));
    EXPECT_FALSE(has(arguments, "--no-pci"));
}

TEST(EalArguments, memory_and_further_arguments_are_passed_on)
{
    DataplaneConfig options = options_with({1});
    options.memory = u64{256} << 20;
    options.huge_pages = false;
    options.eal = {"--log-level=pmd:8"};
    const auto arguments = eal_arguments(options, "blue", {0, 1});
    EXPECT_TRUE(has(arguments, "-m", "256"));
    EXPECT_TRUE(has(arguments, "--no-huge"));
    EXPECT_TRUE(has(arguments, "--file-prefix", "aya-blue"));
    EXPECT_EQ(arguments.back(), "--log-level=pmd:8");
}

TEST(EalArguments, what_is_a_pci_address)
{
    for (const char *address : {"0000:3b:00.0", "3b:00.1", "0000:3b:00.0,representor=0"})
        EXPECT_TRUE(is_pci_address(address)) << address;
    for (const char *other : {"net_null0", "eth0", "0000:3b:00", "3b:00.9", ""})
        EXPECT_FALSE(is_pci_address(other)) << other;
}

// The key of receive-side scaling

constexpr Seed kSeed = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

TEST(RssKey, is_the_same_after_every_restart_and_upgrade)
{
    const std::vector<u8> start = {0x18, 0x2c, 0x3b, 0x0e, 0x27, 0xda, 0xda, 0x53};
    const std::vector<u8> key = rss_key(kSeed, 40);
    EXPECT_EQ(std::vector<u8>(key.begin(), key.begin() + 8), start);
    EXPECT_EQ(rss_key(kSeed, 40), key);
}

TEST(RssKey, is_as_long_as_the_device_has_it)
{
    const std::vector<u8> longer = rss_key(kSeed, 52); // ice, i40e
    const std::vector<u8> shorter = rss_key(kSeed, 37);
    EXPECT_EQ(longer.size(), 52u);
    EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
    EXPECT_GT(std::count_if(longer.begin(), longer.end(), [](u8 byte) { return byte != 0; }), 45);
}

TEST(RssKey, is_another_one_for_every_seed)
{
    Seed other = kSeed;
    other[15] ^= 1;
    EXPECT_NE(rss_key(other, 40), rss_key(kSeed, 40));
    other = kSeed;
    other[0] ^= 1;
    EXPECT_NE(rss_key(other, 40), rss_key(kSeed, 40));
}

TEST(RssKey, has_the_seed_of_the_configuration)
{
    const std::string section = R"("dataplane": {"workers": [1], "ports": [{"device": "net_null0"}]}})";
    EXPECT_EQ(parse_seed(R"({"seed": "000102030405060708090a0b0c0d0e0f", )" + section), kSeed);
    EXPECT_EQ(parse_seed("{" + section), std::nullopt);
    EXPECT_EQ(parse_seed(R"({"seed": 7, )" + section), std::nullopt) << "the control plane refuses it";
    EXPECT_EQ(parse_seed("{"), std::nullopt);
}

// Flow tables

constexpr u32 kSets = 64;
constexpr u64 kNow = 1'000'000; // ticks

class FlowFile : public ::testing::Test
{
protected:
    FlowStore open(u64 now = kNow, u32 queues = 1, u32 sets = kSets)
    {
        return FlowStore(directory_.file("flows-0-0"), sets, queues, now, 16);
    }

    static void remember(FlowStore &store, u64 hash, u64 expires)
    {
        aya_flow_write(&store.sets()[aya_flow_set_index(hash, store.set_mask())].way[0], hash, 7, 3, 1,
                       AYA_FLOW_ESTABLISHED, static_cast<u16>(expires));
    }

private:
    Directory directory_;
};

TEST_F(FlowFile, flows_are_there_again_after_a_restart)
{
    {
        FlowStore store = open();
        EXPECT_EQ(store.taken_up(), 0u);
        store.bind(99);
        remember(store, 0x1234'0000'0005, kNow + 900);
    }
    FlowStore store = open(kNow + 10);
    EXPECT_EQ(store.taken_up(), 1u);
    store.bind(99);
    aya_flow_set *set = &store.sets()[5];
    ASSERT_NE(aya_flow_locate(set, 0x1234'0000'0005, 7), nullptr);
}

TEST_F(FlowFile, flows_that_expired_meanwhile_are_gone)
{
    {
        FlowStore store = open();
        remember(store, 5, kNow + 20);
        remember(store, 6, kNow + 900);
    }
    EXPECT_EQ(open(kNow + 30).taken_up(), 1u);
}

// Ticks are compared modulo 2^16: after as long as this, an old entry would look alive again.
TEST_F(FlowFile, a_table_that_nobody_swept_for_long_is_forgotten)
{
    {
        FlowStore store = open();
        remember(store, 5, kNow + 900);
    }
    EXPECT_EQ(open(kNow + 65536).taken_up(), 0u);
}

// Neither does an entry that had expired before, and that sweeps leave in place for a while.
TEST_F(FlowFile, an_entry_that_expired_never_looks_alive_after_a_restart)
{
    for (u64 away = 1000; away < 65536; away += 1000) {
        {
            FlowStore store = open();
            remember(store, 5, kNow - AYA_FLOW_KEEP + 1);
        }
        EXPECT_EQ(open(kNow + away).taken_up(), 0u) << away << " ticks later";
    }
}

TEST_F(FlowFile, a_clock_that_went_back_is_another_boot)
{
    {
        FlowStore store = open();
        remember(store, 5, kNow + 900);
    }
    EXPECT_EQ(open(kNow - 100).taken_up(), 0u);
}

TEST_F(FlowFile, another_shape_is_another_table)
{
    for (const auto &[queues, sets] : {std::pair{2u, kSets}, std::pair{1u, 2 * kSets}}) {
        {
            FlowStore store = open();
            remember(store, 5, kNow + 900);
        }
        EXPECT_EQ(open(kNow, queues, sets).taken_up(), 0u);
    }
}

TEST_F(FlowFile, ids_of_other_tables_mean_something_else)
{
    FlowStore store = open();
    store.bind(99);
    remember(store, 5, kNow + 900);
    store.bind(99);
    EXPECT_NE(store.sets()[5].way[0].state, AYA_FLOW_FREE);
    store.bind(100);
    EXPECT_EQ(store.sets()[5].way[0].state, AYA_FLOW_FREE);
}

// Tables

constexpr Capacities kCapacities{.services = 32, .backends = 256, .vips = 256, .lookup_slots = 1 << 19};

// Every entry of a generation carries its number, so that a mixture shows.
std::unique_ptr<test::Tables> tables_of(u16 number)
{
    auto tables = std::make_unique<test::Tables>();
    for (u32 i = 0; i < 256; i++)
        tables->backend(i).incarnation = number;
    for (u32 i = 0; i < 16; i++)
        tables->service(i).flags = number;
    return tables;
}

bool is_whole(const aya_view &view)
{
    const u16 number = view.backends[0].incarnation;
    for (u32 i = 0; i < 256; i++) {
        if (__atomic_load_n(&view.backends[i].incarnation, __ATOMIC_RELAXED) != number)
            return false;
    }
    for (u32 i = 0; i < 16; i++) {
        if (__atomic_load_n(&view.services[i].flags, __ATOMIC_RELAXED) != number)
            return false;
    }
    return true;
}

TEST(TablesView, without_a_file_there_is_no_vip)
{
    const Directory directory;
    TablesView view(directory.file("tables"));
    std::atomic<u64> epoch{7};
    TablesCursor cursor(view.current(), epoch);
    EXPECT_TRUE(cursor.outdated());
    EXPECT_EQ(cursor.join(), 0u);
    EXPECT_FALSE(cursor.outdated());
    aya_packet packet{};
    packet.flow.family = AYA_IPV4;
    packet.flow.protocol = AYA_PROTO_TCP;
    u16 service = 0;
    EXPECT_EQ(aya_classify(&cursor.enter(), &packet, &service), AYA_REASON_PUNT_NO_VIP);
}

TEST(TablesView, a_file_of_another_version_is_refused_at_start_and_survived_later)
{
    const Directory directory;
    TablesView late(directory.file("tables"));
    test::SegmentWriter writer(directory.file("tables"), kCapacities);
    writer.header().abi_version = 99;
    EXPECT_THROW(TablesView(directory.file("tables")), SegmentError);
    EXPECT_FALSE(late.find());
    EXPECT_EQ(late.identity(), 0u);
    writer.header().abi_version = AYA_ABI_VERSION;
    EXPECT_TRUE(late.find());
}

TEST(TablesView, a_reader_that_slept_through_two_generations_finds_out)
{
    const Directory directory;
    test::SegmentWriter writer(directory.file("tables"), kCapacities);
    writer.publish(*tables_of(1)->view());
    TablesView view(directory.file("tables"));
    std::atomic<u64> epoch{0};
    TablesCursor cursor(view.current(), epoch);
    cursor.join();
    cursor.enter();
    EXPECT_FALSE(cursor.overtaken());
    writer.publish(*tables_of(2)->view()); // into the other slot
    EXPECT_FALSE(cursor.overtaken());
    writer.publish(*tables_of(3)->view()); // it is given up for dead
    EXPECT_TRUE(cursor.overtaken());
    cursor.leave();
    cursor.enter();
    EXPECT_FALSE(cursor.overtaken());
}

// A publisher that keeps the rule of aya/shm.hpp against a reader that keeps moving, and a file that is
// replaced under its feet again and again.
TEST(TablesView, no_reader_sees_half_a_generation)
{
    const Directory directory;
    auto writer = std::make_unique<test::SegmentWriter>(directory.file("tables"), kCapacities);
    writer->publish(*tables_of(1)->view());
    TablesView view(directory.file("tables"));
    std::atomic<u64> epoch{0};
    TablesCursor cursor(view.current(), epoch);
    std::atomic<bool> stop{false}, joined{false};
    std::atomic<u64> bursts{0}, halves{0}, joins{0};
    std::thread reader([&] {
        while (!stop.load()) {
            if (cursor.outdated()) {
                cursor.join();
                joins++;
                joined = true;
            }
            halves += !is_whole(cursor.enter());
            cursor.leave();
            bursts++;
        }
    });
    while (!joined)
        std::this_thread::yield();
    u64 flips = 0;
    for (u32 file = 0; file < 10; file++) {
        for (u32 i = 0; i < 30; i++, flips++) {
            const u64 generation = writer->publish(*tables_of(static_cast<u16>(flips % 60000 + 2))->view());
            std::atomic_thread_fence(std::memory_order_seq_cst);
            while (epoch.load() != generation)
                std::this_thread::yield();
        }
        writer = std::make_unique<test::SegmentWriter>(directory.file("tables"), kCapacities);
        writer->publish(*tables_of(1)->view());
        ASSERT_TRUE(view.find());
        view.publish();
        while (cursor.adopted() != view.current().load())
            std::this_thread::yield();
        view.reclaim({&cursor});
    }
    stop = true;
    reader.join();
    EXPECT_EQ(halves.load(), 0u);
    EXPECT_EQ(joins.load(), 11u);
    EXPECT_GT(bursts.load(), flips);
}

} // namespace
