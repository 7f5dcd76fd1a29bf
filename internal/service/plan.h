/*
 * plan.h - what a bundle would change, and the change itself.
 *
 * A plan is computed against one moment of the site, without holding up who writes: each resource
 * is validated as a write of it is, references and selectors against the site as it would be then
 * (so two groups may swap their selectors), and every document that could differ is rendered before
 * and after. To apply is to plan and then, if the site is still at the plan's revision, to put and
 * delete everything as one revision, all or nothing.
 */
#ifndef SERVICE_PLAN_H
#define SERVICE_PLAN_H

#include "render/render.h"
#include "service/history.h"

/* Bytes of differences that are told, of resources and of documents each. */
#define SERVICE_PLAN_DIFFS (8u << 20)
/* Documents that are told. */
#define SERVICE_PLAN_DOCUMENTS 50000
/* Plans and applies that run at once; others wait so many seconds for their turn. */
#define SERVICE_PLANS_AT_ONCE 2
#define SERVICE_PLAN_WAIT     10
/* Groups whose documents are rendered. */
#define SERVICE_PLAN_GROUPS 100000

struct service_bundle {
    struct str text; /* stays until the call returns */
    bool lines;      /* NDJSON instead of JSON */
};

struct service_plan_options {
    bool at_once;  /* not now is ERR_BUSY, without a wait */
    bool prune;    /* what is not in the bundle is removed */
    bool has_base; /* the site must be at revision `base` */
    uint64_t base;
    struct str boot_url; /* where machines ask: see struct render_client; absent: a made-up one */
};

/* What is told; gone after the callback. */
struct service_plan_change {
    struct store_key key;
    enum service_action action;
    struct str diff; /* of its file in a site (see service_change_diff); absent: left out */
};
struct service_plan_document {
    struct str group;
    enum render_document document;
    struct str diff;
};
struct service_plan_sink {
    void (*begin)(void *arg); /* what was told before, if anything, is void */
    /* All changes, by type (groups, profiles, templates), those of the bundle first; then all
       documents. Any error ends the plan with it. */
    err_code (*change)(void *arg, const struct service_plan_change *c, struct err *e);
    err_code (*document)(void *arg, const struct service_plan_document *d, struct err *e);
    void *arg;
};

struct service_planned {
    uint64_t revision; /* that the plan is for; after it was applied, that it has made */
    uint64_t added, changed, removed, unchanged;
    uint64_t documents;          /* that differ */
    uint64_t groups;             /* that have one */
    uint64_t groups_left_out;    /* that may have one, but were not looked at */
    uint64_t documents_left_out; /* that differ and were not told */
    uint64_t diffs_left_out;     /* of what was told */
};

struct service;

/*
 * ERR_INVALID: every finding is in f, with its place in the bundle; ERR_CONFLICT: the same, and all
 * of them are about selectors or names that are taken; or the site is not at the base revision;
 * ERR_LIMIT: more resources than are taken; ERR_BUSY: the turns of others did not end in time. Else
 * f has warnings.
 */
err_code service_plan(struct service *s, const struct service_bundle *b,
                      const struct service_plan_options *o, const struct service_plan_sink *sink,
                      struct findings *f, struct service_planned *ret, struct err *e);
/* Errors as service_plan; nothing has changed then. A bundle that changes nothing makes no
   revision. The author's message, if he has one, wins over the bundle's. */
err_code service_apply(struct service *s, const struct service_bundle *b,
                       const struct service_plan_options *o, const struct service_author *author,
                       const struct service_plan_sink *sink, struct findings *f,
                       struct service_planned *ret, struct err *e);

#endif
