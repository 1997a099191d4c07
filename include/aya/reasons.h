// SPDX-License-Identifier: BSD-2-Clause
//
// Why a packet was not simply forwarded. This list is the only place: enum, counters, CLI text and
// documentation are made from it. Append only within a group; the numbers are part of the table ABI.
#ifndef AYA_REASONS_H
#define AYA_REASONS_H

#include "aya/types.h"

// X(symbol, "name", "help")
#define AYA_REASONS(X)                                                                                   \
    X(NONE, "forwarded", "forwarded to a backend")                                                       \
    /* punted to the kernel */                                                                           \
    X(PUNT_NOT_IP, "punt_not_ip", "not IPv4 or IPv6 (ARP, LLDP, ...): to the kernel")                    \
    X(PUNT_NO_VIP, "punt_no_vip", "no VIP for address, port and protocol: to the kernel")                \
    X(PUNT_PROTOCOL, "punt_protocol", "neither TCP, UDP nor ICMP: to the kernel")                        \
    X(PUNT_ICMP, "punt_icmp", "ICMP that no flow explains: to the kernel")                               \
    X(PUNT_MULTICAST, "punt_multicast", "multicast or broadcast frame: to the kernel")                   \
    /* answered by the data plane */                                                                     \
    X(REPLY_ECHO, "reply_echo", "ICMP echo to a VIP answered")                                           \
    X(REPLY_TIME_EXCEEDED, "reply_time_exceeded", "TTL ran out: ICMP time exceeded sent")                \
    X(REPLY_TOO_BIG, "reply_too_big", "would not fit the egress MTU: ICMP frag needed/too big sent")     \
    /* dropped: malformed */                                                                             \
    X(TRUNCATED, "truncated", "frame ends inside a header")                                              \
    X(BAD_IP_VERSION, "bad_ip_version", "IP version does not match the Ethernet type")                   \
    X(BAD_IP_HEADER, "bad_ip_header", "IPv4 header length below 20 bytes")                               \
    X(BAD_IP_LENGTH, "bad_ip_length", "IP length beyond the frame or shorter than its headers")          \
    X(BAD_L4_HEADER, "bad_l4_header", "TCP or UDP header does not fit or has a bad length")              \
    X(BAD_ADDRESS, "bad_address", "source address is multicast, loopback or unspecified")                \
    X(VLAN_DEPTH, "vlan_depth", "more than two VLAN tags")                                               \
    X(IPV6_EXTENSIONS, "ipv6_extensions", "too many IPv6 extension headers before the transport header") \
    X(FRAGMENT, "fragment", "IP fragment to a VIP: its flow is not known")                               \
    /* dropped: policy and state */                                                                      \
    X(NO_BACKEND, "no_backend", "the service has no backend to choose")                                  \
    X(BACKEND_UNREACHABLE, "backend_unreachable", "the backend has no resolved next hop")                \
    X(TTL_EXPIRED, "ttl_expired", "TTL ran out and the reply limit was reached")                         \
    X(TOO_BIG, "too_big", "would not fit the egress MTU and the reply limit was reached")                \
    X(REPLY_LIMIT, "reply_limit", "ICMP echo to a VIP over the reply limit")                             \
    X(NO_HEADROOM, "no_headroom", "no room in the buffer for the outer headers")                         \
    X(NO_BUFFER, "no_buffer", "no buffer for a packet to send")                                          \
    X(TX_FULL, "tx_full", "the port's transmit queue was full")                                          \
    X(PUNT_FULL, "punt_full", "the queue to the kernel was full")                                        \
    X(PUNT_NONE, "punt_none", "for the kernel, but this port has no punt interface")                     \
    X(TAKEN_OVER, "taken_over", "left by a worker that hung: the XDP program forwards in its place")     \
    X(INTERNAL, "internal", "a table entry pointed outside its table; a bug, please report")             \
    /* notes: the packet was forwarded all the same */                                                   \
    X(FLOW_NEW, "flow_new", "flow remembered")                                                           \
    X(FLOW_PREVIOUS, "flow_previous", "unknown connection given to its backend of the previous table")   \
    X(FLOW_RESCHEDULED, "flow_rescheduled", "remembered backend is gone: scheduled anew")                \
    X(FLOW_EVICTED, "flow_evicted", "a live flow made room for a newer one")                             \
    X(FLOW_NOT_REMEMBERED, "flow_not_remembered", "no room in the flow table: forwarded by hash alone")

enum aya_reason {
#define AYA_X(symbol, name, help) AYA_REASON_##symbol,
    AYA_REASONS(AYA_X)
#undef AYA_X
        AYA_REASON_COUNT
};

AYA_STATIC_ASSERT(AYA_REASON_COUNT <= 64, "counters reserve 64 reasons");

#endif
