/*
 * minisign.h - signatures that minisign and signify verify, by the Ed25519 key that also signs
 * OpenPGP.
 *
 * Source: https://jedisct1.github.io/minisign/ ("Minisign signature format") and OpenBSD's
 * signify(1), whose files are the first two lines of minisign's. The form "Ed" signs the content
 * itself, and both programs take it, from the same file; "ED" signs its BLAKE2b hash, so that the
 * content can be streamed, and only minisign takes it. A trusted comment says when it was made and
 * of what, signed too. Pure, as sign.h.
 */
#ifndef SIGN_MINISIGN_H
#define SIGN_MINISIGN_H

#include "sign/sign.h"

/* Enough for a signature, in bytes. */
#define SIGN_MINISIGN_MAX 640

/*
 * The form "Ed" over body. name is what it is, for the trusted comment: at most 200 printable
 * bytes, others are left out. Costs 17 µs and 7 ns a byte. ERR_INVALID: k is not Ed25519 with its
 * secret part; ERR_NOMEM.
 */
err_code sign_minisign(const struct sign_key *k, struct str body, uint64_t now, struct str name,
                       struct buf *dst, struct err *e);
/* The form "ED" over what was added to c. */
err_code sign_minisign_hashed(const struct sign_key *k, const struct sign_content *c, uint64_t now,
                              struct str name, struct buf *dst, struct err *e);

/* A comment line and a line with the public key, as minisign and signify have it in files. */
void sign_minisign_write_public(const struct sign_key *k, struct buf *dst);

/* Is the text one of minisign's or signify's? */
bool sign_is_minisign(struct str text);
/*
 * Checks a signature of either form, also one with two lines only, and the trusted comment, by the
 * Ed25519 key k. Errors as sign_verify; made is 0 where the comment does not say it.
 */
err_code sign_minisign_verify(const struct sign_key *k, struct str body, struct str signature,
                              struct sign_verdict *ret, struct err *e);

#endif
