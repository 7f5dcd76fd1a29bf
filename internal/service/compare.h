/*
 * compare.h - what becomes of groups' documents when a site changes: each is rendered before and
 * after, as the machine that has exactly the group's selector as its labels would get it; of a
 * selector with lists for COMPARE_COMBINATIONS of its combinations, and told of the first that
 * makes a difference.
 *
 * A document that could be made, or was not there, and can no longer be made is an error; one that
 * could not be made before either is a warning, and so is one that the request has a part in, since
 * a real machine may bring what is missing. Thread rule: one at a time.
 */
#ifndef SERVICE_COMPARE_H
#define SERVICE_COMPARE_H

#include "service/makings.h"

#define COMPARE_COMBINATIONS 16

/* A document that differs; absent texts: there is none. What it is given is gone afterwards. */
typedef err_code compare_differs(void *arg, struct str group, enum render_document d,
                                 struct str before, struct str after, struct err *e);

struct comparison {
    struct service *service;
    struct makings before, after;
    struct str boot_url; /* where boot scripts' paths begin; of the caller */
    bool files_changed;  /* something in files/ */
    struct findings *findings;
    /* NULL: only what can no longer be made is of interest, and of documents that the request has
       a part in, or that are as they were, not even that; and what was not there before, but for
       an Ignition config, is only a warning. */
    compare_differs *differs;
    void *arg;
    struct arena scratch;
};

void compare_init(struct comparison *c, struct service *s, const struct state *before,
                  const struct state *after, struct findings *f);
void compare_free(struct comparison *c);
/* The bodies of the group before and after, as the store has them; absent where it is not there. */
err_code compare_group(struct comparison *c, struct str id, struct str before, struct str after,
                       struct err *e);

#endif
