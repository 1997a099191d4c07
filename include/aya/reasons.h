// SPDX-License-Identifier: BSD-2-Clause
//
// Why a packet was not simply forwarded. This list is the only source: enum, counters, CLI text and
// documentation are made from it. Append within a group only; the numbers are part of the table ABI.
#ifndef AYA_REASONS_H
#define AYA_REASONS_H

#include "aya/types.h"

enum aya_action {
    AYA_ACTION_FORWARD, // to the verdict's backend
    AYA_ACTION_PUNT,    // to the kernel, unchanged
    AYA_ACTION_DROP,
    AYA_ACTION_REPLY, // answer by `reason` on the port that the packet came in
};

// X(symbol, ACTION, "name", "help")
#define AYA_REASONS(X)                                                                                      \
    X(NONE, FORWARD, "forwarded", "forwarded to a backend")                                                 \
    /* punted to the kernel */                                                                              \
    X(PUNT_NOT_IP, PUNT, "punt_not_ip", "not IPv4 or IPv6 (ARP, LLDP, ...): to the kernel")                 \
    X(PUNT_NO_VIP, PUNT, "punt_no_vip", "no VIP for address, port and protocol: to the kernel")             \
    X(PUNT_PROTOCOL, PUNT, "punt_protocol", "neither TCP, UDP nor ICMP: to the kernel")                     \
    X(PUNT_ICMP, PUNT, "punt_icmp", "ICMP that belongs to no known flow: to the kernel")                    \
    X(PUNT_MULTICAST, PUNT, "punt_multicast", "multicast or broadcast frame: to the kernel")                \
    X(PUNT_NEIGHBOUR, PUNT, "punt_neighbour", "IPv6 neighbour discovery: to the kernel")                    \
    X(PUNT_FRAGMENT, PUNT, "punt_fragment",                                                                 \
      "IP fragment of no known flow to a VIP's address that the kernel has, too: to the kernel")            \
    /* answered by the data plane */                                                                        \
    X(REPLY_ECHO, REPLY, "reply_echo", "ICMP echo to a VIP answered")                                       \
    X(REPLY_TIME_EXCEEDED, REPLY, "reply_time_exceeded", "TTL expired: ICMP time exceeded sent")            \
    X(REPLY_TOO_BIG, REPLY, "reply_too_big", "would not fit the egress MTU: ICMP frag needed/too big sent") \
    X(REPLY_NO_DF, REPLY, "reply_no_df",                                                                    \
      "would not fit the egress MTU and may be fragmented, which AYA does not do: ICMP frag needed sent")   \
    X(REPLY_RESET, REPLY, "reply_reset", "TCP SYN to a VIP's address that no service takes: RST sent")      \
    X(REPLY_BACKEND_DOWN, REPLY, "reply_backend_down",                                                      \
      "TCP packet of a flow whose backend is down (on_down reset): RST sent")                               \
    /* dropped: malformed */                                                                                \
    X(TRUNCATED, DROP, "truncated", "frame ends inside a header")                                           \
    X(BAD_IP_VERSION, DROP, "bad_ip_version", "IP version does not match the Ethernet type")                \
    X(BAD_IP_HEADER, DROP, "bad_ip_header", "IPv4 header length below 20 bytes")                            \
    X(BAD_IP_LENGTH, DROP, "bad_ip_length", "IP length beyond the frame or shorter than its headers")       \
    X(BAD_L4_HEADER, DROP, "bad_l4_header", "TCP or UDP header does not fit or has a bad length")           \
    X(BAD_ADDRESS, DROP, "bad_address", "source address is multicast, loopback or unspecified")             \
    X(OTHER_STATION, DROP, "other_station",                                                                 \
      "frame for another station's MAC address; the XDP program leaves it to the kernel")                   \
    X(VLAN_DEPTH, DROP, "vlan_depth", "more than two VLAN tags")                                            \
    X(IPV6_EXTENSIONS, DROP, "ipv6_extensions",                                                             \
      "too many IPv6 extension headers before the transport header")                                        \
    X(FRAGMENT, DROP, "fragment", "IP fragment to a VIP: its flow is not known")                            \
    /* dropped: policy and state */                                                                         \
    X(NO_BACKEND, DROP, "no_backend", "the service has no backend to choose")                               \
    X(BACKEND_DOWN, DROP, "backend_down",                                                                   \
      "TCP packet of a flow whose backend is down (on_down reset): IP options, extensions, over the limit") \
    X(BACKEND_UNREACHABLE, DROP, "backend_unreachable", "the backend has no resolved next hop")             \
    X(TTL_EXPIRED, DROP, "ttl_expired", "TTL expired and the reply limit was reached")                      \
    X(TOO_BIG, DROP, "too_big", "would not fit the egress MTU and the reply limit was reached")             \
    X(BELOW_IPV6_MINIMUM, DROP, "below_ipv6_minimum",                                                       \
      "IPv6 packet of at most 1280 bytes, which every path must take, would not fit the egress MTU")        \
    X(REPLY_LIMIT, DROP, "reply_limit", "ICMP echo to a VIP over the reply limit")                          \
    X(NO_HEADROOM, DROP, "no_headroom", "no room in the buffer for the outer headers")                      \
    X(NO_BUFFER, DROP, "no_buffer", "no buffer for a packet to send")                                       \
    X(TX_FULL, DROP, "tx_full", "the port's transmit queue was full")                                       \
    X(TX_LOST, DROP, "tx_lost", "the port took it and could not send it, or was closed meanwhile")          \
    X(PUNT_FULL, DROP, "punt_full", "the queue to the kernel was full")                                     \
    X(PUNT_NONE, DROP, "punt_none", "for the kernel, but this port has no punt interface")                  \
    X(PUNT_LIMIT, DROP, "punt_limit",                                                                       \
      "for the kernel, over the limit of what neither links, routing nor connections need")                 \
    X(PUNT_SOURCE_LIMIT, DROP, "punt_source_limit",                                                         \
      "for the kernel, opens a TCP connection, over the limit of its source")                               \
    X(TAKEN_OVER, DROP, "taken_over", "left by a worker that hung: others forward, or its tables are gone") \
    X(INTERNAL, DROP, "internal", "a table entry pointed outside its table; a bug, please report")          \
    X(UNSERVED, DROP, "unserved", "to a VIP's address, but no VIP for its port or protocol")                \
    X(DENIED, DROP, "denied", "source refused by the lists of its service")                                 \
    X(SOURCE_PACKET_LIMIT, DROP, "source_packet_limit",                                                     \
      "over its service's limit of packets from one source")                                                \
    X(PACKET_LIMIT, DROP, "packet_limit", "over its service's limit of packets")                            \
    X(SOURCE_FLOW_LIMIT, DROP, "source_flow_limit",                                                         \
      "opens a flow, over its service's limit of new flows from one source")                                \
    X(FLOW_LIMIT, DROP, "flow_limit", "opens a flow, over its service's limit of new flows")                \
    /* notes: the packet was forwarded anyway */                                                            \
    X(FLOW_NEW, FORWARD, "flow_new", "flow remembered")                                                     \
    X(FLOW_PREVIOUS, FORWARD, "flow_previous",                                                              \
      "unknown connection sent to its backend in the previous table")                                       \
    X(FLOW_RESCHEDULED, FORWARD, "flow_rescheduled", "remembered backend is gone: scheduled again")         \
    X(FLOW_EVICTED, FORWARD, "flow_evicted", "a live flow made room for a newer one")                       \
    X(FLOW_NOT_REMEMBERED, FORWARD, "flow_not_remembered",                                                  \
      "no room in the flow table: forwarded by hash alone")                                                 \
    X(QUIC_BY_ID, FORWARD, "quic_by_id",                                                                    \
      "sent to the backend that the QUIC connection id names, which its flow did not tell")                 \
    X(QUIC_NO_CONFIG, FORWARD, "quic_no_config",                                                            \
      "QUIC connection id of no configuration of the service: forwarded by its flow")                       \
    X(QUIC_NO_SERVER, FORWARD, "quic_no_server",                                                            \
      "QUIC connection id that names no live backend: forwarded by its flow")                               \
    X(WOULD_REFUSE, FORWARD, "would_refuse", "over a limit or on a list that only counts: let in")          \
    X(FLOW_OVER_LIMIT, FORWARD, "flow_over_limit", "over a limit of new flows: let in, and not remembered")

enum aya_reason {
#define AYA_X(symbol, action, name, help) AYA_REASON_##symbol,
    AYA_REASONS(AYA_X)
#undef AYA_X
        AYA_REASON_COUNT
};

AYA_STATIC_ASSERT(AYA_REASON_COUNT <= 64, "counters reserve 64 reasons");

// The compilers make ranges of the rows, so that this costs what two comparisons do.
AYA_INLINE enum aya_action aya_action_of(enum aya_reason reason)
{
    switch (reason) {
#define AYA_X(symbol, action, name, help) \
    case AYA_REASON_##symbol:             \
        return AYA_ACTION_##action;
        AYA_REASONS(AYA_X)
#undef AYA_X
    case AYA_REASON_COUNT:
        break;
    }
    return AYA_ACTION_DROP;
}

#endif
