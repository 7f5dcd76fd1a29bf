/*
 * labels.h - from a query string to labels, as matchbox reads them: of a repeated key the first
 * value counts, even if it is empty; a MAC that is none is dropped as if it had not been sent.
 */
#ifndef BOOT_LABELS_H
#define BOOT_LABELS_H

#include "base/arena.h"
#include "base/err.h"
#include "model/model.h"

struct boot_labels {
    struct labels labels;
    struct str conflict;    /* a key that was given two values; absent if none */
    struct str ignored_mac; /* a MAC that does not parse; absent if none */
};

/* The most pairs of a query. */
#define BOOT_PAIRS_MAX 1000

/* Everything lives in a or points into raw. ERR_LIMIT: too many pairs; ERR_NOMEM. */
err_code boot_labels_read(struct arena *a, struct str raw_query, struct boot_labels *ret,
                          struct err *e);

#endif
