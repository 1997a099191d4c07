// SPDX-License-Identifier: BSD-2-Clause
#include "fields.hpp"
#include "quic_lb.hpp"

namespace aya
{

template <>
const Fields<QuicLbConfig> &fields()
{
    static const Fields<QuicLbConfig> rows({
        field("config_id", &QuicLbConfig::config_id, integer_kind(0, kLargestQuicConfigId),
              "Config id: the first three bits of a connection id")
            .required()
            .rule("each once in the service")
            .more("Ids whose first bits are 7 name no server and go by their flow."),
        field("server_id_length", &QuicLbConfig::server_id_length, integer_kind(1, kLongestServerId),
              "Octets of the server id")
            .required(),
        field("nonce_length", &QuicLbConfig::nonce_length, integer_kind(kShortestNonce, kLongestNonce),
              "Octets of the nonce")
            .required()
            .rule("at most 19 with `server_id_length`")
            .more("With a key, 16 in all costs one step of AES; other lengths cost three, or four if the "
                  "server id is longer than the nonce."),
        field("key_file", &QuicLbConfig::key_file, key_file_kind(),
              "File with the key that encrypts the ids, 32 hex digits")
            .absent("not encrypted")
            .more("Without a key, everybody can see which backend serves a connection. The file is read "
                  "with the configuration, and again when that is reloaded. `openssl rand -hex 16` makes a "
                  "key."),
    });
    return rows;
}

} // namespace aya
