/*
 * catalog.h - the live view of a site that requests read.
 *
 * A view is one revision of all groups, profiles and templates, immutable and consistent: who holds
 * it never sees half of a change. Readers take no lock and wait for nobody; a change derives a new
 * view that shares all but a few nodes with the old one, publishes it with one pointer, and frees
 * what only the old one had after a grace period. So one write to a site of a million groups costs
 * about the same as to a site of ten.
 *
 * The catalog is told changes and never asks the store. Resources are checked and templates
 * compiled when they are published, never at a request; a group's metadata is kept as text.
 *
 * Thread rule: views are read by any thread, between catalog_enter and catalog_leave. One thread at
 * a time edits; catalog_settle may be called by any that is not between those two.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "base/err.h"
#include "base/str.h"
#include "match/match.h"
#include "model/model.h"
#include "render/render.h"

struct catalog;
struct catalog_view;
struct catalog_docs;

struct catalog_group {
    struct model_group model; /* without the metadata, which is kept as text, and the name */
    struct str metadata;      /* JSON; "{}" when there is none */
    uint64_t generation;      /* no other object of this catalog has the same */
};

struct catalog_profile {
    struct model_profile model;
    uint64_t generation;
};

struct catalog_template {
    enum model_kind kind;
    struct str name;
    const struct render_template *render; /* NULL when it does not compile: see broken */
    struct err broken;
    uint64_t generation;
};

err_code catalog_make(struct catalog **ret, struct err *e);
/* There must be no readers any more. */
void catalog_free(struct catalog *c);

/* --- reading --------------------------------------------------------------------------------- */

/* The newest view. Short: a grace period waits for every reader. */
const struct catalog_view *catalog_enter(struct catalog *c);
void catalog_leave(struct catalog *c);

uint64_t catalog_revision(const struct catalog_view *v);
/* The group that these labels belong to, or NULL. A few hundred nanoseconds. */
const struct catalog_group *catalog_match(const struct catalog_view *v,
                                          const struct labels *machine);
const struct catalog_group *catalog_group(const struct catalog_view *v, struct str id);
/*
 * What templates see of a group (render_group_data), read from its text: some ten nanoseconds a
 * value, which is why no tree of values is kept for each of a million groups. The result lives in a
 * and refers to the group.
 */
err_code catalog_group_data(const struct catalog_group *g, struct arena *a, struct value *ret,
                            struct err *e);
const struct catalog_profile *catalog_profile(const struct catalog_view *v, struct str id);
const struct catalog_template *catalog_template(const struct catalog_view *v, enum model_kind k,
                                                struct str name);

struct catalog_ranked {
    const struct catalog_group *group;
    uint32_t held; /* pairs of its selector that the machine has */
    bool matches;
    const struct catalog_group *shadowed_by; /* has the same selector, and comes first; or NULL */
};
/*
 * The groups for these labels, at most max, for somebody who asks why: all that match in the order
 * of matching, so that the first one is what catalog_match gives; then those that do not, by most
 * pairs that hold, fewest that do not, and id. The former are found as catalog_match finds them;
 * for the latter at most 200,000 groups are looked at, in an order of no meaning that stays the
 * same: *ret_whole is false if there were more. About a tenth of a second then, with the view held;
 * returns how many.
 */
uint32_t catalog_rank(const struct catalog_view *v, const struct labels *machine,
                      struct catalog_ranked *ret, uint32_t max, bool *ret_whole);

/*
 * Changes whenever a template of the kind MODEL_FILES does: a document that reads such files is
 * made of all of them.
 */
uint64_t catalog_files_generation(const struct catalog_view *v);
/* Calls fn for every template of a kind, in no particular order. Walks all templates. */
void catalog_each_template(const struct catalog_view *v, enum model_kind k,
                           void (*fn)(void *arg, const struct catalog_template *t), void *arg);

struct catalog_stats {
    size_t groups, profiles, templates, shapes;
    size_t broken; /* resources that are in the store and could not be read */
};
void catalog_stats(const struct catalog_view *v, struct catalog_stats *ret);

/* --- rendered documents ------------------------------------------------------------------------
 */

#define CATALOG_DOC_HASH_BYTES 32

/*
 * A document that does not depend on the request, kept with the profile or the group that it was
 * made for until something that it is made of changes. Counted: it may outlive its view.
 */
struct catalog_doc {
    struct str bytes;
    uint64_t profile; /* generations of what it was made of; 0: nothing */
    uint64_t tmpl;
    uint64_t *kept_bytes; /* of the catalog that counts it */
    uint32_t users;
    uint32_t hash_state; /* of `hash`: see catalog_doc_hash */
    unsigned char hash[CATALOG_DOC_HASH_BYTES];
};
/* Of its bytes, by `make`, which is called when the document is asked for it the first time (by two
   at once perhaps twice). Written to ret. */
typedef void catalog_doc_hasher(struct str bytes, unsigned char ret[CATALOG_DOC_HASH_BYTES]);
void catalog_doc_hash(struct catalog_doc *doc, catalog_doc_hasher *make,
                      unsigned char ret[CATALOG_DOC_HASH_BYTES]);

/*
 * The kept document if it is still current, or NULL; valid until catalog_leave, longer with
 * catalog_doc_hold. owner says where it is looked for: a group, or a profile if group is NULL.
 */
struct catalog_doc *catalog_doc_get(const struct catalog_group *g, const struct catalog_profile *p,
                                    enum render_document d, uint64_t tmpl_generation);
/*
 * Whether it is worth keeping: of a profile always, of a group when it was asked for before, which
 * the first call notes. Most machines ask for each document once a boot; a storm of a million of
 * them would fill all the room there is with what nobody asks for again.
 */
bool catalog_doc_wanted(const struct catalog_group *g, enum render_document d);
/*
 * Keeps a copy of bytes there. When memory is out, or all that is kept would be over 256 MiB, it is
 * not kept and so rendered again next time.
 */
void catalog_doc_put(struct catalog *c, const struct catalog_group *g,
                     const struct catalog_profile *p, enum render_document d,
                     uint64_t tmpl_generation, struct str bytes);
struct catalog_doc *catalog_doc_hold(struct catalog_doc *doc);
/* For any thread, at any time; takes a void pointer so that it can be a callback. */
void catalog_doc_release(void *doc);

/* --- changing -------------------------------------------------------------------------------- */

struct catalog_edit;

/* Begins at the newest view, or at an empty one with `fresh`. */
err_code catalog_edit_begin(struct catalog *c, bool fresh, struct catalog_edit **ret,
                            struct err *e);
/*
 * Puts or replaces. ERR_INVALID, ERR_LIMIT or ERR_UNSUPPORTED: the body cannot be read; the store
 * has it all the same, so a group or profile is then out (it matches nothing), a template in and
 * broken, both are counted, and the edit may go on. After ERR_NOMEM it must be abandoned.
 */
err_code catalog_put_group(struct catalog_edit *x, struct str id, struct str body, struct err *e);
err_code catalog_put_profile(struct catalog_edit *x, struct str id, struct str body, struct err *e);
err_code catalog_put_template(struct catalog_edit *x, enum model_kind k, struct str name,
                              struct str source, struct err *e);
/* Deleting what is not there is no error. ERR_NOMEM. */
err_code catalog_delete_group(struct catalog_edit *x, struct str id, struct err *e);
err_code catalog_delete_profile(struct catalog_edit *x, struct str id, struct err *e);
err_code catalog_delete_template(struct catalog_edit *x, enum model_kind k, struct str name,
                                 struct err *e);
/*
 * A whole site at once: threads make batches of groups side by side, then all batches are put into
 * an edit that has no groups yet.
 */
struct catalog_batch;
err_code catalog_batch_make(struct catalog_edit *x, struct catalog_batch **ret, struct err *e);
void catalog_batch_free(struct catalog_batch *b);
/*
 * As catalog_put_group; a batch belongs to one thread at a time, and nothing is done to the edit
 * meanwhile but with other batches. No id may be in them twice.
 */
err_code catalog_batch_add(struct catalog_batch *b, struct str id, struct str body, struct err *e);
/* Empties the batches into the edit. ERR_NOMEM: the edit must be abandoned. */
err_code catalog_put_batches(struct catalog_edit *x, struct catalog_batch *const *batches, size_t n,
                             struct err *e);
/* Publishes all of it as that revision, and ends the edit. Cannot fail. */
void catalog_edit_commit(struct catalog_edit *x, uint64_t revision);
void catalog_edit_abandon(struct catalog_edit *x);

/* Frees what no reader can see any more; may wait for a grace period (milliseconds). */
void catalog_settle(struct catalog *c);

#endif
