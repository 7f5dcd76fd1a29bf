#include <sodium.h>

#include "service/parts.h"

/* 128 bits of BLAKE2b over what the resource is and its bytes: strong (RFC 9110, 8.8.1). */
void service_etag(const struct store_key *k, struct str body, char ret[SERVICE_ETAG_MAX])
{
    unsigned char digest[16];
    unsigned char head[2] = {(unsigned char)k->type, (unsigned char)k->kind};
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, sizeof digest);
    crypto_generichash_update(&st, head, sizeof head);
    crypto_generichash_update(&st, (const unsigned char *)(body.n ? body.p : ""), body.n);
    crypto_generichash_final(&st, digest, sizeof digest);
    ret[0] = '"';
    sodium_bin2hex(ret + 1, 33, digest, sizeof digest);
    ret[33] = '"';
    ret[34] = '\0';
}
