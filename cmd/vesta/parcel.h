/*
 * parcel.h - what `plan` and `apply` send: a site directory as a resource a line, or a bundle's
 * file as it is.
 *
 * Lines are written to a file without a name and mapped, so that a site of gigabytes takes no
 * memory; who packed the parcel remembers which file each line was, so that what the server finds
 * can be told with the file's own line and column.
 */
#ifndef VESTA_PARCEL_H
#define VESTA_PARCEL_H

#include "base/buf.h"
#include "base/finding.h"
#include "progress.h"
#include "store/store.h"

struct parcel {
    struct str body;
    bool lines;         /* NDJSON */
    const char *source; /* the directory or file, as the user said it */
    bool directory;
    void *map; /* NULL: nothing is mapped */
    size_t mapped;
    struct buf names;     /* of files below the directory, each ended by a NUL */
    uint32_t *line_names; /* where the name of each line's file begins */
    size_t lines_n, lines_cap;
};

/* source: a directory, a file, or "-". What is wrong with its files is in f: the parcel is then not
   to be sent. ERR_NOT_FOUND, ERR_IO, ERR_NOMEM, ERR_LIMIT. To be freed in any case. */
err_code parcel_pack(struct parcel *p, const char *source, struct findings *f,
                     struct progress *progress, struct err *e);
void parcel_free(struct parcel *p);

/* A line, with its end, for one resource in its file's form. ERR_INVALID: what is wrong is in f. */
err_code parcel_line(const struct store_key *k, struct str bytes, struct findings *f,
                     struct buf *dst, struct err *e);

/* Gives a finding of the server's the place that its author knows; texts live as long as p. */
void parcel_place(void *parcel, struct finding *x);

#endif
