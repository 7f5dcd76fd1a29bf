/*
 * labels.h - from a query string to labels, as matchbox reads them: of a repeated key the first
 * value counts, even if it is empty; a MAC that is none is dropped as if it had not been sent.
 * Both planes read labels with this, so that what is explained is what machines get.
 */
#ifndef SERVICE_LABELS_H
#define SERVICE_LABELS_H

#include "base/arena.h"
#include "base/err.h"
#include "model/model.h"

enum service_ignored_why {
    SERVICE_IGNORED_REPEATED, /* its key was there before */
    SERVICE_IGNORED_MAC,      /* it is a MAC that is none, or empty */
    SERVICE_IGNORED_JUNK,     /* it identifies no machine: see model_label_is_junk */
    SERVICE_IGNORED_CLAIM,    /* it is tls_subject, which only a certificate tells */
};

struct service_ignored {
    enum service_ignored_why why;
    struct str key, value;
    bool conflict; /* repeated, with another value than the first */
};

struct service_labels {
    struct labels labels;                  /* normalised, sorted: what groups are matched by */
    struct labels sent;                    /* the same with junk, for templates and logs */
    const struct service_ignored *ignored; /* in the order of the query */
    uint32_t ignored_n;
    uint32_t undecodable; /* pairs that were dropped: a bad escape, or a ';' */
};

/* The most pairs of a query. */
#define SERVICE_PAIRS_MAX 1000

/* Everything lives in a or points into raw. ERR_LIMIT: too many pairs; ERR_NOMEM. */
err_code service_labels_read(struct arena *a, struct str raw_query, struct service_labels *ret,
                             struct err *e);
/*
 * Where there is TLS: the label "tls_subject" is the subject of the verified client certificate, or
 * not there without one (absent), whatever the query says. ERR_NOMEM.
 */
err_code service_labels_certify(struct arena *a, struct str subject, struct service_labels *l,
                                struct err *e);

#endif
