/*
 * secrets.h - what stands under `secret` in a group's metadata: sealed on its way into the store,
 * opened only while a document is rendered.
 *
 * Each member of the object `secret` is sealed by itself (a `secret` that is no object, as a
 * whole), and stands in the database, in answers of the API, in differences and in backups as
 *
 *     {"sealed": "v1.KEYID.BASE64"}    base64 of nonce, then crypto_secretbox of the padded JSON
 *
 * so that a client can write back what it has read, or replace one of them. The nonce is a keyed
 * hash of the group's id, the member's name and the text, as in SIV modes: the same secret in the
 * same place gives the same bytes, so that a write that changes nothing changes nothing; and since
 * it is checked when it is opened, a sealed text is of no use in another group, where somebody who
 * may write groups but not read secrets would render it. What it tells is whether a secret is as
 * it was, and its length in steps of 32 bytes.
 *
 * The key is DATA/keys/secret.key, 32 random bytes as base64, made when the first secret is sealed
 * and read when it is first needed; in locked memory. Without it nothing can be opened: there is no
 * other way to the secrets. It is in no backup.
 *
 * Thread rule: any thread. Cost: some microseconds for each secret.
 */
#ifndef SERVICE_SECRETS_H
#define SERVICE_SECRETS_H

#include "base/finding.h"
#include "value/value.h"

struct secrets;

/* Reads nothing yet. ERR_NOMEM. */
err_code secrets_make(const char *data_path, struct secrets **ret, struct err *e);
void secrets_free(struct secrets *s);

/*
 * Seals what is not sealed under `secret` in *metadata; the new values are on a. What is sealed
 * already must be of this group and key, else it is an error in f and ERR_INVALID; with keep, a
 * warning, and it stays (it may have come without its key). Without s nothing is kept: all becomes
 * as secrets_hide has it. ERR_DENIED, ERR_IO: the key; ERR_NOMEM.
 */
err_code secrets_seal(struct secrets *s, struct arena *a, struct str group, bool keep,
                      struct value *metadata, struct findings *f, struct err *e);

/*
 * Opens what is sealed under `secret` in *map, which is metadata or what templates see of a group.
 * ERR_CORRUPT: it was sealed with another key, in another place, or was changed; ERR_DENIED,
 * ERR_IO: the key, also when it is not there. The message names secret and key file.
 */
err_code secrets_open(struct secrets *s, struct arena *a, struct str group, struct value *map,
                      struct err *e);

/* What stands for a hidden text; plain wherever a document may have it. */
#define SECRETS_HIDDEN "hidden-secret"
/* Puts it for each string under `secret`, 0 for each number, false for a boolean: the
   shape stays. For what was opened. ERR_NOMEM. */
err_code secrets_hide(struct arena *a, struct value *map, struct err *e);

/* Is anything under `secret`? */
static inline bool secrets_in(const struct value *map)
{
    const struct value *v = value_get(map, STR("secret"));
    return v && v->kind != VALUE_NIL && !v->marked;
}

#endif
