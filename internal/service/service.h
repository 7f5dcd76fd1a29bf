/*
 * service.h - what Vesta does, with no HTTP words. Its other faces are labels.h and explain.h,
 * which this one includes.
 *
 * Owns the store, the catalog that follows it, the signing key and the tokens. A request for a
 * document is answered from the catalog alone: no lock, no disk. A write is validated, committed by
 * the store as one revision, carried to the catalog by the follower, and only then acknowledged; a
 * refused write changes nothing. What another process commits is noticed within 200 ms.
 *
 * Thread rule: every function may be called from any thread, but service_close, which is called
 * once when nobody is inside any more.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/finding.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "model/model.h"
#include "render/render.h"
#include "service/explain.h"
#include "service/history.h"
#include "service/labels.h"
#include "service/plan.h"
#include "sign/sign.h"
#include "store/store.h"

struct service;

struct service_options {
    const char *data_path;   /* a folder: vesta.db, keys/, admin.token */
    bool store_only;         /* no catalog, no follower, no key: for import, export and the like */
    bool read_only;          /* nothing is created or written, and there is no key */
    const char *own_token;   /* with read_only: a token of the role admin that is stored nowhere */
    bool create;             /* make the folder (0700) if it is not there */
    uint64_t keep_revisions; /* of history; 0: nothing is trimmed, as commands should */
    bool trust_request;      /* documents print what came with the request as it is */
    const char *key_ring_path; /* see keyring.h; NULL: none */
    bool sign_files;           /* service_sign_file makes signatures */
    struct str passphrase;     /* of the key ring; may be absent */
    struct log_sink log; /* told when the database cannot be followed or holds what is unreadable */
};

/*
 * Opens the database and, unless store_only, makes the signing key and the first token if there are
 * none and starts the follower, which loads the catalog. Errors name the file and what to do.
 */
err_code service_open(const struct service_options *o, struct service **ret, struct err *e);
void service_close(struct service *s);

/* The catalog is loaded; until then documents are ERR_BUSY. */
bool service_ready(struct service *s);
/* Waits until it is. The error is why it cannot be loaded. */
err_code service_wait_ready(struct service *s, struct err *e);

/* --- documents ---------------------------------------------------------------------------------
 */

struct service_question {
    enum render_document document;
    const struct labels *labels; /* normalised, sorted */
    struct str raw_query;
    /* What follows may be zero. */
    const struct labels *sent;      /* what templates see of the request; NULL: labels */
    struct str base;                /* see struct render_client */
    bool grub_of_matchbox;          /* GRUB gets matchbox's text, without base */
    struct str selects;             /* only a group that selects on this key */
    const struct labels *otherwise; /* asked for when labels have no group */
    bool hide_secrets;              /* their place is shown, see secrets_hide */
};

struct service_answer {
    struct str bytes;         /* on the arena, or in `held` */
    struct catalog_doc *held; /* NULL, or to be given to catalog_doc_release when sent */
    uint64_t revision;        /* of the view that answered */
    /* What was matched, as far as it went, also when there is an error; on the arena. */
    struct str group;
    struct str profile;
};

/*
 * The one composition of match and render. ERR_NOT_FOUND: no group matches, or there is no
 * such document; any other error: something matches and cannot be rendered. The message names
 * document, template, line, column and key, never a value. ret is filled in any case.
 */
err_code service_answer(struct service *s, const struct service_question *q, struct arena *a,
                        struct service_answer *ret, struct err *e);

/*
 * The file that UEFI HTTP Boot is to load, of the group and profile for the labels of q and their
 * architecture: its name is ret->bytes. ERR_NOT_FOUND; errors otherwise and ret as service_answer.
 */
err_code service_efi_file(struct service *s, const struct service_question *q, struct arena *a,
                          struct service_answer *ret, struct err *e);

/* --- signatures --------------------------------------------------------------------------------
 */

enum service_form {
    SERVICE_PLAIN,
    SERVICE_SIG,     /* a detached OpenPGP signature */
    SERVICE_ASC,     /* the same, armored */
    SERVICE_MINISIG, /* for minisign and signify */
    SERVICE_CMS,     /* for iPXE's imgverify */
};

struct service_to_sign {
    struct str bytes;
    enum service_form form; /* not SERVICE_PLAIN */
    const char *name;       /* what the bytes are: "ipxe"; one of a few, never a client's words */
    const char *remote;     /* the address that asks */
    /* The document that holds the bytes, so that they are hashed once; NULL: nothing does. */
    struct catalog_doc *held;
};

/*
 * A signature over bytes that this program serves to who asks for it, and over nothing else: never
 * over an error, never over what a client sent. The same bytes get the same signature for as long
 * as it is kept (64 MiB of them are). A new one by Ed25519 is made at once; RSA, 1.2 ms, has a
 * queue and threads of its own, on which the caller waits some milliseconds, and a rate for each
 * address (signer.h): ERR_BUSY beyond. The result is on a.
 */
err_code service_sign(struct service *s, const struct service_to_sign *in, struct arena *a,
                      struct str *ret, struct err *e);

struct service_file {
    int fd; /* stays the caller's */
    const struct stat *st;
    struct str name; /* the last part of its path */
};
/*
 * A signature over a file, which is read once for each content (see file_signer.h). ERR_BUSY: it is
 * still being read, or too much is asked; ERR_NOT_FOUND: files are not signed here.
 */
err_code service_sign_file(struct service *s, const struct service_file *file,
                           enum service_form form, const char *remote, struct arena *a,
                           struct str *ret, struct err *e);
bool service_signs_files(const struct service *s);
/* The file is being sent; its signatures may be wanted soon. Nothing where files are not signed. */
void service_prepare_file(struct service *s, const struct service_file *file);

/* The public keys that a form is verified with (see keyring.h); they live as long as the service.
 */
struct str service_public_key(struct service *s, enum service_form form);

/* --- resources ---------------------------------------------------------------------------------
 */

#define SERVICE_ETAG_MAX 40 /* with its quotes and a NUL */

struct service_resource {
    struct str body; /* JSON of a group or profile, bytes of a template; on the arena */
    char etag[SERVICE_ETAG_MAX];
    uint64_t revision;
};

/* What must hold for a write; all zero: nothing. */
struct service_condition {
    struct str match; /* If-Match: an ETag list or "*"; absent: no condition */
    bool none_match;  /* If-None-Match: *: it must not be there */
};

struct service_written {
    bool created;
    struct service_resource stored; /* its body is on the arena of the findings */
};

/* ERR_NOT_FOUND. */
err_code service_get(struct service *s, const struct store_key *k, struct arena *a,
                     struct service_resource *ret, struct err *e);
/*
 * Creates or replaces; f then has the warnings. ERR_INVALID: every finding is in f; ERR_CONFLICT:
 * another group has these selectors; ERR_STALE: the condition does not hold; ERR_LIMIT: too large.
 */
err_code service_put(struct service *s, const struct store_key *k, struct str body,
                     const struct service_condition *cond, const struct service_author *author,
                     struct findings *f, struct service_written *ret, struct err *e);
/* RFC 7396 merge patch of a group or a profile. Errors as service_put, and ERR_NOT_FOUND. */
err_code service_patch(struct service *s, const struct store_key *k, struct str patch,
                       const struct service_condition *cond, const struct service_author *author,
                       struct findings *f, struct service_written *ret, struct err *e);
/* ERR_NOT_FOUND; ERR_CONFLICT: others refer to it, the message names some; ERR_STALE. */
err_code service_delete(struct service *s, const struct store_key *k,
                        const struct service_condition *cond, const struct service_author *author,
                        uint64_t *ret_revision, struct err *e);
/* See store_for_each. */
err_code service_list(struct service *s, const struct store_list *l, store_each *each, void *arg,
                      struct err *e);
/* The ETag of a resource with this body, with its quotes. */
void service_etag(const struct store_key *k, struct str body, char ret[SERVICE_ETAG_MAX]);

/* --- sites -------------------------------------------------------------------------------------
 */

struct service_import {
    const char *dir;
    bool skip_invalid; /* leave out what cannot be parsed instead of refusing all */
    bool dry_run;
    struct service_author author;
    store_progress *progress; /* of files; how many there are is not known. May be NULL */
    void *progress_arg;
};

struct service_imported {
    size_t groups, profiles, templates; /* read and valid */
    size_t skipped;                     /* left out with skip_invalid */
    uint64_t revision;
};

/*
 * Merges a site directory in one revision: all or nothing. f has every finding, with the file as it
 * is named below the directory. ERR_INVALID when there was an error among them and not
 * skip_invalid.
 */
err_code service_import(struct service *s, const struct service_import *in, struct findings *f,
                        struct service_imported *ret, struct err *e);

struct service_exported {
    size_t groups, profiles, templates;
};
/*
 * Writes a site directory; dir must be empty or not exist. With reveal, secrets as they are: the
 * right to that is to be able to read their key. progress, of files, may be NULL.
 */
err_code service_export(struct service *s, const char *dir, bool reveal, store_progress *progress,
                        void *arg, struct service_exported *ret, struct err *e);

/* --- backup ------------------------------------------------------------------------------------
 */

/* Writes the database of a data path, whether a server runs there or not, to a new file. The
   signing key is not in it. See store_backup. */
err_code service_backup(const char *data_path, const char *file, store_progress *progress,
                        void *arg, struct err *e);
/* Puts a backup into a data path, which is made (0700) if it is not there. See store_restore. */
err_code service_restore(const char *data_path, const char *file, struct store_restored *ret,
                         store_progress *progress, void *arg, struct err *e);

/* --- tokens ------------------------------------------------------------------------------------
 */

struct service_identity {
    char name[MODEL_ID_MAX + 1];
    enum store_role role;
};
/*
 * ERR_DENIED when no token is this one, or it has expired. The database is asked each time, so a
 * token that was revoked, by whatever process, is gone at once.
 */
err_code service_authenticate(struct service *s, struct str token, struct service_identity *ret,
                              struct err *e);

#define SERVICE_TOKENS_MAX         1000
#define SERVICE_TOKEN_LIFETIME_MAX (10u * 366 * 86400) /* seconds */

/* The text of a new token, which nobody has yet: for own_token. size is at least 64. */
void service_token_text(char *dst, size_t size);

struct service_new_token {
    struct str name; /* as an id; no other token may have it */
    enum store_role role;
    uint64_t lifetime; /* seconds; 0: for ever */
};
struct service_created_token {
    struct store_token token; /* id and name are on the arena */
    struct str secret;        /* on the arena; nobody can read it again */
};
/* ERR_INVALID; ERR_CONFLICT: the name is taken, or there are SERVICE_TOKENS_MAX. */
err_code service_token_create(struct service *s, const struct service_new_token *in,
                              struct arena *a, struct service_created_token *ret, struct err *e);
/* See store_tokens. `used` counts what is not on disk yet. */
err_code service_tokens(struct service *s, store_each_token *each, void *arg, struct err *e);
/* ERR_NOT_FOUND; ERR_CONFLICT: it is the last one that may manage tokens. */
err_code service_token_delete(struct service *s, struct str id, struct err *e);

/* --- counters ----------------------------------------------------------------------------------
 */

struct service_stats {
    uint64_t revision;
    /* Of service_answer, since the start. */
    uint64_t matches, misses;                 /* whether there was a group */
    uint64_t render_errors[RENDER_DOCUMENTS]; /* matched, and there and broken */
    struct catalog_stats catalog;
    struct store_stats store;
};
void service_stats(struct service *s, struct service_stats *ret);

#endif
