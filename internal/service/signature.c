/*
 * Signatures that were made before. A signature says when it was made, so signing the same bytes
 * again would give another signature each time; and it costs 17 µs where a document costs two. The
 * cache is a table of fixed size, each place guarded by one of a few locks, a newer entry replacing
 * an older one in the same place.
 */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "service/parts.h"

#define PLACES 8192
#define LOCKS  64

struct place {
    unsigned char digest[32];
    unsigned short size; /* 0: empty */
    unsigned char bytes[SIGN_SIGNATURE_MAX];
};

struct signature_cache {
    pthread_mutex_t locks[LOCKS];
    struct place places[PLACES];
};

err_code signature_cache_make(struct signature_cache **ret, struct err *e)
{
    struct signature_cache *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory for the signature cache");
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&c->locks[i], NULL);
    *ret = c;
    return ERR_OK;
}

void signature_cache_free(struct signature_cache *c)
{
    if (!c)
        return;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&c->locks[i]);
    free(c);
}

err_code signature_get(struct signature_cache *c, const struct sign_key *key, struct str body,
                       bool armored, struct buf *dst, struct err *e)
{
    struct place found = {.size = 0};
    unsigned char digest[32];
    crypto_generichash(digest, sizeof digest, (const unsigned char *)(body.n ? body.p : ""), body.n,
                       NULL, 0);
    size_t at = (size_t)(digest[0] | digest[1] << 8) % PLACES;
    pthread_mutex_t *lock = &c->locks[at % LOCKS];
    pthread_mutex_lock(lock);
    if (c->places[at].size && memcmp(c->places[at].digest, digest, sizeof digest) == 0)
        found = c->places[at];
    pthread_mutex_unlock(lock);
    BUF_LOCAL(made, SIGN_SIGNATURE_MAX);
    if (found.size == 0) {
        err_code code = sign_detached(key, false, body, (uint64_t)time(NULL), &made, e);
        if (code)
            return code;
        if (made.failed || made.n > SIGN_SIGNATURE_MAX)
            return err_set(e, ERR_NOMEM, "out of memory while signing");
        found.size = (unsigned short)made.n;
        memcpy(found.bytes, made.p, made.n);
        memcpy(found.digest, digest, sizeof digest);
        pthread_mutex_lock(lock);
        c->places[at] = found;
        pthread_mutex_unlock(lock);
    }
    struct str signature = str_of((const char *)found.bytes, found.size);
    if (armored)
        sign_armor_signature(signature, dst);
    else
        buf_add_str(dst, signature);
    return dst->failed ? err_set(e, ERR_NOMEM, "out of memory while signing") : ERR_OK;
}
