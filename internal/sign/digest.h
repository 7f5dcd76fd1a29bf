/*
 * digest.h - the hash of what an OpenPGP signature is over, taken in pieces (RFC 4880, 5.2.4).
 * Internal to sign, but for the struct. A value that owns nothing; about 1 ns a byte with SHA-256.
 */
#ifndef SIGN_DIGEST_H
#define SIGN_DIGEST_H

#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "base/str.h"

/* RFC 4880, 9.4. SHA-1 is known because keys from before 2015 tie their user ID with it. */
enum sign_hash { SIGN_SHA1 = 2, SIGN_SHA256 = 8, SIGN_SHA512 = 10 };
#define SIGN_DIGEST_MAX SHA512_DIGEST_SIZE

struct sign_digest {
    uint8_t hash;
    bool text;     /* every line ends in CR LF before it is hashed */
    bool after_cr; /* in a text: the byte before was a CR */
    union {
        struct sha1_ctx sha1;
        struct sha256_ctx sha256;
        struct sha512_ctx sha512;
    };
};

/* False for a hash that is not known. */
bool sign_digest_start(struct sign_digest *d, uint8_t hash, bool text);
void sign_digest_add(struct sign_digest *d, struct str s);
/* The digest and its length. */
size_t sign_digest_finish(struct sign_digest *d, unsigned char ret[SIGN_DIGEST_MAX]);

#endif
