// SPDX-License-Identifier: BSD-2-Clause
//
// What compile() gives and the publisher takes: what every table entry shall say, before ids and places in
// the arena are known.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "aya/tables.h"
#include "config/config.hpp"
#include "model/source_set.hpp"

namespace aya
{

struct BackendImage {
    std::string name;
    IpAddress address;
    // As it will be in the table, except for `incarnation` and `service`, which are 0 and the publisher's to
    // set.
    aya_backend entry{};
    aya_tunnel tunnel{};
    aya_server server{};
    u32 effective_weight = 0;  // 0: gets no new flows
    u32 slots = 0;             // of the lookup table
    double share = 0;          // slots / size of the lookup table
    bool reachable = false;    // has a next hop with a known MAC on a data plane port
    bool needs_tunnel = false; // not reachable because it is behind a router, which encap l2 does not cross
    std::string reason;        // why it gets no new flows, for people; empty: it gets some
};

// Position -> index into ServiceImage::backends. Shared: a table that did not change is the same object.
using LookupTable = std::shared_ptr<const std::vector<u32>>;

struct ServiceImage {
    std::string name;
    u32 flags = 0; // enum aya_service_flags
    u16 idle_timeout[AYA_FLOW_STATES] = {};
    be32 source_ignored_ipv4 = {};
    be32 source_ignored_ipv6[4] = {};
    std::vector<VipKey> vips;
    std::set<Prefix> local;             // of their addresses, those that the kernel has, too
    std::vector<BackendImage> backends; // in the order of the configuration
    LookupTable lookup;                 // never null; empty: packets are dropped as no_backend
    SourceSet sources;                  // null: no lists
    aya_guard guard{};                  // as it will be in the table, except for the place of the lists
    aya_quic quic{};                    // except for where its servers stand
    std::vector<u32> servers;           // place -> index into `backends`, or their number: a free place
    bool panic = false;                 // health is not believed: see ServiceConfig::panic_threshold
    std::vector<std::string> warnings;  // one line each, for people
};

// Everything that is to be live. Services that did not change are the same objects as in the image before,
// which is how the publisher knows without looking.
struct TableImage {
    Seed seed{};
    bool resets = false; // a SYN that no service takes is answered by a RST
    std::vector<std::shared_ptr<const ServiceImage>> services;
};

} // namespace aya
