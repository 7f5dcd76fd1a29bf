/*
 * embedded.h - files of the source tree that are part of the binary: the built-in templates and the
 * database schema. The table is made by the build; constant, shared freely.
 */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include "base/str.h"

struct embedded_file {
    const char *name; /* path from the source root; NULL ends the table */
    const char *p;
    size_t n;
};
extern const struct embedded_file embedded_files[];

/* The file of that path; absent if there is none. */
static inline struct str embedded_get(const char *name)
{
    for (const struct embedded_file *f = embedded_files; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return str_of(f->p, f->n);
    return (struct str){NULL, 0};
}

#endif
