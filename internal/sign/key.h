/*
 * key.h - what a key is made of. Internal to sign.
 */
#ifndef SIGN_KEY_H
#define SIGN_KEY_H

#include <sodium.h>

#include "sign/packet.h"
#include "sign/rsa.h"
#include "sign/sign.h"
#include "sign/signature.h"

#define SIGN_KEY_VERSION  4
#define SIGN_KEY_BODY_MAX 600        /* bytes of a public key packet; Ed25519: 51 */
#define SIGN_INPUT_MAX    (1u << 20) /* bytes that a key or a signature may have, as text too */
#define SIGN_USER_ID_MAX  2048       /* bytes, as in gpg */

struct sign_key {
    enum sign_algorithm algorithm;
    uint32_t created;                                     /* seconds since 1970 */
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES]; /* Ed25519 */
    unsigned char *secret_key; /* Ed25519: 64 bytes from sodium_malloc, NULL in a public key */
    struct sign_rsa *rsa;      /* RSA, else NULL */
    struct buf body;           /* of the public key packet */
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
/* The public packet's body (RFC 4880, 5.5.2) from what the key has, and its fingerprint. */
err_code sign_key_set_body(struct sign_key *k, struct err *e);
/* The fingerprint of the body (12.2). */
void sign_key_set_fingerprint(struct sign_key *k);
/* Lower-case hex. */
void sign_key_hex(const struct sign_key *k, char ret[2 * SIGN_FINGERPRINT_BYTES + 1]);
/* ERR_INVALID unless it is 1 to SIGN_USER_ID_MAX bytes of UTF-8 with no control character. */
err_code sign_key_set_user_id(struct sign_key *k, struct str user_id, struct err *e);

/* What a certification of the key's user ID is over, without the last two parts its revocation. The
   parts are in room and in k. */
struct sign_key_subject {
    struct sign_subject subject;
    char key[3];
    char user_id[5];
};
void sign_key_subject(const struct sign_key *k, struct sign_key_subject *room);

/* The object identifier of Ed25519's curve, 1.3.6.1.4.1.11591.15.1, with its length. */
#define SIGN_CURVE "\x09\x2B\x06\x01\x04\x01\xDA\x47\x0F\x01"
/* Before the 32 bytes of a point in compressed form (draft-ietf-openpgp-rfc4880bis, 13.3). */
#define SIGN_POINT_PREFIX 0x40

/*
 * The secret part of a secret key packet, after its public part in k (RFC 4880, 5.5.3), which it
 * must belong to. passphrase may be absent. Errors as sign_key_read.
 */
err_code sign_key_read_secret(struct sign_reader *r, struct str passphrase, struct sign_key *k,
                              struct err *e);
/* The secret part in the form that is not encrypted, appended to dst, which has its room. */
void sign_key_put_secret(const struct sign_key *k, struct buf *dst);
#define SIGN_SECRET_PART_MAX (1 + 2 + 4 * (2 + SIGN_RSA_BYTES_MAX))

#endif
