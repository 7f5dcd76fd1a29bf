/* parts.h - what the files of service share. */
#ifndef SERVICE_PARTS_H
#define SERVICE_PARTS_H

#include <pthread.h>
#include <semaphore.h>

#include "base/counter.h"
#include "service/secrets.h"
#include "service/service.h"

struct keyring;
struct signature_cache;
struct signer;
struct file_signer;

struct service {
    char *data_path;
    bool trust_request;
    struct log_sink log;
    struct secrets *secrets;
    struct store *store;
    struct catalog *catalog; /* NULL with store_only */
    struct render_builtins builtins;
    struct keyring *keys; /* NULL with store_only, as what follows */
    struct signature_cache *signatures;
    struct signer *signer;
    struct file_signer *files; /* NULL: files are not signed */
    struct token_uses *uses;   /* NULL with store_only or read_only */
    bool has_own_token;
    unsigned char own_token[32]; /* its hash */
    sem_t plan_turns;            /* SERVICE_PLANS_AT_ONCE */
    struct counter matches, misses, render_errors[RENDER_DOCUMENTS];

    /* Carrying the store's changes to the catalog. */
    pthread_t follower; /* does it for what other processes write, and at the start */
    bool follower_runs;
    pthread_mutex_t lock;   /* of all that follows */
    pthread_cond_t wake;    /* much waits to be freed, or stop */
    pthread_cond_t applied; /* somebody has carried, or failed to */
    uint64_t revision;      /* that the catalog has */
    uint32_t published; /* revisions by writers since the follower has freed what they replaced */
    bool carrying;      /* somebody edits the catalog */
    bool loaded, stop;
    struct err trouble; /* why the last attempt to follow failed; code 0 if it did not */
};

#define SERVICE_DATABASE   "vesta.db"
#define SERVICE_TOKEN_FILE "admin.token"

/* --- follower.c */
err_code follower_start(struct service *s, struct err *e);
void follower_stop(struct service *s);
/*
 * Returns when the catalog has this revision, and brings it there if nobody else does. own: all
 * that this revision has changed, if that is one resource; NULL: it is read from the store.
 * ERR_BUSY if it does not come within a minute.
 */
err_code follower_wait(struct service *s, uint64_t revision, const struct store_change *own,
                       struct err *e);

/* --- tokens.c */
/* Makes a token and its file if there is no admin's that is valid: at the first start, or when the
   last one has expired and nobody could get in. */
err_code tokens_bootstrap(struct service *s, struct err *e);
#define TOKEN_TEXT_MAX 64
/* A new random token as text, and its hash. */
void token_hash(struct str token, unsigned char ret[32]);
void token_make_secret(char text[TOKEN_TEXT_MAX], unsigned char hash[32]);
/* Is there a token of an admin that has not expired? */
err_code token_admin_exists(struct service *s, bool *ret, struct err *e);

/* --- token_use.c: when tokens were last seen, kept in memory and written once a minute */
struct token_uses;
err_code token_uses_start(struct store *store, struct token_uses **ret, struct err *e);
/* Writes what is left and ends the thread. */
void token_uses_stop(struct token_uses *u);
void token_uses_note(struct token_uses *u, struct str id, uint64_t at);
/* When it was last noted and perhaps not written yet; 0: not since the start. */
uint64_t token_uses_get(struct token_uses *u, struct str id);

/* --- answer.c: service_answer within a view, without the signature */
err_code answer_in_view(struct service *s, const struct catalog_view *v,
                        const struct service_question *q, struct arena *a,
                        struct service_answer *ret, struct err *e);

/* --- validate.c: what a resource refers to, and what the store keeps of it */
/*
 * Texts and refs are on a. Syntax and shape only: whether references exist is not asked. A group's
 * secrets are sealed (see secrets_seal for NULL).
 */
err_code validate_resource(struct secrets *secrets, struct arena *a, const struct store_key *k,
                           struct str body, enum model_strictness strictness, struct findings *f,
                           struct store_resource *ret, struct err *e);

/* --- write.c: what must hold in a transaction for a write to stay */
/* Adds an error for each reference to what is not there. Names that a reference cannot have are
   told by the model. */
void check_references(struct store_txn *t, const struct store_resource *r, struct findings *f);
/* The error for one. */
void add_dangling(const struct store_ref *ref, struct findings *f);
/* ERR_CONFLICT: another group has its selector. Of other types nothing is asked. */
err_code check_selector(struct store_txn *t, const struct store_resource *r, struct arena *a,
                        struct err *e);
/* ERR_CONFLICT: others refer to it; the message names some. */
err_code check_users(struct store_txn *t, const struct store_key *k, struct arena *a,
                     struct err *e);

/* --- check.c: after what was put and deleted in a transaction */
struct state;
/*
 * keys are what was changed, sorted (bundle_key_cmp). Adds an error for each document that can no
 * longer be made, and for an Ignition config that cannot be made, of the groups that they are part
 * of; a warning for one that could not be made before. Documents that the
 * request has a part in are left to the request, and so are groups after the first 10,000.
 */
err_code check_documents(struct service *s, struct store_txn *t, const struct state *before,
                         const struct store_key *keys, size_t n, struct findings *f, struct err *e);

#endif
