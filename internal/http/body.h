/*
 * body.h - the body of a request as it comes: on the heap, or from a size on in a file.
 *
 * The file has no name (O_TMPFILE, or mkostemp and unlink where the file system has none), so
 * nothing is left behind however a request ends. Memory stays flat: HTTP_SPOOL_MIN bytes at most,
 * and the pages of the mapping are the file's, which the kernel may drop. Thread rule: one at a
 * time. Cost: what does not go to a file is copied once; a file is written as the pieces come.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "base/buf.h"

struct body {
    uint64_t n, max;  /* bytes that came, and may come */
    const char *dir;  /* where the file is made; NULL: all stays on the heap */
    struct buf bytes; /* before there is a file */
    int fd;           /* -1: there is no file */
    void *map;        /* NULL: not mapped */
};

/* What is wrong with a body, as a status and a phrase for the client; status 0: nothing. */
struct body_trouble {
    int status; /* 413: too large; 503: no memory; 507: no room in dir */
    const char *why;
};

/* Allocates nothing yet. dir is kept by reference. */
void body_init(struct body *b, uint64_t max, const char *dir);
/* After trouble the body is of no use, but to be freed. */
struct body_trouble body_add(struct body *b, const void *p, size_t n);
/* All of it, read-only, until it is freed. */
struct body_trouble body_whole(struct body *b, struct str *ret);
/* Also of a body of zero bytes; may be called again. */
void body_free(struct body *b);

#endif
