/*
 * keys.h - several public keys in one text: /key.asc and /key.minisign list the key in use, the
 * next one and old ones. Pure, as sign.h.
 */
#ifndef SIGN_KEYS_H
#define SIGN_KEYS_H

#include "sign/sign.h"

#define SIGN_KEYS_MAX 128

struct sign_keys;

/*
 * All keys of an OpenPGP text (see sign_key_read), binary or one block of armor, or of lines as
 * minisign and signify have them, each with a comment before it. ERR_INVALID, ERR_UNSUPPORTED as
 * sign_key_read; ERR_LIMIT; ERR_NOMEM. sign_keys_free frees them all.
 */
err_code sign_keys_read(struct str text, struct sign_keys **ret, struct err *e);
void sign_keys_free(struct sign_keys *k);
size_t sign_keys_count(const struct sign_keys *k);
const struct sign_key *sign_keys_get(const struct sign_keys *k, size_t i);

#endif
