/* planning.h - what the files of a plan share: plan.c, plan_documents.c and apply.c. */
#ifndef SERVICE_PLANNING_H
#define SERVICE_PLANNING_H

#include "service/bundle.h"
#include "service/plan.h"

/* Of an entry. */
enum plan_mark {
    PLAN_INVALID,
    PLAN_UNCHANGED,
    PLAN_ADDED,
    PLAN_CHANGED,
    PLAN_MARKS = 3,
    /* Flags beside: */
    PLAN_SELECTOR = 4, /* a group whose selector is new to it */
    PLAN_LISTS = 8,    /* whose selector perhaps has lists */
    PLAN_TAKEN = 16,   /* whose selector was found to be another's */
};

static inline bool plan_changes(const struct bundle_entry *x)
{
    return (x->mark & PLAN_MARKS) >= PLAN_ADDED;
}

/* A resource that is not in the bundle and goes. */
struct plan_removed {
    struct plan_removed *next;
    struct store_key key;
};

struct planning {
    struct service *service;
    bool has_turn;
    const struct service_plan_options *options;
    const struct service_plan_sink *sink;
    struct bundle bundle;
    struct findings *findings;
    struct findings of_bundle; /* what was found when the bundle was read */
    struct store_txn *txn;
    struct arena arena;   /* of one run */
    struct arena scratch; /* of one resource */
    struct plan_removed *removed, **removed_last;
    size_t conflicts;                       /* errors that are about what is taken */
    size_t diffs_left, document_diffs_left; /* bytes */
    char group[MODEL_ID_MAX + 1];           /* of the last document that differs */
    struct service_planned result;
};

/* Waits for its turn. To be closed in any case. */
err_code planning_open(struct planning *p, struct service *s, const struct service_bundle *b,
                       const struct service_plan_options *o, const struct service_plan_sink *sink,
                       struct findings *f, struct err *e);
void planning_close(struct planning *p);
/* A job of the store, whose argument is the planning: all of a plan, from the start. */
err_code planning_run(struct store_txn *t, void *planning, struct err *e);

/* plan_documents.c: what becomes of documents, when all resources are marked. */
err_code planning_documents(struct planning *p, struct err *e);

#endif
