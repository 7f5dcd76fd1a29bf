/*
 * rsa.h - RSA signatures, PKCS#1 v1.5 (RFC 8017, 8.2), over nettle. Internal to sign.
 *
 * Secret numbers are kept in memory that libsodium locks and wipes; nettle's scratch memory while
 * it signs is the heap's. The only randomness is nettle's blinding, from libsodium: it does not
 * show in a signature, which is always the same for the same digest. Immutable once made, any
 * thread may use it. A signature by 2048 bits costs 1.2 to 1.8 ms (it is checked before it is given
 * out), 4096 bits seven times as much; to check one 0.05 ms.
 */
#ifndef SIGN_RSA_H
#define SIGN_RSA_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sign/digest.h"

#define SIGN_RSA_BITS_MIN  2048
#define SIGN_RSA_BITS_MAX  4096
#define SIGN_RSA_BYTES_MAX (SIGN_RSA_BITS_MAX / 8)

struct sign_rsa;

/* Big-endian numbers. ERR_UNSUPPORTED for a size that is not taken, ERR_INVALID, ERR_NOMEM. */
err_code sign_rsa_make(struct str n, struct str e_public, struct sign_rsa **ret, struct err *e);
/* d, and the two primes p and q in either order. ERR_INVALID unless they belong to the public half;
   ERR_NOMEM. */
err_code sign_rsa_set_secret(struct sign_rsa *r, struct str d, struct str p, struct str q,
                             struct err *e);
void sign_rsa_free(struct sign_rsa *r);
static inline void sign_rsa_cleanup(struct sign_rsa **r)
{
    sign_rsa_free(*r);
}

bool sign_rsa_is_secret(const struct sign_rsa *r);
/* Of a signature, and of the modulus. */
size_t sign_rsa_bytes(const struct sign_rsa *r);

/* Over a SHA-256 digest; writes sign_rsa_bytes(r) bytes. ERR_CORRUPT when the numbers do not give a
   signature that the public half takes: the machine's memory, or an attack on it. */
err_code sign_rsa_sign(const struct sign_rsa *r, const unsigned char digest[SHA256_DIGEST_SIZE],
                       unsigned char ret[SIGN_RSA_BYTES_MAX], struct err *e);
/* Big-endian, leading zeros may be missing. False for a hash that is not known. */
bool sign_rsa_verify(const struct sign_rsa *r, uint8_t hash, const unsigned char *digest,
                     struct str signature);

enum sign_rsa_number { SIGN_RSA_N, SIGN_RSA_E, SIGN_RSA_D, SIGN_RSA_P, SIGN_RSA_Q, SIGN_RSA_U };
/* Big-endian, into SIGN_RSA_BYTES_MAX bytes; returns how many. U is the inverse of P modulo Q. */
size_t sign_rsa_number(const struct sign_rsa *r, enum sign_rsa_number which,
                       unsigned char ret[SIGN_RSA_BYTES_MAX]);

#endif
