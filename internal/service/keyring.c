#include "service/keyring.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "service/secret_file.h"

#define SIGNING "signing.key"
#define OPENPGP "openpgp.key"

static void wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}
#define SECRET_LOCAL(name)                                                                         \
    __attribute__((cleanup(wipe))) struct buf name;                                                \
    buf_init(&name, SECRET_FILE_MAX)

/* --- making and moving -------------------------------------------------------------------------
 */

static err_code make_signing_key(const char *path, struct err *e)
{
    unsigned char seed[SIGN_SEED_BYTES];
    char host[256] = "localhost", user_id[300];
    gethostname(host, sizeof host - 1);
    snprintf(user_id, sizeof user_id, "Vesta <vesta@%s>", host);
    randombytes_buf(seed, sizeof seed);
    struct sign_key *key;
    err_code c = sign_key_make(seed, (uint64_t)time(NULL), str_c(user_id), &key, e);
    sodium_memzero(seed, sizeof seed);
    if (c)
        return c;
    SECRET_LOCAL(text);
    sign_key_write_secret(key, true, &text);
    sign_key_free(key);
    c = text.failed ? err_set(e, ERR_NOMEM, "out of memory while making a key")
                    : secret_write(path, buf_str(&text), e);
    return c == ERR_CONFLICT ? ERR_OK : c;
}

/* Earlier versions had the key in the data path itself. */
static err_code move_old_key(const char *data_path, const char *path, struct err *e)
{
    char old[SECRET_PATH_BYTES];
    err_code c = secret_path(data_path, SIGNING, old, e);
    if (c || access(old, F_OK) != 0)
        return c;
    if (access(path, F_OK) == 0)
        return err_set(e, ERR_CONFLICT,
                       "there are two signing keys, %s and %s: remove the one that you do not want",
                       old, path);
    SECRET_LOCAL(text);
    c = secret_read(old, &text, e); /* which refuses what others can read */
    return c ? c : secret_rename(old, path, e);
}

/* --- loading -----------------------------------------------------------------------------------
 */

static err_code take_secret(const char *path, struct str text, struct str passphrase,
                            struct sign_key **ret, struct err *e)
{
    err_code c = sign_key_read(text, passphrase, ret, e);
    if (!c && !sign_key_is_secret(*ret))
        c = err_set(e, ERR_INVALID, "it has only a public key, which cannot sign");
    if (c)
        err_prefix(e, "the key %s", path);
    return c;
}

static err_code load_secret(const char *path, struct sign_key **ret, struct err *e)
{
    SECRET_LOCAL(text);
    err_code c = secret_read(path, &text, e);
    return c ? c : take_secret(path, buf_str(&text), SIGN_NO_PASSPHRASE, ret, e);
}

/* Whoever comes from matchbox has it as it is, perhaps encrypted: others may be able to read it. */
static err_code load_ring(struct keyring *r, const struct keyring_options *o, struct err *e)
{
    SECRET_LOCAL(text);
    err_code c = secret_read_exposed(o->ring_path, &text, &r->exposed, e);
    return c ? c : take_secret(o->ring_path, buf_str(&text), o->passphrase, &r->openpgp, e);
}

static err_code load_signing(struct keyring *r, const struct keyring_options *o, const char *folder,
                             struct err *e)
{
    char path[SECRET_PATH_BYTES];
    err_code c = secret_path(folder, SIGNING, path, e);
    if (!c)
        c = move_old_key(o->data_path, path, e);
    if (c)
        return c;
    if (access(path, F_OK) != 0)
        c = make_signing_key(path, e);
    if (!c)
        c = load_secret(path, &r->signing, e);
    if (!c && sign_key_is_rsa(r->signing))
        c = err_set(e, ERR_INVALID, "%s is an RSA key: its place is %s/%s", path, folder, OPENPGP);
    return c;
}

static err_code load_openpgp(struct keyring *r, const struct keyring_options *o, const char *folder,
                             struct err *e)
{
    char path[SECRET_PATH_BYTES];
    if (o->ring_path && o->ring_path[0]) {
        r->text = true;
        return load_ring(r, o, e);
    }
    err_code c = secret_path(folder, OPENPGP, path, e);
    if (c || access(path, F_OK) != 0)
        return c;
    return load_secret(path, &r->openpgp, e);
}

err_code keyring_open(const struct keyring_options *o, struct keyring **ret, struct err *e)
{
    char folder[SECRET_PATH_BYTES];
    err_code c = secret_path(o->data_path, KEYRING_FOLDER, folder, e);
    if (!c)
        c = secret_folder(folder, true, e);
    if (c)
        return c;
    struct keyring *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_NOMEM, "out of memory while loading keys");
    buf_init(&r->asc, SECRET_FILE_MAX);
    c = load_signing(r, o, folder, e);
    if (!c)
        c = load_openpgp(r, o, folder, e);
    if (!c) {
        sign_key_write_public(keyring_openpgp(r), true, &r->asc);
        if (r->asc.failed)
            c = err_set(e, ERR_NOMEM, "out of memory while loading keys");
    }
    if (c)
        keyring_free(r);
    else
        *ret = r;
    return c;
}

void keyring_free(struct keyring *r)
{
    if (!r)
        return;
    sign_key_free(r->signing);
    sign_key_free(r->openpgp);
    buf_free(&r->asc);
    free(r);
}
