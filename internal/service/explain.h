/*
 * explain.h - why a machine gets what it gets.
 *
 * For the same labels as a machine's request, of one revision: the groups in their order with every
 * predicate, the profile, what became of each document, and where the variables of templates come
 * from. It has no value of metadata in it, only names: who may read groups may not be who should
 * see a document's secrets on a screen that others look at.
 */
#ifndef SERVICE_EXPLAIN_H
#define SERVICE_EXPLAIN_H

#include "render/render.h"
#include "service/labels.h"

#define SERVICE_RANKED_MAX 50

/* One pair of a group's selector. */
struct service_predicate {
    struct str key, want;  /* of a list the first value */
    const struct str *any; /* the list: one of these is wanted; NULL without one */
    uint32_t any_n;
    struct str got; /* absent: the machine has no such label, which reads as "" */
    bool held;
};

struct service_ranked {
    struct str id;
    bool matched;
    const struct service_predicate *predicates;
    uint32_t predicates_n;
    struct str shadowed_by; /* the group with the same selector that comes first; absent if none */
    struct str reason;      /* a sentence: what held, and what decided against the winner */
};

struct service_explained_document {
    enum render_document document;
    struct str template;      /* its name; absent when there is none */
    bool builtin;             /* made by the built-in boot script */
    struct err error;         /* as service_answer has it; code ERR_OK when there is a document */
    unsigned char sha256[32]; /* of the document */
};

enum service_variable_from { SERVICE_FROM_METADATA, SERVICE_FROM_SELECTOR, SERVICE_FROM_REQUEST };

struct service_variable {
    struct str name; /* "role", "request.query.mac" */
    enum service_variable_from from;
};

struct service_explanation {
    uint64_t revision;
    const struct service_ranked *groups; /* best first; the first one has won if it matches */
    uint32_t groups_n;
    bool groups_whole;  /* false: some are missing, see catalog_rank, or were too large to show */
    struct str winner;  /* absent: no group matches; then what follows is empty */
    struct str profile; /* that the group names, perhaps of nothing; absent if it names none */
    const struct service_explained_document *documents;
    uint32_t documents_n;
    const struct service_variable *variables;
    uint32_t variables_n;
};

struct service;
struct service_question;
/*
 * Of q its document and form do not count. Everything lives in a. ERR_BUSY: the catalog is not
 * loaded; ERR_NOMEM.
 */
err_code service_explain(struct service *s, const struct service_question *q, struct arena *a,
                         struct service_explanation *ret, struct err *e);

#endif
