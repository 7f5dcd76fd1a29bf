/*
 * armor.h - ASCII armor (RFC 4880, 6.2). Internal to sign.
 */
#ifndef SIGN_ARMOR_H
#define SIGN_ARMOR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* kind is what stands after "BEGIN PGP ": "SIGNATURE", "PUBLIC KEY BLOCK", …. */
void sign_armor_write(const char *kind, struct str bytes, struct buf *dst);

/* Binary OpenPGP begins with a byte above 0x7F, which armor never does. */
static inline bool sign_is_armored(struct str bytes)
{
    return bytes.n > 0 && !((unsigned char)bytes.p[0] & 0x80);
}

/*
 * Decodes the first armored block of text into dst and names its kind (a slice of text). Text
 * before the block and after it is passed over. The checksum may be missing, but not wrong.
 * ERR_INVALID with the line; ERR_NOMEM, also when dst is full.
 */
err_code sign_armor_read(struct str text, struct buf *dst, struct str *ret_kind, struct err *e);

#endif
