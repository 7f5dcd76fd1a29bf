/*
 * makings.h - what the documents of a state are made of, read and compiled once: profiles and
 * templates by name.
 *
 * Owned by whoever made it; what it gives out lives until makings_trim or makings_free. Thread
 * rule: one at a time.
 */
#ifndef SERVICE_MAKINGS_H
#define SERVICE_MAKINGS_H

#include "ignition/butane.h"
#include "service/state.h"

#define MAKINGS_BUCKETS 256
/* About so many bytes are kept. */
#define MAKINGS_MAX ((size_t)96 << 20)

struct made_template {
    struct made_template *next;
    enum model_kind kind;
    struct str name;
    struct render_template *tmpl; /* NULL: it is not there, or broken */
    struct err broken;            /* code ERR_OK when it is not */
};

/* What became of a document that is the same for all groups of a profile; of compare.c. */
struct made_document {
    const void
        *before; /* the other state's profile that it was compared with; NULL: nothing is known */
    uint64_t variants; /* of boot scripts: see render_boot_variant */
    int outcome;
    struct str texts[2]; /* before and after; absent where there is none */
    enum render_document as;
};

struct made_profile {
    struct made_profile *next;
    struct str id;
    const struct model_profile *model; /* NULL: it is not there, or cannot be read */
    struct made_document documents[RENDER_DOCUMENTS];
};

/* A file that Butane has read. */
struct made_file {
    struct made_file *next;
    struct str name;
    struct str body; /* absent: it is not there */
};

struct makings {
    struct state state;
    struct makings *under; /* of the state that this one's changes are laid over, or NULL: what is
                              not changed is made there, once for both */
    struct arena arena;
    size_t compiled; /* bytes of the templates' sources */
    struct made_template *templates[MAKINGS_BUCKETS];
    struct made_profile *profiles[MAKINGS_BUCKETS];
    struct made_file *files[MAKINGS_BUCKETS];
};

void makings_init(struct makings *m, const struct state *s, struct makings *under);
void makings_free(struct makings *m);
/* True, and forgets all, when it has become too large. */
bool makings_trim(struct makings *m);
/* Errors are those of the store, and ERR_NOMEM; what is not there is no error. */
err_code makings_template(struct makings *m, enum model_kind kind, struct str name,
                          const struct made_template **ret, struct err *e);
err_code makings_profile(struct makings *m, struct str id, struct made_profile **ret,
                         struct err *e);

/* The site's files/ folder for Butane; lists live in the source's arena. */
struct makings_files {
    struct makings *makings;
    struct arena *arena;
};
struct butane_files makings_files(struct makings_files *source);

#endif
