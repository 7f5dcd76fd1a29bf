/* parts.h - what the files of service share. */
#ifndef SERVICE_PARTS_H
#define SERVICE_PARTS_H

#include <pthread.h>

#include "service/service.h"

struct signature_cache;

struct service {
    char *data_path;
    struct store *store;
    struct catalog *catalog; /* NULL with store_only */
    struct render_builtins builtins;
    struct sign_key *key;
    struct buf public_key;
    struct signature_cache *signatures;

    /* The follower: carries the store's changes to the catalog. */
    pthread_t follower;
    bool follower_runs;
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* something was written, or stop */
    pthread_cond_t applied; /* the catalog has a newer revision */
    uint64_t revision;      /* that the catalog has */
    uint64_t wanted;        /* the newest that somebody waits for */
    bool loaded, stop;
    struct err trouble; /* why the last attempt to follow failed; code 0 if it did not */
};

#define SERVICE_DATABASE   "vesta.db"
#define SERVICE_KEY_FILE   "signing.key"
#define SERVICE_TOKEN_FILE "admin.token"

/* --- follower.c */
err_code follower_start(struct service *s, struct err *e);
void follower_stop(struct service *s);
/* Waits until the catalog has this revision. ERR_BUSY if it does not come within a minute. */
err_code follower_wait(struct service *s, uint64_t revision, struct err *e);

/* --- keys.c: files below the data path */
err_code keys_load(struct service *s, struct err *e);
err_code tokens_bootstrap(struct service *s, struct err *e);

/* --- signature.c */
err_code signature_cache_make(struct signature_cache **ret, struct err *e);
void signature_cache_free(struct signature_cache *c);
/* A signature over body by key, from the cache if it was made before; appended to dst. */
err_code signature_get(struct signature_cache *c, const struct sign_key *key, struct str body,
                       bool armored, struct buf *dst, struct err *e);

/* --- validate.c: what a resource refers to, and what the store keeps of it */
/* Texts and refs are on a. Syntax and shape only: whether references exist is not asked. */
err_code validate_resource(struct arena *a, const struct store_key *k, struct str body,
                           enum model_strictness strictness, struct findings *f,
                           struct store_resource *ret, struct err *e);

#endif
