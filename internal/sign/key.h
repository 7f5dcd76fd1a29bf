/*
 * key.h - what a key is made of. Internal to sign.
 */
#ifndef SIGN_KEY_H
#define SIGN_KEY_H

#include <sodium.h>

#include "sign/packet.h"
#include "sign/sign.h"
#include "sign/signature.h"

#define SIGN_KEY_VERSION      4
#define SIGN_KEY_BODY_BYTES   51 /* of a public key packet: all Ed25519 keys have as many */
#define SIGN_HASHED_KEY_BYTES (3 + SIGN_KEY_BODY_BYTES)
#define SIGN_INPUT_MAX        (1u << 20) /* bytes that a key or a signature may have, as text too */
#define SIGN_USER_ID_MAX      2048       /* bytes, as in gpg */
#define SIGN_USAGE_PLAIN      0          /* a secret key that is not encrypted (RFC 4880, 5.5.3) */

struct sign_key {
    uint32_t created; /* seconds since 1970 */
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
    unsigned char *secret_key; /* 64 bytes from sodium_malloc, NULL in a public key */
    unsigned char fingerprint[SIGN_FINGERPRINT_BYTES];
    struct buf user_id;
    struct buf certification; /* the signature packet that ties the user ID to the key */
};

/* ERR_NOMEM; ERR_IO if libsodium finds no source of randomness. */
err_code sign_key_alloc(struct sign_key **ret, struct err *e);
static inline void sign_key_cleanup(struct sign_key **k)
{
    sign_key_free(*k);
}
/* Derives both halves, as the key's. ERR_NOMEM. */
err_code sign_key_set_seed(struct sign_key *k, const unsigned char seed[SIGN_SEED_BYTES],
                           struct err *e);
/* The fingerprint of created and public_key (RFC 4880, 12.2). */
void sign_key_set_fingerprint(struct sign_key *k);
/* ERR_INVALID unless it is 1 to SIGN_USER_ID_MAX bytes of UTF-8 with no control character. */
err_code sign_key_set_user_id(struct sign_key *k, struct str user_id, struct err *e);

/* What a certification of the key's user ID, or its revocation, is over. The parts are in room. */
struct sign_key_subject {
    struct sign_subject subject;
    char key[SIGN_HASHED_KEY_BYTES];
    char user_id[5];
};
void sign_key_subject(const struct sign_key *k, struct sign_key_subject *room);

/* The sum of the bytes, which stands after a secret key that is not encrypted. */
uint16_t sign_checksum(struct str s);

/* The object identifier of Ed25519's curve, 1.3.6.1.4.1.11591.15.1, with its length. */
#define SIGN_CURVE "\x09\x2B\x06\x01\x04\x01\xDA\x47\x0F\x01"
/* Before the 32 bytes of a point in compressed form (draft-ietf-openpgp-rfc4880bis, 13.3). */
#define SIGN_POINT_PREFIX 0x40

#endif
