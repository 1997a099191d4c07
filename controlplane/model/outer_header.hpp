// SPDX-License-Identifier: BSD-2-Clause
// What a backend's table entries say of the headers in front of the client's packet, as include/aya/encap.h
// takes it from there.
#pragma once

#include "aya/tables.h"
#include "config/config.hpp"

namespace aya
{

void write_l2_header(aya_backend &entry, const Mac &destination, const Mac &source);

// The outer IP header of `ipip`, both addresses of one family. Sets outer_length and partial_checksum.
void write_ipip_header(aya_backend &entry, aya_tunnel &tunnel, const IpAddress &destination,
                       const IpAddress &source);

// The same for `gue`, with UDP to `port` after the outer IP header.
void write_gue_header(aya_backend &entry, aya_tunnel &tunnel, const IpAddress &destination,
                      const IpAddress &source, u16 port);

} // namespace aya
