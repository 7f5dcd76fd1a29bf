/*
 * tmpl.h - Go text/template, compiled once and executed many times.
 *
 * The language is that of Go 1.2x's text/template with Option("missingkey=error") over the data
 * that encoding/json makes (value.h). A struct tmpl is immutable once compiled and may be executed
 * by any number of threads at once; it owns its memory (an arena of its own) until tmpl_free.
 * Execution allocates from the caller's arena only. Pure: no clock, no files, no environment.
 *
 * Source of the format: https://pkg.go.dev/text/template and https://pkg.go.dev/fmt.
 */
#ifndef TMPL_TMPL_H
#define TMPL_TMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "value/value.h"

struct tmpl;

/* What the result of an execution can depend on, from the source alone; conservative. */
enum tmpl_needs {
    TMPL_NEEDS_NOTHING, /* plain text, or actions that touch no data */
    TMPL_NEEDS_DATA,    /* fields of the data other than .request */
    TMPL_NEEDS_REQUEST, /* .request, or the dot or $ as a whole */
};

/*
 * What the output is. It decides how marked values (value.h), which somebody on the network chose,
 * may be printed: see mark.h. Values that are not marked are printed as they are everywhere.
 */
enum tmpl_context {
    TMPL_GENERIC, /* anything but control characters */
    TMPL_IPXE,
    TMPL_PXELINUX,
    TMPL_GRUB,
    TMPL_YAML,    /* cloud-config, Butane, meta-data, network-config */
    TMPL_SCRIPT,  /* a script for a shell that cloud-init runs */
    TMPL_TRUSTED, /* marks do not count */
};
#define TMPL_CONTEXTS 7

/* 0 in a field means the default that is named. No limit can be raised by a template. */
struct tmpl_options {
    enum tmpl_context context; /* TMPL_GENERIC */
    uint32_t depth; /* nested invocations, if/range/with and parentheses: 200; at most 1000 */
    uint64_t steps; /* evaluated nodes, and the work of functions: 5,000,000 */
    size_t memory;  /* bytes from the arena, without those of the output: 32 MiB */
    size_t output;  /* bytes: 8 MiB; the smaller of this and out->max holds */
    uint32_t width; /* printf width and precision: 4096 */
};

#define TMPL_SOURCE_MAX (2u << 20)

/*
 * Compiles source. name is what errors call the template (e->file); it is copied, and so is source.
 * Inside the source the main template has no name, as in matchbox: {{template ""}} invokes it.
 * Errors have line and column (from 1, column in bytes). Blocks and parentheses may be nested 200
 * deep; a source may define 1,000 templates and have 1,000 variables in scope, and may take 64 MiB
 * when it is compiled. ERR_INVALID, ERR_LIMIT, ERR_NOMEM.
 */
err_code tmpl_compile(struct str name, struct str source, struct tmpl **ret, struct err *e);
void tmpl_free(struct tmpl *t);

enum tmpl_needs tmpl_needs(const struct tmpl *t);
/* Bytes that a compiled template holds. */
size_t tmpl_memory(const struct tmpl *t);

/*
 * Executes t with data as the dot and appends to out. On failure out holds an unusable part of the
 * output. Scratch memory comes from a and may be reused by the caller afterwards, but not before
 * the output was taken if out lives in a. options may be NULL. ERR_RENDER with line, column, the
 * expression at fault and the key, never a value; ERR_LIMIT names the limit; ERR_NOMEM.
 */
err_code tmpl_execute(const struct tmpl *t, const struct value *data, struct arena *a,
                      const struct tmpl_options *options, struct buf *out, struct err *e);

/* A value as {{.}} prints it (fmt.Print of Go): 1e+06, map[a:1], <no value> for nil. */
void tmpl_print(struct buf *dst, const struct value *v);

#endif
