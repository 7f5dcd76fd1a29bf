/*
 * set.h - a set of texts whose number is known before.
 *
 * Lives in an arena; the texts must stay where they are. Thread rule: one at a time.
 */
#ifndef IGNITION_SET_H
#define IGNITION_SET_H

#include "base/arena.h"
#include "base/str.h"

struct text_set {
    struct str *slots; /* a free one is absent */
    size_t mask;
    size_t free; /* how many more may be added */
};

/* For at most n texts. False without memory. */
bool text_set_init(struct text_set *s, struct arena *a, size_t n);
/* False if the text was there already. No more than n different ones. */
bool text_set_add(struct text_set *s, struct str text);
bool text_set_has(const struct text_set *s, struct str text);

#endif
