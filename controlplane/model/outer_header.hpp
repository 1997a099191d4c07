// SPDX-License-Identifier: BSD-2-Clause
// The ready-made headers of a backend's table entry, as include/aya/rewrite.h copies and patches them.
#pragma once

#include "aya/tables.h"
#include "config/config.hpp"

namespace aya
{

// Ethernet for `l2`: the type stays that of the packet.
void write_l2_header(aya_backend &entry, const Mac &destination, const Mac &source);

// Ethernet and outer IP for `ipip`, both addresses of one family. Sets outer_length and partial_checksum.
void write_ipip_header(aya_backend &entry, const Mac &destination_mac, const Mac &source_mac,
                       const IpAddress &destination, const IpAddress &source);

// The same for `gue`, with UDP to `port` behind the outer IP header.
void write_gue_header(aya_backend &entry, const Mac &destination_mac, const Mac &source_mac,
                      const IpAddress &destination, const IpAddress &source, u16 port);

} // namespace aya
