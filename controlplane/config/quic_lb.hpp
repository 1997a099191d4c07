// SPDX-License-Identifier: BSD-2-Clause
// Server ids and connection ids of QUIC-LB: draft-ietf-quic-load-balancers.
#pragma once

#include "aya/tables.h"
#include "common/json/error_sink.hpp"
#include "common/json/kinds.hpp"
#include "config.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace aya
{

using Octets = std::vector<std::uint8_t>;

// Section 3.1 and 5.2 of the draft.
constexpr int kLargestQuicConfigId = 6;
constexpr int kShortestNonce = 4;
constexpr int kLongestQuicId = 19; // server id and nonce
constexpr int kLongestServerId = kLongestQuicId - kShortestNonce;
constexpr int kLongestNonce = kLongestQuicId - 1;

Kind<Octets> server_id_kind();

// The path alone; read_key_files() reads the key.
Kind<KeyFile> key_file_kind();

using KeysByPath = std::map<std::string, KeyFile::Key>;
KeysByPath keys_of(const std::vector<ServiceConfig> &services);

// Fills in the keys that are absent: those that `known` has by their path are taken from there, the others
// are read from their files, which must not be open to other users.
void read_key_files(std::vector<ServiceConfig> &services, KeysByPath known, ErrorSink &errors);

std::string hex_of(std::span<const std::uint8_t> octets);
std::optional<Octets> octets_of(std::string_view hex);

// The last `length` octets of what identifies the backend: its server id or, without one, its address.
Octets server_id_of(const BackendConfig &backend, std::size_t length);

// All of it, as the tables have it.
aya_server server_entry(const BackendConfig &backend);

// How the packet path reads ids of this configuration.
aya_quic_config quic_entry(const QuicLbConfig &config);

// A connection id that a server may use: server id and nonce have the lengths of the configuration.
Octets make_quic_id(const QuicLbConfig &config, const Octets &server_id, const Octets &nonce);

} // namespace aya
