#include "base/finding.h"

#include <stdio.h>

void findings_init(struct findings *f, struct arena *a)
{
    *f = (struct findings){.arena = a};
}

static void add(struct findings *f, enum finding_severity s, struct str file, struct str pointer,
                int line, int column, struct str message)
{
    size_t kept = f->errors + f->warnings;
    if (s == FINDING_ERROR)
        f->errors++;
    else
        f->warnings++;
    if (kept >= FINDINGS_MAX)
        return;
    struct finding *x = arena_calloc(f->arena, 1, sizeof *x);
    if (!x || !arena_str(f->arena, file, &x->file) || !arena_str(f->arena, pointer, &x->pointer) ||
        !arena_str(f->arena, message, &x->message))
        return;
    x->severity = s;
    x->line = line;
    x->column = column;
    if (f->last)
        f->last->next = x;
    else
        f->first = x;
    f->last = x;
}

void findings_restore(struct findings *f, const struct findings *before)
{
    *f = *before;
    if (f->last)
        f->last->next = NULL;
}

void findings_add(struct findings *f, enum finding_severity s, const char *pointer, int line,
                  int column, const char *fmt, ...)
{
    char msg[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    add(f, s, f->file, str_c(pointer), line, column, str_c(msg));
}

void findings_add_err(struct findings *f, enum finding_severity s, const struct err *e)
{
    struct str file = e->file[0] ? str_c(e->file) : f->file;
    add(f, s, file, str_c(e->pointer), e->line, e->column, str_c(e->msg));
}

void finding_format(const struct finding *x, struct buf *dst)
{
    if (x->file.n)
        buf_addf(dst, "%.*s:", STR_FMT(x->file));
    if (x->line > 0)
        buf_addf(dst, "%d:%d:", x->line, x->column);
    if (x->file.n || x->line > 0)
        buf_add_byte(dst, ' ');
    buf_addf(dst, "%s: ", x->severity == FINDING_ERROR ? "error" : "warning");
    if (x->pointer.n)
        buf_addf(dst, "%.*s: ", STR_FMT(x->pointer));
    buf_add_str(dst, x->message);
}
