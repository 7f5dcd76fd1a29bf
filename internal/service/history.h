/*
 * history.h - revisions: what changed, who did it, when and why; and the way back.
 *
 * Revision 0 is the empty site. Revisions that are not kept, or are not there yet, are
 * ERR_NOT_FOUND, and the message says how far history goes.
 */
#ifndef SERVICE_HISTORY_H
#define SERVICE_HISTORY_H

#include "base/finding.h"
#include "store/store.h"

struct service;

/* Who writes, for the revision. */
struct service_author {
    struct str who;
    struct str message;
};

/* See store_revisions. */
err_code service_revisions(struct service *s, uint64_t before, uint64_t limit,
                           store_each_revision *each, void *arg, struct err *e);
/* One of them; its texts are on a. */
err_code service_revision(struct service *s, uint64_t n, struct arena *a,
                          struct store_revision *ret, struct err *e);
/* The newest one. */
err_code service_newest(struct service *s, uint64_t *ret, struct err *e);

enum service_action { SERVICE_ADD, SERVICE_CHANGE, SERVICE_REMOVE };

/* One resource that differs between two revisions; gone after the callback. */
struct service_change {
    struct store_key key;
    enum service_action action;
    struct str from, to; /* bodies, as the store has them; absent where it is not there */
};
typedef err_code service_each_change(void *arg, const struct service_change *c, struct err *e);
/* By type (groups, profiles, templates), kind and name. */
err_code service_changes(struct service *s, uint64_t from, uint64_t to, service_each_change *each,
                         void *arg, struct err *e);

/* JSON with a line for each member, in dst; what is no JSON, or too much for dst, as it is. */
struct str service_readable(struct str text, struct buf *dst);

/*
 * Appends a unified diff of the resource as an exported site has it (JSON pretty-printed, with the
 * file's name below the site), so that `patch -p1` takes it there. What is no text is only said to
 * differ.
 */
err_code service_change_diff(const struct service_change *c, struct buf *dst, struct err *e);

/*
 * Makes a revision with the content of revision n, and says in its message that it did; if that is
 * what is there already, no revision is made. It must be valid as any write, or nothing changes:
 * ERR_INVALID with every finding (which name files as in a site) when a template of that revision
 * no longer compiles, a reference dangles, or two groups would have one selector. ERR_NOT_FOUND.
 */
err_code service_rollback(struct service *s, uint64_t n, const struct service_author *author,
                          struct findings *f, uint64_t *ret_revision, struct err *e);

#endif
