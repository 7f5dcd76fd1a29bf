#include "tmpl/tmpl.h"

#include <stdlib.h>

#include "tmpl/tree.h"

#define COMPILED_MAX ((size_t)64 << 20)

static err_code compile(struct tmpl *t, struct str name, struct str source, struct err *e)
{
    if (!arena_str(&t->arena, name, &t->name) || !arena_str(&t->arena, source, &t->source))
        return err_set(e, ERR_NOMEM, "out of memory while compiling a template");
    err_code code = parse_template(t, e);
    if (code)
        return err_in_file(e, t->name.p), code;
    t->needs = needs_of(t);
    return ERR_OK;
}

err_code tmpl_compile(struct str name, struct str source, struct tmpl **ret, struct err *e)
{
    if (source.n > TMPL_SOURCE_MAX) {
        return err_set(e, ERR_LIMIT, "the template has %zu bytes, more than the limit of %u",
                       source.n, TMPL_SOURCE_MAX);
    }
    struct tmpl *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, ERR_NOMEM, "out of memory while compiling a template");
    arena_init(&t->arena, COMPILED_MAX);
    err_code code = compile(t, name, source, e);
    if (code) {
        tmpl_free(t);
        return code;
    }
    *ret = t;
    return ERR_OK;
}

void tmpl_free(struct tmpl *t)
{
    if (!t)
        return;
    arena_free(&t->arena);
    free(t);
}

enum tmpl_needs tmpl_needs(const struct tmpl *t)
{
    return t->needs;
}

size_t tmpl_memory(const struct tmpl *t)
{
    return sizeof *t + t->arena.used;
}
