// SPDX-License-Identifier: BSD-2-Clause
//
// Preloaded into ngtcp2's server (gtlsserver), which makes its connection ids, of 18 octets, at random: they
// come from a file instead, one a line in hex, as `ayactl quic id` prints them. Octets after those of the
// file are the server's own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { kIdLength = 18 };

static int next_id(unsigned char *id)
{
    static FILE *file;
    char line[2 * kIdLength + 2];
    if (!file)
        file = fopen(getenv("AYA_QUIC_IDS"), "r");
    if (!file || !fgets(line, sizeof(line), file)) {
        fprintf(stderr, "quic_ids: no connection id is left\n");
        abort();
    }
    for (int i = 0; i < kIdLength && sscanf(line + 2 * i, "%2hhx", &id[i]) == 1; i++)
        ;
    return 0;
}

int gnutls_rnd(int level, void *data, size_t length);

int gnutls_rnd(int level, void *data, size_t length)
{
    static int (*original)(int, void *, size_t);
    if (!original)
        *(void **)&original = dlsym(RTLD_NEXT, "gnutls_rnd");
    const int result = original(level, data, length);
    return result == 0 && length == kIdLength ? next_id(data) : result;
}
