/*
 * protect.h - secret keys that are encrypted with a passphrase (RFC 4880, 3.7, 5.5.3 and 13.9).
 *
 * What gpg and matchbox's tools write: the passphrase through a string-to-key (simple, salted,
 * iterated; SHA-1, SHA-2, RIPEMD-160) to a key for AES, 3DES or CAST5 in CFB mode. Internal to
 * sign. Costs up to 65 MB of hashing for each 20 to 64 bytes of key: 0.2 s.
 */
#ifndef SIGN_PROTECT_H
#define SIGN_PROTECT_H

#include "sign/packet.h"

/* What stands before the secret numbers (RFC 4880, 5.5.3). */
enum sign_usage {
    SIGN_USAGE_PLAIN = 0,
    SIGN_USAGE_AEAD = 253,
    SIGN_USAGE_SHA1 = 254, /* encrypted, the SHA-1 of the numbers after them */
    SIGN_USAGE_SUM = 255,  /* encrypted, the sum of their bytes after them */
};

/*
 * The secret numbers behind usage, cipher, string-to-key and initial vector, which r reads to its
 * end: appended to dst without what checks them. dst must have its room already, so that it never
 * moves. ERR_DENIED: the passphrase is absent or wrong; ERR_UNSUPPORTED with what it is;
 * ERR_INVALID with the offset. who is the key's fingerprint for messages.
 */
err_code sign_unprotect(struct sign_reader *r, struct str passphrase, const char *who,
                        struct buf *dst, struct err *e);

/* The sum of the bytes (RFC 4880, 5.5.3). */
uint16_t sign_checksum(struct str s);

#endif
