/*
 * A table in shards, each with a lock, a list in the order of use, and its part of the memory.
 * Shard and bucket come from the id, which is a hash already.
 */
#include "service/signature_cache.h"

#include <pthread.h>
#include <stdlib.h>

#define SHARDS  16
#define BUCKETS 4096

struct entry {
    struct entry *chain;
    struct entry *newer, *older;
    unsigned char id[SIGNATURE_ID_BYTES];
    size_t n;
    char bytes[];
};

struct shard {
    pthread_mutex_t lock;
    size_t used;
    struct entry *newest, *oldest;
    struct entry *buckets[BUCKETS];
};

struct signature_cache {
    size_t shard_bytes;
    struct shard shards[SHARDS];
};

/* What an entry takes, malloc's own part included. */
static size_t cost_of(size_t n)
{
    return sizeof(struct entry) + n + 16;
}

err_code signature_cache_make(size_t bytes, struct signature_cache **ret, struct err *e)
{
    struct signature_cache *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_NOMEM, "out of memory for the signature cache");
    size_t tables = sizeof *c;
    c->shard_bytes = bytes > tables ? (bytes - tables) / SHARDS : 0;
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_init(&c->shards[i].lock, NULL);
    *ret = c;
    return ERR_OK;
}

void signature_cache_free(struct signature_cache *c)
{
    if (!c)
        return;
    for (int i = 0; i < SHARDS; i++) {
        for (struct entry *x = c->shards[i].newest, *next; x; x = next) {
            next = x->older;
            free(x);
        }
        pthread_mutex_destroy(&c->shards[i].lock);
    }
    free(c);
}

/* --- within a shard, its lock held ---------------------------------------------------------------
 */

static struct entry **bucket_of(struct shard *s, const unsigned char *id)
{
    return &s->buckets[(id[1] | (size_t)id[2] << 8) % BUCKETS];
}

static struct entry *find(struct shard *s, const unsigned char *id)
{
    struct entry *x = *bucket_of(s, id);
    while (x && memcmp(x->id, id, SIGNATURE_ID_BYTES) != 0)
        x = x->chain;
    return x;
}

static void unlist(struct shard *s, struct entry *x)
{
    *(x->newer ? &x->newer->older : &s->newest) = x->older;
    *(x->older ? &x->older->newer : &s->oldest) = x->newer;
}

static void list_newest(struct shard *s, struct entry *x)
{
    x->newer = NULL;
    x->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = x;
    s->newest = x;
}

static void drop_oldest(struct shard *s)
{
    struct entry *x = s->oldest;
    struct entry **at = bucket_of(s, x->id);
    while (*at != x)
        at = &(*at)->chain;
    *at = x->chain;
    unlist(s, x);
    s->used -= cost_of(x->n);
    free(x);
}

/* ------------------------------------------------------------------------------------------------
 */

bool signature_cache_get(struct signature_cache *c, const unsigned char id[SIGNATURE_ID_BYTES],
                         struct buf *dst)
{
    struct shard *s = &c->shards[id[0] % SHARDS];
    pthread_mutex_lock(&s->lock);
    struct entry *x = find(s, id);
    if (x) {
        buf_add(dst, x->bytes, x->n);
        if (x != s->newest) {
            unlist(s, x);
            list_newest(s, x);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return x != NULL;
}

void signature_cache_put(struct signature_cache *c, const unsigned char id[SIGNATURE_ID_BYTES],
                         struct str signature)
{
    size_t cost = cost_of(signature.n);
    struct entry *x = cost <= c->shard_bytes ? malloc(sizeof *x + signature.n) : NULL;
    if (!x)
        return;
    memcpy(x->id, id, SIGNATURE_ID_BYTES);
    x->n = signature.n;
    if (signature.n)
        memcpy(x->bytes, signature.p, signature.n);
    struct shard *s = &c->shards[id[0] % SHARDS];
    pthread_mutex_lock(&s->lock);
    if (find(s, id)) {
        free(x);
    } else {
        while (s->used + cost > c->shard_bytes)
            drop_oldest(s);
        struct entry **bucket = bucket_of(s, id);
        x->chain = *bucket;
        *bucket = x;
        list_newest(s, x);
        s->used += cost;
    }
    pthread_mutex_unlock(&s->lock);
}
