// SPDX-License-Identifier: BSD-2-Clause
// The XDP path as the control plane holds it: tables that are taken up again, ports that stay attached,
// counters, and the sweep. On a veth pair, without traffic; tests/e2e has that.
#include <cstdlib>
#include <filesystem>
#include <sched.h>
#include <sys/mount.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "common/clock.hpp"
#include "common/stations.hpp"
#include "images.hpp"
#include "paths/xdp_path.hpp"
#include "publish/bpf_sink.hpp"

namespace aya::test
{

std::string pin_root;

namespace
{

using namespace std::chrono_literals;

constexpr Capacities kCapacities{.services = 8, .backends = 32, .vips = 64, .lookup_slots = 1024};
constexpr const char *kNoDataplane = "/nonexistent"; // the segment of a process that reads the same tables
constexpr u32 kFlows = 1024;
constexpr u32 kSets = kFlows / 2;

void command(const std::string &line)
{
    ASSERT_EQ(std::system((line + " >&2").c_str()), 0) << line;
}

// A port and its peer, which leaves VLAN tags in the frames.
void add_pair(const std::string &number)
{
    command("ip link add port" + number + " type veth peer name peer" + number);
    command("ethtool -K peer" + number + " txvlan off tx-vlan-stag-hw-insert off");
}

template <class Condition>
bool comes_true(Condition condition)
{
    for (int i = 0; i < 2000 && !condition(); i++)
        std::this_thread::sleep_for(5ms);
    return condition();
}

class XdpPathTest : public testing::Test
{
protected:
    void SetUp() override
    {
        add_pair("0");
        add_pair("1");
        for (const char *name : {"port0", "port1", "peer0", "peer1"})
            command(std::string("ip link set up dev ") + name);
    }

    void TearDown() override
    {
        path_.reset();
        sink_.reset();
        pins::flush(directory_);
        command("ip link delete port0");
        command("ip link delete port1");
    }

    // As a start of the control plane does.
    void start(const std::vector<std::string> &interfaces = {"port0", "port1"}, u32 flows = kFlows,
               DataplanePath path = DataplanePath::xdp)
    {
        DataplaneConfig config;
        config.path = path;
        config.flows_per_worker = flows;
        for (const std::string &interface : interfaces) {
            PortConfig &port = config.ports.emplace_back();
            port.device = interface;
        }
        sink_ = std::make_unique<BpfSink>(directory_, kNoDataplane, kCapacities);
        path_ = std::make_unique<XdpPath>(directory_, sink_->tables(), config);
        path_->start();
    }

    void end()
    {
        path_.reset();
        sink_.reset();
    }

    // The maps of a port as anybody may open them.
    template <class Entry>
    BpfArray pinned(const char *interface, const char *name, u64 entries) const
    {
        return BpfArray::open(directory_ + "/port-" + interface + "/" + name, sizeof(Entry), entries);
    }

    static u32 program_on(const char *interface)
    {
        return attached_program(interface_facts(interface)->index).id;
    }

    std::string directory_ = pin_root + "/test";
    std::unique_ptr<BpfSink> sink_;
    std::unique_ptr<XdpPath> path_;
};

TEST_F(XdpPathTest, TablesAndProgramsOutliveTheControlPlane)
{
    start();
    const TableImage image = make_image({make_service("web", {"203.0.113.1:80/tcp"}, {"a", "b"})});
    {
        Publisher publisher(*sink_);
        ASSERT_TRUE(comes_true([&] { return publisher.ready(); }));
        ASSERT_TRUE(publisher.publish(image, Publisher::Clock::now()));
    }
    const u32 program0 = program_on("port0"), program1 = program_on("port1");
    EXPECT_NE(program0, 0u);
    EXPECT_NE(program1, 0u);
    EXPECT_NE(program0, program1) << "each port has its own";
    end();
    EXPECT_EQ(program_on("port0"), program0);

    start();
    EXPECT_EQ(program_on("port0"), program0);
    EXPECT_EQ(program_on("port1"), program1);
    Publisher publisher(*sink_);
    EXPECT_EQ(publisher.generation(), 1u);
    EXPECT_TRUE(publisher.find_backend("web", "b"));
    ASSERT_TRUE(comes_true([&] { return publisher.ready(); }));
    EXPECT_FALSE(publisher.publish(image, Publisher::Clock::now())->changed);
    EXPECT_EQ(sink_->generation(), 1u);
}

TEST_F(XdpPathTest, AFlipIsFollowedByAGracePeriod)
{
    start();
    ASSERT_TRUE(comes_true([&] { return sink_->quiescent(); }));
    sink_->flip(1);
    EXPECT_TRUE(comes_true([&] { return sink_->quiescent(); }));
    for (u64 generation = 2; generation < 6; generation++)
        sink_->flip(generation);
    EXPECT_TRUE(comes_true([&] { return sink_->quiescent(); }));
    EXPECT_EQ(sink_->generation(), 5u);
}

TEST_F(XdpPathTest, LooksForSocketsOnlyWhereAProcessMayHaveThem)
{
    const auto bypasses = [&] {
        return pinned<aya_xdp_mode>("port0", "mode", 1).at<aya_xdp_mode>()->bypass_sockets;
    };
    start({"port0"}, kFlows, DataplanePath::automatic);
    EXPECT_EQ(bypasses(), 0u) << "until the one who watches the process says so";
    end();
    start({"port0"});
    EXPECT_EQ(bypasses(), 1u);
}

TEST_F(XdpPathTest, TheProgramKnowsWhoseFramesToTakeAndHowManyTheKernelGets)
{
    start();
    const auto mode = pinned<aya_xdp_mode>("port0", "mode", 1);
    EXPECT_EQ(mode.at<aya_xdp_mode>()->punt_limit, DataplaneConfig().punt_limit);
    EXPECT_EQ(mode.at<aya_xdp_mode>()->stations.own, station_of({interface_facts("port0")->mac}));
    command("ip link set dev port0 address 02:00:00:00:00:aa");
    EXPECT_TRUE(path_->poll());
    EXPECT_EQ(mode.at<aya_xdp_mode>()->stations.own, station_of(*parse_mac("02:00:00:00:00:aa")));
}

TEST_F(XdpPathTest, AStartThatDoesNotGetThroughLeavesNothing)
{
    DataplaneConfig config;
    config.path = DataplanePath::xdp;
    config.flows_per_worker = kFlows;
    config.ports.resize(2);
    config.ports[0].device = "port0";
    config.ports[1].device = "port1";
    sink_ = std::make_unique<BpfSink>(directory_, kNoDataplane, kCapacities);
    path_ = std::make_unique<XdpPath>(directory_, sink_->tables(), config);
    command("ip link set dev peer1 mtu 9000"); // native mode of port1 is not to be had any more
    EXPECT_THROW(path_->start(), BpfError);
    EXPECT_EQ(program_on("port0"), 0u) << "was attached first, and is free again";
    end();
    EXPECT_TRUE(pins::list(directory_).empty());
}

TEST_F(XdpPathTest, AnInterfaceThatIsNoPortAnyMoreLosesItsProgram)
{
    start();
    end();
    start({"port1"});
    EXPECT_EQ(program_on("port0"), 0u);
    EXPECT_NE(program_on("port1"), 0u);
    EXPECT_EQ(path_->ports().size(), 1u);
    EXPECT_STREQ(path_->ports()[0].interface, "port1");
}

TEST_F(XdpPathTest, AnInterfaceThatIsMadeAnewGetsItsProgramAgain)
{
    start();
    EXPECT_TRUE(path_->warnings().empty());
    command("ip link delete port0");
    EXPECT_TRUE(path_->poll());
    EXPECT_FALSE(path_->ports()[0].present);
    EXPECT_EQ(path_->warnings().size(), 1u);
    add_pair("0");
    EXPECT_TRUE(path_->poll());
    EXPECT_EQ(path_->warnings().size(), 1u) << "it is down";
    command("ip link set up dev port0");
    command("ip link set up dev peer0");
    path_->poll();
    EXPECT_NE(program_on("port0"), 0u);
    EXPECT_TRUE(path_->ports()[0].present);
    EXPECT_TRUE(comes_true([&] { // the link follows a moment later
        path_->poll();
        return path_->warnings().empty();
    }));
}

TEST_F(XdpPathTest, AnotherMtuOrMacIsSeen)
{
    start();
    EXPECT_FALSE(path_->poll());
    command("ip link set dev port0 mtu 1400");
    EXPECT_TRUE(path_->poll());
    EXPECT_EQ(path_->ports()[0].mtu, 1400);
    command("ip link set dev port1 address 02:00:00:00:00:07");
    EXPECT_TRUE(path_->poll());
    EXPECT_EQ(path_->ports()[1].mac[5], 7);
}

TEST_F(XdpPathTest, AFlowTableOfAnotherSizeIsRefused)
{
    start();
    end();
    EXPECT_THROW(start({"port0", "port1"}, 2 * kFlows), BpfError);
    end();
    EXPECT_NE(program_on("port0"), 0u) << "and what runs goes on";
}

TEST_F(XdpPathTest, CountersAreThoseOfEachPortsQueues)
{
    start();
    pinned<aya_worker_totals[AYA_XDP_QUEUES]>("port1", "totals", 1)
        .at<aya_worker_totals>()
        ->reasons[AYA_REASON_NONE] = 7;
    pinned<aya_service_counters>("port0", "service_counters", kCapacities.services)
        .at<aya_service_counters>(3)
        ->packets = 8;
    pinned<aya_backend_counters>("port1", "backend_counters", kCapacities.backends)
        .at<aya_backend_counters>(5)
        ->bytes = 9;
    const CounterSource &counters = path_->source();
    ASSERT_EQ(counters.worker_count(), 2u);
    EXPECT_EQ(counters.totals(0).reasons[AYA_REASON_NONE], 0u);
    EXPECT_EQ(counters.totals(1).reasons[AYA_REASON_NONE], 7u);
    EXPECT_EQ(counters.service_counters(0, 3).packets, 8u);
    EXPECT_EQ(counters.service_counters(1, 3).packets, 0u);
    EXPECT_EQ(counters.backend_counters(1, 5).bytes, 9u);
}

TEST_F(XdpPathTest, FlowsThatExpiredLongAgoAreSweptAndOthersStay)
{
    start();
    const u16 tick = aya_tick(monotonic_ns());
    BpfArray flows = pinned<aya_flow_set>("port0", "flows", kSets);
    for (u32 set : {0u, 1u, kSets - 1}) {
        aya_flow_set *at = flows.at<aya_flow_set>(set);
        aya_flow_write(&at->way[0], 1, 2, 3, 1, AYA_FLOW_ESTABLISHED, static_cast<u16>(tick - AYA_FLOW_KEEP));
        aya_flow_write(&at->way[1], 2, 2, 3, 1, AYA_FLOW_ESTABLISHED, static_cast<u16>(tick + 1000));
        // Older than half the range of ticks: already looks alive, and no harm may come of it.
        aya_flow_write(&at->way[2], 3, 2, 3, 1, AYA_FLOW_EMBRYONIC, static_cast<u16>(tick - 40000));
        aya_flow_write(&at->way[3], 4, 2, 3, 1, AYA_FLOW_CLOSING, static_cast<u16>(tick - 100));
    }
    for (u32 i = 0; i < kSets; i++) // a set a poll at least
        path_->poll();
    for (u32 set : {0u, 1u, kSets - 1}) {
        const aya_flow_set *at = flows.at<aya_flow_set>(set);
        EXPECT_EQ(at->way[0].state, AYA_FLOW_FREE) << "set " << set;
        EXPECT_EQ(at->way[1].state, AYA_FLOW_ESTABLISHED) << "set " << set;
        EXPECT_EQ(at->way[2].state, AYA_FLOW_EMBRYONIC) << "set " << set;
        EXPECT_EQ(at->way[3].state, AYA_FLOW_CLOSING) << "expired, and a good guess still; set " << set;
    }
}

} // namespace

} // namespace aya::test

int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    if (::geteuid() != 0) {
        std::puts("SKIP: attaching XDP programs needs root");
        return 77;
    }
    std::string root = std::filesystem::temp_directory_path() / "aya-xdp-test-XXXXXX";
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
        ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 || !::mkdtemp(root.data()) ||
        ::mount("bpf", root.c_str(), "bpf", 0, nullptr) != 0) {
        std::puts("SKIP: no namespaces or no BPF file system here");
        return 77;
    }
    aya::test::pin_root = root;
    const int result = RUN_ALL_TESTS();
    ::umount(root.c_str());
    ::rmdir(root.c_str());
    return result;
}
