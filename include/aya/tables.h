// SPDX-License-Identifier: BSD-2-Clause
//
// The tables that the control plane writes and the data planes read. Flat arrays of fixed-size structs,
// host-order integers, addresses and ports in packet byte order. The same bytes serve as the shared-memory
// segment (shm.hpp) and as values of mmapable BPF array maps.
//
// Every table except `lookup` exists twice (slot = generation & 1). `lookup` is one arena: a lookup table or
// a set of sources is written into a free span and an entry then points there, so it needs no second copy.
#ifndef AYA_TABLES_H
#define AYA_TABLES_H

#include "aya/hash.h"
#include "aya/types.h"

#define AYA_ABI_VERSION 6

enum {
    AYA_MAX_SERVICES = 65534, // ids are 16 bits in a flow entry; two values are taken
    AYA_SERVICE_NONE = 0xffff,
    AYA_SERVICE_FRAGMENT = 0xfffe, // service of a flow entry that stands for the fragments of one packet
    AYA_BACKEND_NONE = 0xffffffff,
    AYA_PORT_NONE = 0xffff,

    AYA_VIP_PROBES = 16, // longest run of `vips` that a look-up walks; the builder respects it
    // What bounds a look-up in the VIPs of more than one port or address:
    AYA_PREFIX_LENGTHS = 8, // lengths, of either family, that are tried one after the other
    AYA_RANGE_STEPS = 8,    // steps of the search in a prefix's ranges of ports
    AYA_MAX_RANGES = (1 << AYA_RANGE_STEPS) - 1, // and so at most that many ranges
    AYA_RANGE_DEPTH = 8,                         // ranges that are one within the other
    AYA_NAME_SIZE = 64,                          // including the terminating NUL
};

// Prefixes of one length.
struct aya_prefix_length {
    u64 mask[2]; // of an address, as it is in the packet; IPv4: after ::ffff
    be16 port;   // of their entries in `vips`, see there
    u16 used;    // 0: this is no length, and none follows
    u32 unused;
};

// One per slot: what every packet needs.
struct aya_settings {
    struct aya_hash_key hash_key;
    struct aya_vip_hash_key vip_key;
    u32 vip_mask;     // entries of `vips` minus one; a power of two minus one
    u32 wide;         // not 0: some VIP has more than one port or address, so look up twice
    u64 created_unix; // seconds; for people
    u32 resets;       // not 0: a SYN that no service takes is answered by a RST
    u32 unused;
    u64 unused_too[5];
    // Of VIPs, by family (0: IPv4), longest first. The first one is that of an address.
    struct aya_prefix_length lengths[2][AYA_PREFIX_LENGTHS];
};

enum aya_vip_flags {
    AYA_VIP_LOCAL = 1, // the kernel has the address, too
};

// Open addressing with linear probing; an entry with protocol 0 ends the run. An entry with port 0 and
// protocol AYA_PROTO_ICMP says that the address is a VIP at all, by its flags what else holds for it, and
// where its ranges of ports are. The entry of a prefix is the same with the first address, and with the
// length for a port (of IPv4: 96 more).
struct aya_vip {
    AYA_ALIGNED(8) be32 address[4];
    be16 port;
    u8 protocol;
    u8 unused; // 0: compared with the two before it, as one word
    u32 service;
    u16 flags;        // enum aya_vip_flags
    u16 range_count;  // at most AYA_MAX_RANGES
    u32 range_offset; // in `port_ranges`
};

// A range of ports of a prefix. Those of one prefix are in the order of protocol, first port, and last port
// with the highest first. Two of them have no port in common, or one is within the other.
struct aya_port_range {
    u16 first, last; // in host order
    u16 service;
    u8 protocol;
    u8 around; // which of the prefix's ranges, from 1, it is within, at once; 0: none
};

enum aya_service_flags {
    AYA_SERVICE_PRESENT = 1,
    AYA_SERVICE_AFFINITY_SOURCE = 2, // select without the client's port
    AYA_SERVICE_STATELESS = 4,       // remember nothing
    // A new flow's backend is drawn (draw.h): at random, slot after slot of the lookup table, or the one of
    // two that has fewer flows.
    AYA_SERVICE_RANDOM = 8,
    AYA_SERVICE_IN_TURN = 16,
    AYA_SERVICE_LEAST_FLOWS = 32,
    // A packet of a TCP connection whose backend is down is answered by a RST.
    AYA_SERVICE_RESETS = 64,
    AYA_SERVICE_DRAWS = AYA_SERVICE_RANDOM | AYA_SERVICE_IN_TURN | AYA_SERVICE_LEAST_FLOWS,
    AYA_SERVICE_LISTS = 128,          // its guard has a set of sources
    AYA_SERVICE_LIMITS_PACKETS = 256, // its guard limits packets
    AYA_SERVICE_LIMITS_FLOWS = 512,   // its guard limits new flows
    AYA_SERVICE_GUARDS_PACKETS = AYA_SERVICE_LISTS | AYA_SERVICE_LIMITS_PACKETS,
    AYA_SERVICE_GUARDED = AYA_SERVICE_GUARDS_PACKETS | AYA_SERVICE_LIMITS_FLOWS,
    AYA_SERVICE_QUIC = 1024, // a connection id may name the backend (quic.h)
};

enum aya_flow_state {
    AYA_FLOW_FREE,
    AYA_FLOW_EMBRYONIC, // one packet seen
    AYA_FLOW_CLOSING,   // FIN or RST seen
    AYA_FLOW_ESTABLISHED,
    AYA_FLOW_DATAGRAM, // UDP, more than one packet seen
    AYA_FLOW_STATES = 8,
};

struct aya_service {
    u32 lookup_offset; // in u32 slots from the start of the arena, a multiple of 16
    u32 lookup_size;   // 0: no backend can be chosen
    u32 previous_offset;
    u32 previous_size;                 // 0: no previous table, or it has been retired
    u32 flags;                         // enum aya_service_flags
    u16 idle_timeout[AYA_FLOW_STATES]; // aya_tick units by enum aya_flow_state; at most AYA_MAX_IDLE
    // Bits of the client's address that source affinity does not look at.
    be32 source_ignored_ipv4;
    be32 source_ignored_ipv6[4];
    u32 unused[2];
};

enum aya_backend_state {
    AYA_BACKEND_FREE, // no backend has this id
    AYA_BACKEND_DOWN, // loses its flows
    AYA_BACKEND_DRAINING,
    AYA_BACKEND_UP,
};

// The bytes between the Ethernet header and the client's packet: `outer_length` of a backend.
enum aya_outer_length {
    AYA_OUTER_NONE = 0,
    AYA_OUTER_IPV4 = 20,
    AYA_OUTER_GUE_IPV4 = 28, // IPv4 and UDP
    AYA_OUTER_IPV6 = 40,
    AYA_OUTER_GUE_IPV6 = 48, // IPv6 and UDP
};

// Everything needed to send a packet to a backend over Ethernet or in plain IPv4, in half a cache line. With
// many backends a core keeps missing these lines, each time after the miss of the flow's own line.
struct aya_backend {
    u8 state;                  // enum aya_backend_state
    u8 outer_length;           // enum aya_outer_length
    u16 incarnation;           // raised when the id passes to another backend or the backend goes down
    u16 service;               // id of the service that this backend belongs to
    u16 egress_port;           // data plane port index; AYA_PORT_NONE while the next hop is not resolved
    u8 macs[12];               // destination and source, as in the frame
    u16 mtu;                   // largest inner IP packet that fits the egress port
    u16 partial_checksum;      // one's complement sum (raw loads) of the outer IPv4 header, with
                               // length, TOS, protocol and checksum 0
    be32 outer_src, outer_dst; // of the outer IPv4 header, if there is one
};

// The companion of a backend: what few packets need. For one that is reached over IPv6, by gue, or both,
// outer headers to copy and patch with lengths, traffic class and entropy. The outer IPv4 header of gue is
// made like that of ipip.
struct aya_tunnel {
    AYA_ALIGNED(8) u8 ipv6[40];
    u8 udp[8];
    u32 weight; // of the backend, with AYA_SERVICE_LEAST_FLOWS
    u8 reserved[12];
};

// The companion of a service: whom it refuses. Only read if the service's flags say that there is something.
struct aya_guard {
    AYA_ALIGNED(8) u32 sources; // AYA_GUARD_LISTS: line of the arena with its aya_source_set
    u32 flags;                  // enum aya_guard_flags
    // What a token costs, in rate.h's units. 0: no limit.
    u64 packet_cost;
    u64 source_packet_cost;
    u64 flow_cost;
    u64 source_flow_cost;
    // Bits of the client's address that limits per source do not look at.
    be32 ignored_ipv4;
    be32 ignored_ipv6[4];
    u32 unused;
};

enum aya_guard_flags {
    AYA_GUARD_COUNTS = 1,        // refuse nothing: count what would be refused
    AYA_GUARD_REFUSES_FLOWS = 2, // beyond the limits of new flows; else these are only not remembered
    AYA_GUARD_LISTS = 4,         // `sources` is set
};

// 16 bytes, as two loads have them.
struct aya_block {
    u64 low, high;
};

enum { AYA_AES_ROUNDS = 10 };

// Round keys of AES-128 in the order of their use. For decryption they are those of the equivalent inverse
// cipher (FIPS 197 5.3.5), as the processors' instructions take them.
struct aya_aes_keys {
    AYA_ALIGNED(8) u32 words[4 * (AYA_AES_ROUNDS + 1)];
};

// How a connection id is read: draft-ietf-quic-load-balancers 5.
enum aya_quic_form {
    AYA_QUIC_NONE, // there is no configuration of this id
    AYA_QUIC_PLAIN,
    AYA_QUIC_ONE_BLOCK,    // `keys` decrypt
    AYA_QUIC_THREE_PASSES, // `keys` encrypt; the server id is in the left half alone
    AYA_QUIC_FOUR_PASSES,
};

struct aya_quic_config {
    u8 form; // enum aya_quic_form
    u8 server_id_length;
    u8 length; // of server id and nonce
    u8 unused[13];
    struct aya_block bits[2]; // which are those of the left half, and of the right one
    struct aya_aes_keys keys;
};

enum {
    AYA_QUIC_CONFIGS = 8, // by the id's three bits; the last is never one
    AYA_SERVER_PROBES = 16,
};

// The companion of a service with AYA_SERVICE_QUIC. Its backends stand in the arena, found by their server
// ids: open addressing with linear probing; AYA_BACKEND_NONE ends the run.
struct aya_quic {
    u32 servers_offset; // as lookup_offset of a service
    u32 servers_size;   // a power of two; 0: none
    u64 unused[7];
    struct aya_quic_config configs[AYA_QUIC_CONFIGS];
};

// The companion of a backend: its server id, at the end, with zeros before it.
struct aya_server {
    struct aya_block id;
};

// Cold companions, for people and for a restarted control plane; never read by a data plane.
struct aya_name {
    char text[AYA_NAME_SIZE]; // NUL-terminated, NUL-filled; empty: the id is free
};

// The arena is counted in u32 slots but mapped in lines, because a BPF array map would pad single u32s.
struct aya_lookup_line {
    u32 backend[16];
};

enum {
    AYA_SOURCES_IPV4_KEYS = 16, // to a line
    AYA_SOURCES_IPV6_KEYS = 4,
    AYA_SOURCES_IPV4_LAYERS = 5, // for a million of ranges
    AYA_SOURCES_IPV6_LAYERS = 10,
};

// The first line of a set of sources in the arena: source_set.h. A layer of which the set has no need is 0.
struct aya_source_set {
    u32 lines;                         // of the whole set, this one included
    u32 ipv4[AYA_SOURCES_IPV4_LAYERS]; // where each layer begins, in lines after this one: the root first
    u32 ipv6[AYA_SOURCES_IPV6_LAYERS];
};

// The flip: slot `generation & 1` is the active one.
struct aya_control {
    u64 generation;
    u64 preparing; // generation whose slot is being written, or was written last; shm.hpp
    u64 unused[6];
};

// The tables that exist twice, in the order in which they stand in a segment. All are written by the control
// plane alone. Layouts, slots, views, BPF maps and pins, and the publisher's copies are made from these rows.
// Not among them, because there is one of each: `control`, `settings` (one per slot) and `lookup` (the
// arena).
//
// X(table, entry, per): `table` is an array of struct aya_`entry`, one for each possible `per`: vip (hash
// entries), service or backend.

// Read for packets.
#define AYA_PACKET_TABLES(X)        \
    X(vips, vip, vip)               \
    X(port_ranges, port_range, vip) \
    X(services, service, service)   \
    X(backends, backend, backend)   \
    X(tunnels, tunnel, backend)     \
    X(guards, guard, service)       \
    X(quics, quic, service)         \
    X(servers, server, backend)

// Read by people, and by a control plane that comes back.
#define AYA_NAME_TABLES(X)          \
    X(service_names, name, service) \
    X(backend_names, name, backend)

#define AYA_TABLES(X)    \
    AYA_PACKET_TABLES(X) \
    AYA_NAME_TABLES(X)

#define AYA_MAX_IDLE 32400 // ticks, over 9 h; they are compared modulo 2^16

AYA_STATIC_ASSERT(sizeof(struct aya_prefix_length) == 24, "table ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_settings) == 704, "table ABI");
AYA_STATIC_ASSERT(offsetof(struct aya_settings, vip_mask) == 256, "table ABI");
AYA_STATIC_ASSERT(offsetof(struct aya_settings, lengths) == 320, "table ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_vip) == 32, "two to a cache line");
AYA_STATIC_ASSERT(sizeof(struct aya_port_range) == 8, "what an array map pads an entry to");
AYA_STATIC_ASSERT(sizeof(struct aya_service) == 64, "one cache line");
AYA_STATIC_ASSERT(offsetof(struct aya_service, source_ignored_ipv4) == 36, "table ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_backend) == 32, "two to a cache line");
AYA_STATIC_ASSERT(offsetof(struct aya_backend, macs) == 8, "copied in whole words");
AYA_STATIC_ASSERT(offsetof(struct aya_backend, outer_src) == 24, "both addresses are one word");
AYA_STATIC_ASSERT(sizeof(struct aya_tunnel) == 64, "one cache line");
AYA_STATIC_ASSERT(offsetof(struct aya_tunnel, weight) == 48, "table ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_guard) == 64, "one cache line");
AYA_STATIC_ASSERT(sizeof(struct aya_aes_keys) == 176, "table ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_quic_config) == 224, "table ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_quic) == 29 * AYA_CACHE_LINE, "table ABI");
AYA_STATIC_ASSERT(sizeof(struct aya_server) == 16, "four to a cache line");
AYA_STATIC_ASSERT(sizeof(struct aya_lookup_line) == 64, "one cache line");
AYA_STATIC_ASSERT(sizeof(struct aya_source_set) == sizeof(struct aya_lookup_line), "a line of the arena");
AYA_STATIC_ASSERT(sizeof(struct aya_control) == 64, "one cache line");

#endif
