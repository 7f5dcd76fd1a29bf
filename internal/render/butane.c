#include <stdio.h>

#include "render/parts.h"

static void copy_text(char *dst, size_t size, struct str s)
{
    snprintf(dst, size, "%.*s", STR_FMT(s));
}

/* The first error that was found, at its place in the rendered text. */
static void first_error(const struct findings *f, struct str name, struct err *e)
{
    const struct finding *x = f->first;
    while (x && x->severity != FINDING_ERROR)
        x = x->next;
    if (!x || !e)
        return;
    err_at(e, ERR_INVALID, x->line, x->column, "the rendered Butane: %.*s", STR_FMT(x->message));
    copy_text(e->pointer, sizeof e->pointer, x->pointer);
    copy_text(e->file, sizeof e->file, name);
}

err_code butane_document(const struct render_input *in, struct str text, struct arena *a,
                         struct buf *out, struct err *e)
{
    struct findings own;
    findings_init(&own, a);
    struct findings *f = in->findings ? in->findings : &own;
    struct butane_options options = {.files = in->files};
    struct ignition_version version;
    struct str name = in->tmpl->name;
    err_code c = butane_translate(text, &options, a, f, out, &version, e);
    if (!c)
        return ERR_OK;
    if (f->errors && c == ERR_INVALID) {
        first_error(f, name, e);
    } else {
        err_prefix(e, "the rendered Butane");
        err_in_file(e, name.p);
    }
    return c;
}
