/*
 * affected.h - which groups' documents a change may concern: those changed themselves, those whose
 * profile or whose profile's templates are changed, and with a changed file all with a Butane
 * config, which may read it. Nothing else makes a document.
 *
 * Thread rule: one at a time, inside the transaction.
 */
#ifndef SERVICE_AFFECTED_H
#define SERVICE_AFFECTED_H

#include "service/compare.h"

struct affected {
    struct store_txn *txn;
    struct comparison *comparison;
    struct arena *arena; /* of the names */
    struct str *profiles;
    size_t profiles_n, profiles_cap; /* cap: a power of two, a hash table of names */
    uint64_t left;                   /* groups that may still be compared */
    uint64_t compared, passed_over;  /* over: because nothing was left */
    /* Is the group one that the caller compares itself? */
    bool (*own)(void *arg, struct str group);
    void *arg;
};

/* A resource that is changed, added or removed; the transaction is in either state. */
err_code affected_touch(struct affected *x, const struct store_key *k, struct err *e);
/* Once, after the last touch. */
err_code affected_touched(struct affected *x, struct err *e);
/* Is it a profile whose groups are affected? */
bool affected_profile(const struct affected *x, struct str id);
/* Compares one, or passes over it. */
err_code affected_compare(struct affected *x, struct str group, struct str before, struct str after,
                          struct err *e);
/* Compares the groups of affected profiles that the transaction has and the caller has not, which
   are themselves as they were. */
err_code affected_compare_others(struct affected *x, struct err *e);

#endif
