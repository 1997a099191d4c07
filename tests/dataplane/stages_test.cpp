// SPDX-License-Identifier: BSD-2-Clause
//
// The burst stages on real mbufs, against the contract's functions called one packet at a time.
#include <gtest/gtest.h>

#include <cstdio>

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "burst.hpp"
#include "core_path.hpp"
#include "frame_judge.hpp"
#include "random_packets.hpp"
#include "table_builder.hpp"

using namespace aya;
using namespace aya::test;

namespace
{

constexpr u32 kSets = 1024;
constexpr u32 kPorts = 2;

rte_mempool *pool = nullptr;
rte_ring *punt_ring = nullptr;
PuntRings punt_rings{}; // all of them that one

// Services over both families, both encaps, all outer families, two egress ports.
class Scene
{
public:
    Scene()
    {
        web = tables.add_service({"203.0.113.10:443/tcp", "203.0.113.10:443/udp", "[2001:db8::10]:443/tcp"});
        add(web, {{.encap = ipip("192.0.2.1", "10.0.1.11")},
                  {.encap = ipip("2001:db8:1::1", "2001:db8:1::11"), .egress_port = 1},
                  {.encap = ipip("192.0.2.1", "10.0.1.12"), .egress_port = 1, .mtu = 700}});
        direct = tables.add_service({"203.0.113.20:0/tcp", "[2001:db8::20]:0/udp"});
        add(direct, {{}, {.egress_port = 1}, {.state = AYA_BACKEND_DRAINING}});
        const u16 empty = tables.add_service({"203.0.113.30:443/tcp"});
        tables.set_lookup(empty, {});
        const u16 cut_off = tables.add_service({"203.0.113.40:443/tcp"});
        add(cut_off, {{.egress_port = AYA_PORT_NONE}});
        const u16 astray = tables.add_service({"203.0.113.50:443/tcp"}); // a table entry that is out of range
        tables.set_lookup(astray, {250});
    }

    Tables tables;
    u16 web = 0;
    u16 direct = 0;

private:
    void add(u16 service, const std::vector<BackendText> &backends)
    {
        std::vector<u32> slots;
        for (const BackendText &text : backends) {
            const u32 id = tables.add_backend(service, text);
            if (text.state == AYA_BACKEND_UP)
                slots.push_back(id);
        }
        for (u32 i = 0; i < 248; i++)
            slots.push_back(slots[i]);
        tables.set_lookup(service, slots);
    }
};

// One worker's state around the stages, without ports.
class Bench
{
public:
    explicit Bench(const aya_view *view, bool with_punt = true)
        : burst_(std::make_unique<Burst>()), sets_(kSets)
    {
        context.view = view;
        context.sets = sets_.data();
        context.set_mask = kSets - 1;
        context.tick = 1000;
        context.port_count = kPorts;
        context.counters = {.totals = &totals,
                            .services = services.data(),
                            .backends = backends.data(),
                            .service_count = static_cast<u32>(services.size()),
                            .backend_count = static_cast<u32>(backends.size())};
        context.outboxes = outboxes;
        context.sends_segments = sends_segments;
        context.now_ns = 1'000'000'000;
        context.punt = with_punt ? &punt_rings : nullptr;
        context.punt_limit = 20'000;
    }
    ~Bench() { release(); }

    static rte_mbuf *mbuf_of(const Bytes &frame, std::size_t first_segment = 1 << 16)
    {
        rte_mbuf *head = segment_of(slice(frame, 0, std::min(first_segment, frame.size())));
        if (first_segment < frame.size()) {
            rte_mbuf *tail = segment_of(slice(frame, first_segment, frame.size() - first_segment));
            EXPECT_EQ(rte_pktmbuf_chain(head, tail), 0);
        }
        return head;
    }

    void run_and_abandon(const std::vector<rte_mbuf *> &mbufs)
    {
        burst_->count = static_cast<u32>(mbufs.size());
        std::copy(mbufs.begin(), mbufs.end(), burst_->mbuf);
        decide_burst(*burst_, context);
        abandon_burst(*burst_, context);
    }

    const std::vector<aya_flow_set> &sets() const { return sets_; }

    Burst &run(const std::vector<rte_mbuf *> &mbufs)
    {
        burst_->count = static_cast<u32>(mbufs.size());
        std::copy(mbufs.begin(), mbufs.end(), burst_->mbuf);
        process_burst(*burst_, context);
        return *burst_;
    }

    // Everything that left, by kind. Buffers go back to the pool.
    std::vector<Bytes> take_sent(u32 port)
    {
        std::vector<Bytes> frames;
        for (u32 i = 0; i < outboxes[port].count; i++)
            frames.push_back(take(outboxes[port].packets[i]));
        outboxes[port].count = 0;
        return frames;
    }
    std::vector<Bytes> take_punted()
    {
        std::vector<Bytes> frames;
        void *mbuf = nullptr;
        while (rte_ring_dequeue(punt_ring, &mbuf) == 0)
            frames.push_back(take(static_cast<rte_mbuf *>(mbuf)));
        return frames;
    }
    std::vector<Bytes> take_replies()
    {
        std::vector<Bytes> frames;
        for (u32 k = 0; k < burst_->rest_count; k++) {
            const u32 i = burst_->rest[k];
            const auto reason = static_cast<aya_reason>(burst_->verdict[i].reason);
            if (aya_action_of(reason) == AYA_ACTION_REPLY)
                frames.push_back(take(burst_->mbuf[i]));
        }
        burst_->rest_count = 0;
        return frames;
    }
    void release()
    {
        for (u32 port = 0; port < kPorts; port++)
            take_sent(port);
        take_replies();
        take_punted();
    }

    BurstContext context;
    Outbox outboxes[kMaxPorts];
    bool sends_segments[kMaxPorts] = {true, true};
    WorkerTotals totals{};
    std::vector<ServiceCounters> services = std::vector<ServiceCounters>(16);
    std::vector<BackendCounters> backends = std::vector<BackendCounters>(256);

private:
    static rte_mbuf *segment_of(const Bytes &bytes)
    {
        rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
        char *data = rte_pktmbuf_append(mbuf, static_cast<u16>(bytes.size()));
        std::copy(bytes.begin(), bytes.end(), data);
        return mbuf;
    }

    static Bytes take(rte_mbuf *mbuf)
    {
        Bytes frame;
        for (const rte_mbuf *part = mbuf; part != nullptr; part = part->next) {
            const auto *data = rte_pktmbuf_mtod(part, const u8 *);
            frame.insert(frame.end(), data, data + part->data_len);
        }
        EXPECT_EQ(frame.size(), mbuf->pkt_len);
        rte_pktmbuf_free(mbuf);
        return frame;
    }

    std::unique_ptr<Burst> burst_;
    std::vector<aya_flow_set> sets_;
};

class Stages : public ::testing::Test
{
protected:
    void SetUp() override { in_use_before_ = rte_mempool_in_use_count(pool); }
    void TearDown() override
    {
        bench.release();
        EXPECT_EQ(rte_mempool_in_use_count(pool), in_use_before_) << "a packet buffer leaked";
    }

    u64 reason(aya_reason which) const { return bench.totals.reasons[which]; }
    Packet to_web() const { return Packet().ipv4("198.51.100.7", "203.0.113.10"); }

    Scene scene;
    Bench bench{scene.tables.view()};

private:
    unsigned in_use_before_ = 0;
};

// What is punted or answered leaves in the order in which stages settle it, not in that of arrival.
std::vector<Bytes> sorted(std::vector<Bytes> frames)
{
    std::sort(frames.begin(), frames.end());
    return frames;
}

RandomPackets::Targets targets()
{
    return {.ipv4 = {"203.0.113.10", "203.0.113.20", "203.0.113.30", "203.0.113.40", "203.0.113.50",
                     "203.0.113.99"},
            .ipv6 = {"2001:db8::10", "2001:db8::20", "2001:db8::99"},
            .ports = {443, 80, 443, 443}};
}

TEST_F(Stages, a_burst_gives_the_bytes_that_the_core_functions_give_one_by_one)
{
    CorePath core(scene.tables.view(), kSets);
    core.now = bench.context.tick;
    RandomPackets random(20240601, targets());
    for (u32 round = 0; round < 2000; round++) {
        // A generous clock, so that the rate limit of replies stays out of this.
        bench.context.now_ns += 1'000'000'000;
        std::vector<Bytes> sent[kPorts], punted, replied;
        std::vector<rte_mbuf *> mbufs;
        const u32 count = 1 + random.below(kBurst);
        for (u32 i = 0; i < count; i++) {
            const Bytes frame = random.next();
            const bool in_two = frame.size() > 200 && random.below(8) == 0;
            const std::size_t first = in_two ? 60 + random.below(100) : frame.size();
            mbufs.push_back(Bench::mbuf_of(frame, first));
            const Outcome outcome = core.run(frame, first);
            // The core was given the first segment only; what follows it goes along unchanged.
            Bytes out = outcome.action == AYA_ACTION_PUNT ? frame : outcome.out;
            const bool is_error =
                outcome.action == AYA_ACTION_REPLY && outcome.reason != AYA_REASON_REPLY_ECHO;
            if (outcome.action != AYA_ACTION_PUNT && outcome.action != AYA_ACTION_DROP && !is_error)
                append(out, slice(frame, first, frame.size() - first));
            if (outcome.action == AYA_ACTION_FORWARD)
                sent[outcome.egress_port].push_back(out);
            else if (outcome.action == AYA_ACTION_PUNT)
                punted.push_back(out);
            else if (outcome.action == AYA_ACTION_REPLY)
                replied.push_back(out);
        }
        bench.run(mbufs);
        ASSERT_EQ(bench.take_sent(0), sent[0]) << "round " << round;
        ASSERT_EQ(bench.take_sent(1), sent[1]) << "round " << round;
        ASSERT_EQ(sorted(bench.take_punted()), sorted(punted)) << "round " << round;
        ASSERT_EQ(sorted(bench.take_replies()), sorted(replied)) << "round " << round;
    }
    for (const aya_reason seen :
         {AYA_REASON_FLOW_NEW, AYA_REASON_TRUNCATED, AYA_REASON_NO_BACKEND, AYA_REASON_BACKEND_UNREACHABLE,
          AYA_REASON_FRAGMENT, AYA_REASON_PUNT_NO_VIP})
        EXPECT_GT(reason(seen), 0u) << seen << ": the packets are too tame";
}

TEST_F(Stages, what_is_sent_is_well_formed)
{
    RandomPackets random(7, {.ipv4 = {"203.0.113.10"}, .ipv6 = {"2001:db8::10"}, .ports = {443}});
    u32 sent = 0;
    for (u32 round = 0; round < 500; round++) {
        const Packet packet = random.below(2) ? Packet().ipv4("198.51.100.9", "203.0.113.10")
                                              : Packet().ipv6("2001:db8:c::9", "2001:db8::10");
        Packet whole = packet;
        whole.tcp(static_cast<u16>(1024 + round), 443, "S").payload(random.below(1400));
        bench.run({Bench::mbuf_of(whole.build())});
        for (u32 port = 0; port < kPorts; port++) {
            for (const Bytes &frame : bench.take_sent(port)) {
                EXPECT_EQ(FrameJudge::complaint(frame), "");
                sent++;
            }
        }
        for (const Bytes &frame : bench.take_replies())
            EXPECT_EQ(FrameJudge::complaint(frame), "");
    }
    EXPECT_GT(sent, 400u);
}

TEST_F(Stages, packets_of_one_new_flow_in_one_burst_go_to_one_backend)
{
    std::vector<rte_mbuf *> mbufs;
    for (u32 i = 0; i < kBurst; i++)
        mbufs.push_back(Bench::mbuf_of(to_web().tcp(40000, 443, i ? "A" : "S").build()));
    bench.run(mbufs);
    const std::size_t first = bench.take_sent(0).size();
    EXPECT_TRUE(first == 0 || first == kBurst);
    EXPECT_EQ(reason(AYA_REASON_FLOW_NEW), 1u);
    EXPECT_EQ(bench.services[scene.web].new_flows, 1u);
}

TEST_F(Stages, a_first_fragment_follows_the_entry_of_another_queue)
{
    const auto fragment = [&](u16 port) { return to_web().fragment(7, 0, true).udp(port, 443).payload(64); };
    Bench other{scene.tables.view()};
    const SiblingFlows siblings[] = {{.sets = other.context.sets, .set_mask = other.context.set_mask},
                                     {.sets = bench.context.sets, .set_mask = bench.context.set_mask}};
    bench.context.siblings = siblings;
    for (u16 port = 1; port <= 16; port++) {
        other.run({Bench::mbuf_of(to_web().udp(port, 443).payload(8).build())});
        other.release();
    }
    const u64 new_before = other.totals.reasons[AYA_REASON_FLOW_NEW];
    for (u16 port = 1; port <= 16; port++) {
        bench.run({Bench::mbuf_of(fragment(port).build())});
        bench.release();
    }
    EXPECT_GT(new_before, 0u);
    EXPECT_EQ(reason(AYA_REASON_FLOW_NEW), 16 - new_before) << "known flows are not new";
}

TEST_F(Stages, forwarded_packets_count_for_their_service_and_backend)
{
    const Bytes frame = to_web().tcp(40001, 443, "S").payload(100).build();
    for (u32 i = 0; i < 5; i++) {
        bench.run({Bench::mbuf_of(frame)});
        bench.release();
    }
    EXPECT_EQ(bench.services[scene.web].packets, 5u);
    EXPECT_EQ(bench.services[scene.web].bytes, 5u * (frame.size() - 14));
    u64 packets = 0, bytes = 0;
    for (const BackendCounters &backend : bench.backends) {
        packets += backend.packets;
        bytes += backend.bytes;
    }
    EXPECT_EQ(packets, 5u);
    EXPECT_EQ(bytes, 5u * (frame.size() - 14));
}

TEST_F(Stages, frames_for_another_station_are_dropped)
{
    const auto to = [](const std::string &mac) {
        return Packet()
            .macs(mac, "02:00:00:00:00:02")
            .ipv4("198.51.100.7", "203.0.113.10")
            .tcp(1, 443)
            .build();
    };
    const u64 own = 0x0100000000020000, other = 0x0a01005e00000000; // as aya_stations has them
    bench.context.stations = {.own = own, .others = {other}};
    bench.run(
        {Bench::mbuf_of(to("02:00:00:00:00:01")), Bench::mbuf_of(to("00:00:5e:00:01:0a")),
         Bench::mbuf_of(to("02:00:00:00:00:03")), Bench::mbuf_of(to("00:00:00:00:00:00")),
         Bench::mbuf_of(Packet().macs("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:02").ethertype(0x0806).build())});
    EXPECT_EQ(reason(AYA_REASON_OTHER_STATION), 2u);
    EXPECT_EQ(reason(AYA_REASON_PUNT_MULTICAST), 1u);
    EXPECT_EQ(bench.take_sent(0).size() + bench.take_sent(1).size(), 2u);
}

TEST_F(Stages, a_port_without_punt_interface_drops_what_is_for_the_kernel)
{
    bench.context.punt = nullptr;
    bench.run({Bench::mbuf_of(Packet().ethertype(0x0806).payload(28).build())});
    EXPECT_EQ(reason(AYA_REASON_PUNT_NONE), 1u);
    EXPECT_EQ(reason(AYA_REASON_PUNT_NOT_IP), 0u);
}

TEST_F(Stages, a_full_punt_ring_drops_and_counts)
{
    const Bytes arp = Packet().ethertype(0x0806).payload(28).build();
    const u32 room = rte_ring_free_count(punt_ring);
    for (u32 i = 0; i < room + 3; i++)
        bench.run({Bench::mbuf_of(arp)});
    EXPECT_EQ(reason(AYA_REASON_PUNT_NOT_IP), room);
    EXPECT_EQ(reason(AYA_REASON_PUNT_FULL), 3u);
}

struct RingOfEachClass : Stages {
    RingOfEachClass()
    {
        for (u32 i = 0; i < AYA_PUNT_CLASSES; i++)
            rings[i] = rte_ring_create(kPuntClassRows[i].name, kPuntClassRows[i].ring_size, SOCKET_ID_ANY, 0);
        bench.context.punt = &rings;
    }
    void TearDown() override
    {
        for (rte_ring *ring : rings) {
            drain(ring);
            rte_ring_free(ring);
        }
        Stages::TearDown();
    }
    static void drain(rte_ring *ring)
    {
        void *mbuf = nullptr;
        while (rte_ring_dequeue(ring, &mbuf) == 0)
            rte_pktmbuf_free(static_cast<rte_mbuf *>(mbuf));
    }
    void flood(Packet packet)
    {
        for (u32 i = 0; i < 5000; i++)
            bench.run({Bench::mbuf_of(packet.build())});
    }

    PuntRings rings{};
};

TEST_F(RingOfEachClass, junk_leaves_room_for_what_links_routing_and_open_connections_need)
{
    flood(Packet().ipv4("198.51.100.7", "192.0.2.1").udp(1, 9));
    EXPECT_EQ(reason(AYA_REASON_PUNT_FULL), 0u);
    EXPECT_GT(reason(AYA_REASON_PUNT_LIMIT), 4000u);
    const u64 before = reason(AYA_REASON_PUNT_NO_VIP);
    bench.run({Bench::mbuf_of(Packet().ethertype(0x0806).payload(28).build()),
               Bench::mbuf_of(Packet().ipv4("192.0.2.2", "192.0.2.1").tcp(179, 40000).build()),
               Bench::mbuf_of(Packet().ipv4("192.0.2.2", "192.0.2.1").tcp(80, 40000, "SA").build())});
    EXPECT_EQ(reason(AYA_REASON_PUNT_NOT_IP), 1u);
    EXPECT_EQ(reason(AYA_REASON_PUNT_NO_VIP), before + 2);
}

TEST_F(RingOfEachClass, who_opens_too_many_connections_leaves_others_theirs)
{
    flood(Packet().ipv4("198.51.100.7", "192.0.2.1").tcp(1, 22));
    EXPECT_EQ(reason(AYA_REASON_PUNT_NO_VIP), u64{AYA_PUNT_OPENING_BURST});
    EXPECT_EQ(reason(AYA_REASON_PUNT_SOURCE_LIMIT), 5000u - AYA_PUNT_OPENING_BURST);
    bench.run({Bench::mbuf_of(Packet().ipv4("192.0.2.2", "192.0.2.1").tcp(1, 22).build())});
    EXPECT_EQ(reason(AYA_REASON_PUNT_NO_VIP), AYA_PUNT_OPENING_BURST + 1u);
}

TEST_F(RingOfEachClass, the_limit_of_the_rest_is_a_rate)
{
    flood(Packet().ipv4("198.51.100.7", "192.0.2.1").udp(1, 9));
    drain(rings[AYA_PUNT_REST]);
    const u64 before = reason(AYA_REASON_PUNT_NO_VIP);
    bench.context.now_ns += 10'000'000;
    flood(Packet().ipv4("198.51.100.7", "192.0.2.1").udp(1, 9));
    EXPECT_EQ(reason(AYA_REASON_PUNT_NO_VIP) - before, bench.context.punt_limit / 100);
}

TEST_F(Stages, replies_stop_at_the_limit_and_are_counted)
{
    const Bytes ping = to_web().icmp(8).payload(56).build();
    for (u32 i = 0; i < AYA_REPLIES_BURST + 7; i++) {
        bench.run({Bench::mbuf_of(ping)});
        bench.take_replies();
    }
    EXPECT_EQ(reason(AYA_REASON_REPLY_LIMIT), 7u);
}

TEST_F(Stages, an_egress_port_that_does_not_exist_is_no_way_out)
{
    for (u32 id = 0; id < 8; id++)
        scene.tables.backend(id).egress_port = kPorts;
    bench.run({Bench::mbuf_of(to_web().tcp(40002, 443, "S").build())});
    EXPECT_EQ(reason(AYA_REASON_INTERNAL), 1u);
}

TEST_F(Stages, no_headroom_no_encapsulation)
{
    for (u32 id = 0; id < 8; id++)
        scene.tables.backend(id).egress_port = 0;
    rte_mbuf *mbuf = Bench::mbuf_of(to_web().tcp(40003, 443, "S").build());
    std::memmove(static_cast<char *>(mbuf->buf_addr) + 8, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
    mbuf->data_off = 8;
    bench.run({mbuf});
    EXPECT_EQ(reason(AYA_REASON_NO_HEADROOM), 1u);
}

TEST_F(Stages, a_port_that_cannot_send_segments_gets_none)
{
    bench.sends_segments[0] = bench.sends_segments[1] = false;
    const Bytes frame = to_web().tcp(40004, 443, "S").payload(600).build();
    bench.run({Bench::mbuf_of(frame, 100)});
    EXPECT_EQ(reason(AYA_REASON_TOO_BIG), 1u);
    bench.run({Bench::mbuf_of(to_web().icmp(8).payload(600).build(), 100)});
    EXPECT_EQ(reason(AYA_REASON_TOO_BIG), 2u);
}

TEST_F(Stages, an_abandoned_burst_leaves_no_packet_and_no_flow)
{
    const unsigned before = rte_mempool_in_use_count(pool);
    const std::vector<Bytes> frames{
        Packet().ipv4("198.51.100.7", "203.0.113.10").tcp(1000, 443, "S").build(),
        Packet().ipv4("198.51.100.7", "203.0.113.10").fragment(7, 0, true).udp(5000, 443).payload(64).build(),
        Packet().ipv4("198.51.100.7", "203.0.113.10").ttl(1).tcp(1001, 443, "S").build(),
        Packet().ipv4("198.51.100.7", "203.0.113.99").tcp(1002, 443, "S").build(),
        Packet().ipv4("198.51.100.7", "203.0.113.40").tcp(1003, 443, "S").build()};
    std::vector<rte_mbuf *> mbufs;
    for (const Bytes &frame : frames)
        mbufs.push_back(Bench::mbuf_of(frame));
    bench.run_and_abandon(mbufs);
    EXPECT_EQ(rte_mempool_in_use_count(pool), before);
    EXPECT_EQ(bench.totals.reasons[AYA_REASON_TAKEN_OVER], frames.size());
    for (const aya_flow_set &set : bench.sets())
        for (const aya_flow_entry &way : set.way)
            EXPECT_EQ(way.state, AYA_FLOW_FREE);
}

// 300 000 packets, a quarter of them damaged; every one ends in exactly one place.
TEST_F(Stages, every_packet_is_accounted_for)
{
    RandomPackets random(42, targets());
    u64 received = 0, sent = 0, punted = 0, replied = 0;
    std::vector<rte_mbuf *> mbufs;
    bench.context.punt_limit = 0;
    while (received < 300'000) {
        mbufs.clear();
        for (u32 i = 0; i < kBurst; i++) {
            const Bytes frame = random.next();
            mbufs.push_back(Bench::mbuf_of(frame, random.below(16) ? frame.size() : 14 + random.below(40)));
        }
        received += mbufs.size();
        bench.context.tick = static_cast<u16>(bench.context.tick + (received % 4096 == 0));
        bench.context.now_ns += 1'000'000;
        bench.run(mbufs);
        sent += bench.take_sent(0).size() + bench.take_sent(1).size();
        punted += bench.take_punted().size();
        replied += bench.take_replies().size();
    }
    u64 dropped = 0, counted_punts = 0;
    for (u32 r = 0; r < AYA_REASON_COUNT; r++) {
        const aya_action action = aya_action_of(static_cast<aya_reason>(r));
        if (action == AYA_ACTION_DROP)
            dropped += bench.totals.reasons[r];
        if (action == AYA_ACTION_PUNT)
            counted_punts += bench.totals.reasons[r];
    }
    EXPECT_EQ(punted, counted_punts);
    EXPECT_EQ(received, sent + punted + replied + dropped);
}

} // namespace

int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    const char *eal[] = {"stages_test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "64",
                         "--lcores",    "0@0",       "--iova-mode", "va",       "--log-level",    "4"};
    std::vector<char *> arguments;
    for (const char *text : eal)
        arguments.push_back(const_cast<char *>(text));
    if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
        return 1;
    pool = rte_pktmbuf_pool_create("test", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    punt_ring = rte_ring_create("punt", 1024, SOCKET_ID_ANY, 0);
    punt_rings.fill(punt_ring);
    if (pool == nullptr || punt_ring == nullptr)
        return 1;
    const int result = RUN_ALL_TESTS();
    rte_eal_cleanup();
    return result;
}
