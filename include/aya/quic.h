// SPDX-License-Identifier: BSD-2-Clause
//
// QUIC by its connection ids, as in draft-ietf-quic-load-balancers (QUIC-LB). The server of a connection
// makes ids that name it; the client sends them in each packet. So a connection keeps its backend when its
// client gets another address, or when the backends have changed.
//
// Of a packet with an id that names a live backend, nothing else counts: neither the entry of its flow, which
// may be that of an earlier connection from the same address and port, nor the hash. All other packets go as
// those of any flow: a client's first ones, whose ids it has made up itself, and stateless resets.
//
//     0                 1                        1 + server_id_length      1 + length
//     | config | random | server id              | nonce                   | the server's own ...
//       3 bits   5 bits   in clear, or both together encrypted
#ifndef AYA_QUIC_H
#define AYA_QUIC_H

#include "aya/aes.h"
#include "aya/flow.h"
#include "aya/forward.h"
#include "aya/tables.h"

enum {
    // Octets of a connection id in all versions that are known: RFC 9000 17.2. Every packet that can be one
    // of QUIC has as many after the place where its id begins (RFC 9001 5.4.2, RFC 9000 10.3).
    AYA_QUIC_WINDOW = 20,
    AYA_QUIC_LONG_HEADER = 0x80, // RFC 8999 5.1
    AYA_QUIC_LONG_ID = 6,        // where the destination's connection id begins, after its length
    AYA_QUIC_SHORT_ID = 1,       // RFC 8999 5.2
    AYA_QUIC_UNROUTABLE = 7,     // config id of ids that name nothing
};

// AES of one block. A shell that has something faster brings its own.
#ifndef AYA_AES_DEFINED
AYA_INLINE struct aya_block aya_aes_crypt(const struct aya_aes_keys *keys, struct aya_block block,
                                          const int decrypts, struct aya_id_scratch *scratch)
{
    return aya_aes_by_table(keys, block, decrypts, scratch);
}
#endif

AYA_INLINE struct aya_block aya_block_and(struct aya_block a, struct aya_block b)
{
    const struct aya_block both = {a.low & b.low, a.high & b.high};
    return both;
}

AYA_INLINE struct aya_block aya_block_xor(struct aya_block a, struct aya_block b)
{
    const struct aya_block sum = {a.low ^ b.low, a.high ^ b.high};
    return sum;
}

// Moves the bytes `count` places, 0 to 15, towards the end; zeros come in at the front.
AYA_INLINE struct aya_block aya_block_back(struct aya_block block, u32 count)
{
    const u32 bits = (count & 7) * 8;
    if (count & 8) {
        block.high = block.low;
        block.low = 0;
    }
    const struct aya_block moved = {block.low << bits, block.high << bits | block.low >> 1 >> (63 - bits)};
    return moved;
}

// The other way; `after`: the bytes that come in at the end.
AYA_INLINE struct aya_block aya_block_front(struct aya_block block, u64 after, u32 count)
{
    const u32 bits = (count & 7) * 8;
    if (count & 8) {
        block.low = block.high;
        block.high = after;
        after = 0;
    }
    const struct aya_block moved = {block.low >> bits | block.high << 1 << (63 - bits),
                                    block.high >> bits | after << 1 << (63 - bits)};
    return moved;
}

// A configuration, as the tables have it. `key`: 16 octets, or NULL for ids in clear.
AYA_INLINE void aya_quic_config_init(struct aya_quic_config *config, u32 server_id_length, u32 nonce_length,
                                     const u8 *key)
{
    const struct aya_block all = {~0ull, ~0ull}, low_nibble = {0x0f, 0};
    const u32 length = server_id_length + nonce_length, half = (length + 1) / 2;
    __builtin_memset(config, 0, sizeof(*config));
    config->server_id_length = (u8)server_id_length;
    config->length = (u8)length;
    config->bits[0] = config->bits[1] = aya_block_xor(all, aya_block_back(all, half));
    if (length % 2 != 0) {
        config->bits[0] = aya_block_xor(config->bits[0], aya_block_back(low_nibble, half - 1));
        config->bits[1].low &= ~0xf0ull;
    }
    config->form = AYA_QUIC_PLAIN;
    if (!key)
        return;
    struct aya_aes_keys encrypt;
    aya_aes_expand(&encrypt, key);
    config->keys = encrypt;
    config->form = nonce_length >= server_id_length ? AYA_QUIC_THREE_PASSES : AYA_QUIC_FOUR_PASSES;
    if (length == sizeof(struct aya_block)) {
        config->form = AYA_QUIC_ONE_BLOCK;
        aya_aes_invert(&config->keys, &encrypt);
    }
}

AYA_INLINE int aya_quic_has_passes(const struct aya_quic_config *config)
{
    return config->form >= AYA_QUIC_THREE_PASSES;
}

// The server id of scratch->id, in three steps. First, what can be done at once; else the two halves. If the
// length is odd, the octet in the middle belongs to both, nibble by nibble.
AYA_INLINE void aya_quic_begin(const struct aya_quic_config *config, struct aya_id_scratch *scratch)
{
    struct aya_block *text = &scratch->text;
    aya_copy(&text->low, scratch->id + 1, sizeof(text->low));
    aya_copy(&text->high, scratch->id + 9, sizeof(text->high));
    if (config->form == AYA_QUIC_ONE_BLOCK)
        *text = aya_aes_crypt(&config->keys, *text, 1, scratch);
    if (!aya_quic_has_passes(config))
        return;
    const u64 rest = aya_load_u32(scratch->id + 16) >> 8;
    scratch->half[0] = aya_block_and(*text, config->bits[0]);
    scratch->half[1] = aya_block_and(aya_block_front(*text, rest, config->length / 2), config->bits[1]);
}

// The rounds of the Feistel network are run backwards, from the fourth on, as many as the server id needs.
enum { AYA_QUIC_PASSES = 4 };

AYA_INLINE u32 aya_quic_last_pass(u32 form)
{
    return form == AYA_QUIC_THREE_PASSES ? 2 : 1;
}

AYA_INLINE void aya_quic_pass(const struct aya_quic_config *config, u32 pass, struct aya_id_scratch *scratch)
{
    const u32 changes = pass & 1;
    struct aya_block block = scratch->half[changes ^ 1];
    block.high |= (u64)config->length << 48 | (u64)pass << 56;
    block = aya_block_and(aya_aes_crypt(&config->keys, block, 0, scratch), config->bits[changes]);
    scratch->half[changes] = aya_block_xor(scratch->half[changes], block);
}

// As in struct aya_server.
AYA_INLINE struct aya_block aya_quic_finish(const struct aya_quic_config *config,
                                            const struct aya_id_scratch *scratch)
{
    struct aya_block text = scratch->text;
    if (aya_quic_has_passes(config)) {
        const struct aya_block right = aya_block_back(scratch->half[1], config->length / 2);
        text.low = scratch->half[0].low | right.low; // after three passes, only the left half is right
        text.high = scratch->half[0].high | right.high;
    }
    return aya_block_back(text, 16 - (config->server_id_length & 15));
}

AYA_INLINE struct aya_block aya_quic_server_id(const struct aya_quic_config *config,
                                               struct aya_id_scratch *scratch)
{
    aya_quic_begin(config, scratch);
    if (aya_quic_has_passes(config))
        for (u32 pass = AYA_QUIC_PASSES; pass >= aya_quic_last_pass(config->form); pass--)
            aya_quic_pass(config, pass, scratch);
    return aya_quic_finish(config, scratch);
}

// Where a server id of `length` octets, at the end of `id`, is looked for first; to be taken modulo the size.
AYA_INLINE u32 aya_server_place(const struct aya_hash_key *key, struct aya_block id, u32 length)
{
    const u64 *k = key->lane[0];
    const u64 h = k[0] + (k[1] + (u32)id.low) * (k[2] + (id.low >> 32)) +
                  (k[3] + (u32)id.high) * (k[4] + (id.high >> 32)) + k[5] * length;
    return (u32)(h >> 32);
}

// Whether the last `length` octets of the server's id are those of `id`, before which there are zeros.
AYA_INLINE int aya_is_server(const struct aya_server *server, struct aya_block id, u32 length)
{
    const struct aya_block all = {~0ull, ~0ull};
    const struct aya_block own = aya_block_and(server->id, aya_block_back(all, 16 - (length & 15)));
    return ((own.low ^ id.low) | (own.high ^ id.high)) == 0;
}

// The live backend with this server id, or AYA_BACKEND_NONE.
AYA_INLINE u32 aya_server_search(const struct aya_view *view, const struct aya_quic *quic, u16 service_id,
                                 struct aya_block id, u32 length, u8 *notes)
{
    const u32 size = quic->servers_size;
    const u32 at = aya_server_place(&aya_view_settings(view)->hash_key, id, length);
    for (u32 i = 0; i < AYA_SERVER_PROBES && size != 0; i++) {
        const u32 *place = aya_view_lookup(view, quic->servers_offset + ((at + i) & (size - 1)));
        const u32 named = place ? *place : (u32)AYA_BACKEND_NONE; // once: another process writes there
        const struct aya_server *server = aya_view_server(view, named);
        if (!server || named == AYA_BACKEND_NONE) // an accessor of BPF may give the other slot's last entry
            break;
        if (!aya_is_server(server, id, length))
            continue;
        const struct aya_backend *backend = aya_view_backend(view, named);
        if (aya_is_alive(backend) && backend->service == service_id)
            return named;
        break;
    }
    *notes |= AYA_NOTE_QUIC_NO_SERVER;
    return AYA_BACKEND_NONE;
}

// The configuration of scratch->id, which has `length` octets as far as that is known; NULL: it names
// nothing.
AYA_INLINE const struct aya_quic_config *
aya_quic_config_of(const struct aya_quic *quic, const struct aya_id_scratch *scratch, u32 length, u8 *notes)
{
    const u32 config_id = scratch->id[0] >> 5;
    if (!quic || length == 0 || config_id == AYA_QUIC_UNROUTABLE)
        return NULL;
    const struct aya_quic_config *config = &quic->configs[config_id & (AYA_QUIC_CONFIGS - 1)];
    if (config->form != AYA_QUIC_NONE && length > config->length)
        return config;
    *notes |= AYA_NOTE_QUIC_NO_CONFIG;
    return NULL;
}

// The backend that scratch->id names, or AYA_BACKEND_NONE.
AYA_INLINE u32 aya_quic_search(const struct aya_view *view, u16 service_id, struct aya_id_scratch *scratch,
                               u32 length, u8 *notes)
{
    const struct aya_quic *quic = aya_view_quic(view, service_id);
    const struct aya_quic_config *config = aya_quic_config_of(quic, scratch, length, notes);
    if (!config)
        return AYA_BACKEND_NONE;
    const struct aya_block server_id = aya_quic_server_id(config, scratch);
    return aya_server_search(view, quic, service_id, server_id, config->server_id_length, notes);
}

// Whether a packet of this service may have a connection id that counts. A first fragment has one, too, but
// the later ones do not; QUIC forbids fragments (RFC 9000 14).
AYA_INLINE int aya_may_have_id(const struct aya_service *service, const struct aya_packet *packet)
{
    return service && service->flags & AYA_SERVICE_QUIC && packet->flow.protocol == AYA_PROTO_UDP &&
           packet->kind == AYA_KIND_DATA;
}

// Reads the destination's connection id of a UDP packet, whose IP header is at `l3_offset` and was parsed, to
// scratch->id. Answers its length, AYA_QUIC_WINDOW if the header does not tell it, or 0: there is none. IPv6
// with extension headers is not looked into.
AYA_INLINE u32 aya_quic_read_id(const u8 *frame, const u8 *end, u32 l3_offset, struct aya_id_scratch *scratch)
{
    const u8 *l3 = frame + (l3_offset & 31); // 22 at most, which the verifier does not know
    if (l3 + sizeof(struct aya_ipv6) > end)
        return 0;
    const struct aya_ipv6 *ipv6 = (const struct aya_ipv6 *)l3;
    u32 headers = sizeof(*ipv6), l3_length = (u32)sizeof(*ipv6) + aya_read_be16(&ipv6->payload_length);
    if (l3[0] >> 4 == 4) {
        headers = (u32)(l3[0] & 0x0f) * 4;
        l3_length = aya_read_be16(&((const struct aya_ipv4 *)l3)->total_length);
    } else if (ipv6->next_header != AYA_PROTO_UDP) {
        return 0;
    }
    headers += sizeof(struct aya_udp);
    const u8 *payload = l3 + headers;
    if (payload + AYA_QUIC_SHORT_ID + AYA_QUIC_WINDOW > end ||
        headers + AYA_QUIC_SHORT_ID + AYA_QUIC_WINDOW > l3_length)
        return 0;
    if (!(payload[0] & AYA_QUIC_LONG_HEADER)) {
        aya_copy(scratch->id, payload + AYA_QUIC_SHORT_ID, AYA_QUIC_WINDOW);
        return AYA_QUIC_WINDOW;
    }
    if (payload + AYA_QUIC_LONG_ID + AYA_QUIC_WINDOW > end ||
        headers + AYA_QUIC_LONG_ID + AYA_QUIC_WINDOW > l3_length)
        return 0;
    aya_copy(scratch->id, payload + AYA_QUIC_LONG_ID, AYA_QUIC_WINDOW);
    return payload[AYA_QUIC_LONG_ID - 1];
}

// A packet that names a live backend goes there. Its flow is remembered for what names none: ICMP errors,
// stateless resets. A live entry for another backend stays, as anybody can send an id from any address.
AYA_INLINE void aya_follow_id(const struct aya_view *view, const struct aya_packet *packet, u16 service_id,
                              u64 hash, struct aya_flow_set *set, struct aya_flow_entry *entry, u16 now,
                              u32 backend_id, struct aya_verdict *verdict)
{
    const struct aya_service *service = aya_view_service(view, service_id);
    const struct aya_backend *backend = aya_view_backend(view, backend_id);
    verdict->notes = 0;
    verdict->service = service_id;
    if (AYA_UNLIKELY(!service || !backend)) {
        aya_refuse(verdict, AYA_REASON_INTERNAL);
        return;
    }
    // Its connection is not new: its server has made the id.
    u32 answer = aya_ask_about(view, service, service_id, packet, entry, now, AYA_GUARD_ASKS_FLOW);
    AYA_OPAQUE(answer); // as in aya_decide
    if (AYA_UNLIKELY((answer - 1) < AYA_GUARD_REASON)) {
        aya_refuse(verdict, (enum aya_reason)answer);
        return;
    }
    verdict->backend_id = backend_id;
    verdict->backend = backend;
    const enum aya_reason reason = aya_check_fit(packet, backend);
    aya_settle(verdict, reason);
    if (AYA_UNLIKELY(reason != AYA_REASON_NONE))
        return;
    if (entry && aya_is_same_backend(aya_view_backend(view, entry->backend), entry, service_id)) {
        if (AYA_LIKELY(entry->backend == backend_id)) {
            if (AYA_UNLIKELY(!(entry->marks & AYA_FLOW_NAMED)))
                entry->marks |= AYA_FLOW_NAMED;
            aya_touch(view, entry, service, packet, now);
            return;
        }
        if (aya_flow_remaining(entry, now) > 0) {
            verdict->notes = AYA_NOTE_QUIC_BY_ID;
            return;
        }
    }
    verdict->notes = AYA_NOTE_QUIC_BY_ID;
    if (!set || service->flags & AYA_SERVICE_STATELESS || (!entry && answer & AYA_GUARD_FORGETS))
        return;
    struct aya_flow_entry *place = entry ? entry : aya_find_place(view, set, now, 0, &verdict->notes);
    if (!place) {
        verdict->notes |= AYA_NOTE_NOT_REMEMBERED;
        return;
    }
    aya_let_go(view, place);
    aya_flow_write(place, hash, service_id, backend_id, backend->incarnation, AYA_FLOW_EMBRYONIC,
                   (u16)(now + aya_idle_timeout(service, AYA_FLOW_EMBRYONIC)));
    place->marks = AYA_FLOW_NAMED;
    verdict->notes |= AYA_NOTE_NEW;
}

// aya_choose for a packet with aya_may_have_id().
AYA_INLINE void aya_choose_by_id(const struct aya_view *view, const struct aya_packet *packet,
                                 const u8 *frame, const u8 *end, u16 service_id, u64 hash,
                                 struct aya_flow_set *set, struct aya_flow_entry *entry, u16 now,
                                 struct aya_verdict *verdict)
{
    u8 notes = 0;
    struct aya_id_scratch scratch;
    u32 backend_id = AYA_BACKEND_NONE;
    const u32 length = aya_quic_read_id(frame, end, packet->l3_offset, &scratch);
    if (length != 0)
        backend_id = aya_quic_search(view, service_id, &scratch, length, &notes);
    if (backend_id == AYA_BACKEND_NONE) {
        aya_choose(view, packet, service_id, hash, set, entry, now, verdict);
        verdict->notes |= notes;
        return;
    }
    if (set)
        entry = aya_flow_locate(set, hash, service_id);
    aya_follow_id(view, packet, service_id, hash, set, entry, now, backend_id, verdict);
}

#endif
