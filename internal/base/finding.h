/*
 * finding.h - what a check found: every finding, not only the first.
 *
 * A list of sentences with a severity and a place. The list and its texts live in an arena that the
 * caller gives. At most FINDINGS_MAX are kept; the rest are only counted. Thread rule: one at a
 * time.
 */
#ifndef BASE_FINDING_H
#define BASE_FINDING_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define FINDINGS_MAX 1000

enum finding_severity { FINDING_ERROR, FINDING_WARNING };

struct finding {
    enum finding_severity severity;
    struct str file;    /* file or resource, may be empty */
    struct str pointer; /* JSON pointer (RFC 6901), may be empty */
    int line, column;   /* from 1; 0 is "not known" */
    struct str message;
    const struct finding *next;
};

struct findings {
    struct arena *arena;
    struct str file; /* put on each finding that is added while it is set */
    struct finding *first, *last;
    size_t errors, warnings;
};

void findings_init(struct findings *f, struct arena *a);
/* Forgets what was added since f was copied to before. */
void findings_restore(struct findings *f, const struct findings *before);
void findings_add(struct findings *f, enum finding_severity s, const char *pointer, int line,
                  int column, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* An error value as a finding; its own file, if it names one, wins over f->file. */
void findings_add_err(struct findings *f, enum finding_severity s, const struct err *e);
/* "file:line:column: severity: message" (the pointer before the message, if there is one). */
void finding_format(const struct finding *x, struct buf *dst);

#endif
