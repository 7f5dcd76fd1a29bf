/*
 * bundle.h - a set of resources that somebody wants a site to have, in one text.
 *
 * JSON: {"groups":[…],"profiles":[…],"templates":[…],"message":"…"}, or NDJSON: one {"group":…},
 * {"profile":…} or {"template":…} a line, empty lines aside. Groups and profiles are as in the API,
 * with their id; a template is {"kind","name"} and "content" or "content_b64". The text may be a
 * mapped file of gigabytes: a bundle keeps where each resource stands in it (72 bytes each), never
 * its tree, and the text must stay as long as the bundle.
 *
 * What is wrong is told with its place in the text: pointer, line and column; for lines the pointer
 * is into that line. Only what is wrong inside of a template's content names the template's file
 * and the place in it. Thread rule: one at a time.
 */
#ifndef SERVICE_BUNDLE_H
#define SERVICE_BUNDLE_H

#include <stdarg.h>

#include "service/parts.h"

/* Resources in one bundle. */
#define BUNDLE_ENTRIES_MAX 4000000

struct bundle_entry {
    struct store_key key;
    struct str text;   /* the resource's JSON, a part of the bundle's text */
    uint32_t line;     /* where that begins, from 1 */
    uint32_t index;    /* in its list; JSON only */
    uint64_t selector; /* of the caller, as is what follows; 0 at first */
    uint8_t mark;
};

struct bundle {
    struct str text;
    bool lines; /* NDJSON */
    struct bundle_entry *v;
    size_t n, cap;
    struct str message;      /* absent if it has none */
    struct secrets *secrets; /* of the caller, set after reading: what seals those of groups */
    struct arena arena;      /* names and messages that are not written as they are */
};

/*
 * Finds the resources and sorts them by type (groups, profiles, templates), kind and name. What has
 * no name, and all but the first of a name, is an error in f and not in the bundle. ERR_LIMIT,
 * ERR_NOMEM; the bundle is to be freed in any case.
 */
err_code bundle_read(struct bundle *b, struct str text, bool lines, struct findings *f,
                     struct err *e);
void bundle_free(struct bundle *b);

/* By type, kind and name. */
int bundle_key_cmp(const struct store_key *a, const struct store_key *b);
/* The entry of that key, or NULL. O(log n). */
struct bundle_entry *bundle_find(const struct bundle *b, const struct store_key *k);
/* The index of the first entry whose key is not less than k. */
size_t bundle_from(const struct bundle *b, const struct store_key *k);

/*
 * Reads and validates one as a write does (validate_resource, MODEL_STRICT); the result is on a.
 * ERR_INVALID, ERR_LIMIT, ERR_UNSUPPORTED: what is wrong was added to f, which may be NULL;
 * ERR_NOMEM.
 */
err_code bundle_resource(const struct bundle *b, const struct bundle_entry *x, struct arena *a,
                         struct findings *f, struct store_resource *ret, struct err *e);

/* Adds findings about one resource, whose pointers are into it, with their place in the bundle.
   Those that name a file stay as they are. */
void bundle_tell(const struct bundle *b, const struct bundle_entry *x, const struct findings *about,
                 struct findings *f);
/* The same with one error, at a pointer into the resource. scratch has the text only meanwhile. */
void bundle_tell_error(const struct bundle *b, const struct bundle_entry *x, struct arena *scratch,
                       struct findings *f, const char *pointer, const char *fmt, va_list args)
    __attribute__((format(printf, 6, 0)));

#endif
