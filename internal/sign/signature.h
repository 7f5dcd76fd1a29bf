/*
 * signature.h - OpenPGP v4 signatures (RFC 4880, 5.2) by Ed25519 (algorithm 22) and RSA (1).
 * Internal to sign.
 */
#ifndef SIGN_SIGNATURE_H
#define SIGN_SIGNATURE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sign/digest.h"
#include "sign/packet.h"
#include "sign/sign.h"

/* RFC 4880, 9.1, and draft-ietf-openpgp-rfc4880bis. */
enum sign_algorithm { SIGN_ALGORITHM_RSA = 1, SIGN_ALGORITHM_EDDSA = 22 };
#define SIGN_KEY_ID_BYTES 8 /* the last ones of the fingerprint */

/* Key flags (RFC 4880, 5.2.3.21). */
#define SIGN_FLAG_SIGN 0x02

/* RFC 4880, 5.2.1. */
enum sign_type {
    SIGN_BINARY = 0x00,
    SIGN_TEXT = 0x01,
    SIGN_CERTIFICATION_FIRST = 0x10,
    SIGN_CERTIFICATION_LAST = 0x13, /* "positive": what a key says of its own user ID */
    SIGN_KEY_REVOCATION = 0x20,
};

/* A signature packet; the slices point into it. */
struct sign_signature {
    uint8_t type;
    uint8_t algorithm;
    uint8_t hash;
    uint32_t made; /* seconds since 1970 */
    bool has_made;
    struct str issuers[2]; /* a fingerprint and a key ID; absent where not said */
    struct str key_flags;  /* absent where not said */
    unsigned unknown;      /* type of a subpacket that must not be passed over, 0 if none */
    struct str hashed;     /* the part of the packet that is signed with the data */
    struct str left;       /* the first two bytes of the digest */
    struct str numbers[2]; /* EdDSA: R and S; RSA: one; absent for other algorithms */
};

/* ERR_INVALID with the offset; ERR_UNSUPPORTED for a version other than 4. */
err_code sign_signature_read(const struct sign_packet *p, struct sign_signature *ret,
                             struct err *e);

/* Was it made by the key of that fingerprint, as far as it says? True if it does not say. */
bool sign_signature_is_by(const struct sign_signature *s,
                          const unsigned char fingerprint[SIGN_FINGERPRINT_BYTES]);

/* What a signature is over: the concatenation of the parts. */
#define SIGN_PARTS 4
struct sign_subject {
    struct str parts[SIGN_PARTS];
};

/*
 * Whether it is good. ERR_UNSUPPORTED for a hash other than SHA-256 and SHA-512 (and SHA-1 on a
 * user ID), another algorithm, an expiry, or a critical subpacket that is not known. A text
 * signature ends every line in CR LF.
 */
err_code sign_signature_check(const struct sign_signature *s, const struct sign_key *k,
                              const struct sign_subject *subject, bool *ret, struct err *e);

/*
 * Appends a signature packet by a key that has its secret part. d is a SHA-256 that has hashed what
 * the signature is over; it is finished here. more are the hashed subpackets after the issuer's
 * fingerprint and the time, which come first. ERR_NOMEM, ERR_CORRUPT (see rsa.h).
 */
err_code sign_signature_make(const struct sign_key *k, enum sign_type type, uint32_t now,
                             struct str more, struct sign_digest *d, struct buf *dst,
                             struct err *e);

#endif
