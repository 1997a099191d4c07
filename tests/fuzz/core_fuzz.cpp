// SPDX-License-Identifier: BSD-2-Clause
//
// Anything a wire can carry, through parser, decision and rewriting. AddressSanitizer watches every access
// (buffers are blocks of exactly the frame's bytes), and whatever leaves must be no worse formed than what
// came.
//
// Input: 4 bytes that choose the tables' state, then frames, each behind two bytes: its length (11 bits),
// whether the tables change after it (1), and by how much the clock moves before it (3).
#include <cstdio>
#include <cstdlib>

#include "core_path.hpp"
#include "frame_judge.hpp"
#include "packet_builder.hpp"
#include "random_packets.hpp"
#include "table_builder.hpp"

namespace aya::test
{
namespace
{

struct World {
    Tables tables;
    u16 web = tables.add_service({"203.0.113.10:443/tcp", "[2001:db8::10]:443/tcp", "203.0.113.10:53/udp"});
    u16 any = tables.add_service({"203.0.113.11:0/udp", "[2001:db8::11]:0/tcp"}, AYA_SERVICE_AFFINITY_SOURCE);
    std::vector<u32> backends;

    u16 quic = tables.add_service({"203.0.113.12:443/udp", "[2001:db8::12]:443/udp"});

    World()
    {
        const Encap encaps[] = {{},
                                ipip("192.0.2.1", "10.0.1.11"),
                                ipip("2001:db8:b::1", "2001:db8:b::11"),
                                gue("192.0.2.1", "10.0.1.12"),
                                gue("2001:db8:b::1", "2001:db8:b::12")};
        for (u16 service : {web, any, quic}) {
            std::vector<u32> own;
            for (const Encap &encap : encaps)
                own.push_back(tables.add_backend(service, {.encap = encap}));
            tables.set_lookup(service, {own[2], own[0]});
            tables.set_lookup(service, own);
            backends.insert(backends.end(), own.begin(), own.end());
        }
        add_ids();
    }

    // Every form of connection id. Five of 256 random server ids name a backend.
    void add_ids()
    {
        const std::string key = "8f95f09245765f80256934e50c66207f";
        tables.add_quic(quic, 0, 1, 4);
        tables.add_quic(quic, 1, 1, 15, key);
        tables.add_quic(quic, 2, 1, 5, key);
        tables.add_quic(quic, 3, 1, 18, key);
        tables.add_quic(quic, 4, 5, 4, key);
        tables.add_quic(quic, 5, 10, 9, key);
        for (u32 i = 0; i < 5; i++)
            tables.set_server_id(backends[backends.size() - 5 + i],
                                 std::string("0") + static_cast<char>('0' + i));
    }

    void set_state(u32 state)
    {
        for (u32 id : backends) {
            aya_backend &backend = tables.backend(id);
            backend.state = static_cast<u8>((state >>= 2) & 3);
            backend.mtu = state & 4 ? 1500 : 300;
            backend.egress_port = (state & 0x18) == 0x18 ? u16{AYA_PORT_NONE} : u16{0};
        }
    }
};

void expect(bool holds, const char *what, const Bytes &frame)
{
    if (holds)
        return;
    std::fprintf(stderr, "%s; the frame was:", what);
    for (u8 byte : frame)
        std::fprintf(stderr, " %02x", byte);
    std::fputc('\n', stderr);
    std::abort();
}

void check(const Outcome &outcome, const Bytes &frame)
{
    expect(outcome.reason < AYA_REASON_COUNT, "no such reason", frame);
    expect(outcome.action == aya_action_of(outcome.reason), "action and reason disagree", frame);
    const bool sends = outcome.action == AYA_ACTION_FORWARD || outcome.action == AYA_ACTION_REPLY;
    expect(sends == !outcome.out.empty(), "bytes without a verdict to send, or the reverse", frame);
    if (!sends)
        return;
    expect(outcome.packet.l3_offset + outcome.packet.l3_length <= frame.size(), "length beyond the frame",
           frame);
    const bool is_error = outcome.action == AYA_ACTION_REPLY && outcome.reason != AYA_REASON_REPLY_ECHO;
    if (is_error)
        expect(FrameJudge::complaint(outcome.out).empty(), "malformed ICMP error", frame);
    if (outcome.action == AYA_ACTION_FORWARD && FrameJudge::complaint(frame).empty())
        expect(FrameJudge::complaint(outcome.out).empty(), "a well-formed frame left malformed", frame);
}

} // namespace
} // namespace aya::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    using namespace aya::test;
    if (size < 4)
        return 0;
    const aya::test::Bytes input(data, data + size);
    static World world;
    world.set_state(get32(input, 0));
    CorePath path(world.tables.view(), 4);
    std::size_t at = 4;
    while (at + 2 <= size) {
        const std::size_t length = std::min<std::size_t>(get16(input, at) & 0x7ff, size - at - 2);
        const Bytes frame(input.begin() + static_cast<std::ptrdiff_t>(at + 2),
                          input.begin() + static_cast<std::ptrdiff_t>(at + 2 + length));
        path.now = static_cast<u16>(path.now + (input[at] >> 5) * 3);
        check(path.run(frame), frame);
        if (input[at] & 0x10) // a change of the tables in mid-flow
            world.set_state(get32(input, 0) * 0x9e3779b9u);
        at += 2 + length;
    }
    return 0;
}

// Mutations alone seldom find a VIP's address: half of the time the last frame is replaced by one of the
// kinds that a balancer meets, then libFuzzer mutates on.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t max_size,
                                               unsigned seed)
{
    using namespace aya::test;
    if (seed % 2)
        return LLVMFuzzerMutate(data, size, max_size);
    RandomPackets packets(seed, {.ipv4 = {"203.0.113.10", "203.0.113.11", "203.0.113.12"},
                                 .ipv6 = {"2001:db8::10", "2001:db8::11", "2001:db8::12"},
                                 .ports = {443, 53, 9}});
    Bytes out(data, data + std::min<std::size_t>(size, max_size));
    out.resize(std::max<std::size_t>(out.size(), 4));
    for (unsigned i = 0; i < 1 + seed / 2 % 3; i++) {
        const Bytes frame = packets.next();
        out.resize(out.size() + 2);
        put16(out, out.size() - 2, frame.size() | (seed & 0x7000u));
        append(out, frame);
    }
    if (out.size() > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    std::copy(out.begin(), out.end(), data);
    return out.size();
}
