#include "ignition/butane_parts.h"

__attribute__((format(printf, 4, 0))) static void report(struct butane *b, enum finding_severity s,
                                                         const struct place *p, const char *fmt,
                                                         va_list ap)
{
    BUF_LOCAL(pointer, 4096);
    BUF_LOCAL(message, 600);
    if (p)
        place_pointer(p, &pointer);
    buf_vaddf(&message, fmt, ap);
    const char *at = buf_c(&pointer), *text = buf_c(&message);
    findings_add(b->f, s, at ? at : "", p ? p->line : 0, p ? p->column : 0, "%s",
                 text ? text : "too long to say");
}

void butane_error(struct butane *b, const struct place *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(b, FINDING_ERROR, p, fmt, ap);
    va_end(ap);
}

void butane_warn(struct butane *b, const struct place *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(b, FINDING_WARNING, p, fmt, ap);
    va_end(ap);
}

static void *checked(struct butane *b, const void *p)
{
    if (!p)
        b->failed = ERR_NOMEM;
    return (void *)(uintptr_t)p;
}

const struct place *butane_place(struct butane *b, const struct record *r, const char *name)
{
    if (!r)
        return NULL;
    const struct datum *d = record_get(r, name);
    if (d->place)
        return d->place;
    const struct schema_field *f = schema_field_of(r->type, name);
    struct str yaml = str_c(f->yaml ? f->yaml : f->json);
    return checked(b, place_field(b->a, r->place, yaml, r->place->line, r->place->column));
}

struct str butane_text(struct butane *b, const char *fmt, ...)
{
    struct buf text;
    buf_in_arena(&text, b->a, BUTANE_MAX_CONTENTS);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    if (text.failed)
        b->failed = text.overflow ? ERR_LIMIT : ERR_NOMEM;
    return text.failed ? STR("") : buf_str(&text);
}

struct record *butane_record(struct butane *b, const struct schema_struct *type,
                             const struct place *p)
{
    return p ? checked(b, record_new(b->a, type, p)) : NULL;
}

static void set(struct butane *b, struct record *r, const char *name, struct datum value)
{
    if (r && value.place)
        record_set(r, b->spec->minor, name, value);
}

struct record *butane_sub(struct butane *b, struct record *r, const char *name,
                          const struct schema_struct *type, const struct place *p)
{
    const struct datum *d = record_get(r, name);
    if (d->kind == DATUM_RECORD)
        return d->record;
    struct record *sub = butane_record(b, type, p);
    butane_set_record(b, r, name, sub, p);
    return sub;
}

void butane_set_text(struct butane *b, struct record *r, const char *name, struct str s,
                     const struct place *p)
{
    set(b, r, name, (struct datum){.kind = DATUM_STRING, .place = p, .text = s});
}

void butane_set_number(struct butane *b, struct record *r, const char *name, int64_t n,
                       const struct place *p)
{
    set(b, r, name, (struct datum){.kind = DATUM_INT, .place = p, .number = n});
}

void butane_set_truth(struct butane *b, struct record *r, const char *name, bool t,
                      const struct place *p)
{
    set(b, r, name, (struct datum){.kind = DATUM_BOOL, .place = p, .truth = t});
}

void butane_set_record(struct butane *b, struct record *r, const char *name, struct record *sub,
                       const struct place *p)
{
    if (sub)
        set(b, r, name, (struct datum){.kind = DATUM_RECORD, .place = p, .record = sub});
}

void butane_copy(struct butane *b, struct record *r, const char *name, const struct record *from)
{
    const struct datum *d = record_get(from, name);
    if (d->kind != DATUM_NONE)
        set(b, r, name, *d);
}

void butane_push(struct butane *b, struct butane_list *l, struct datum x)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 4;
        struct datum *items =
            arena_grow(b->a, l->items, l->cap * sizeof *items, cap * sizeof *items);
        if (!checked(b, items))
            return;
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = x;
}

void butane_push_text(struct butane *b, struct butane_list *l, struct str s, const struct place *p)
{
    butane_push(b, l, (struct datum){.kind = DATUM_STRING, .place = p, .text = s});
}

void butane_push_record(struct butane *b, struct butane_list *l, struct record *r)
{
    if (r)
        butane_push(b, l, (struct datum){.kind = DATUM_RECORD, .place = r->place, .record = r});
}

void butane_push_all(struct butane *b, struct butane_list *l, const struct datum_list *from)
{
    for (size_t i = 0; i < from->n; i++)
        butane_push(b, l, from->items[i]);
}

void butane_set_list(struct butane *b, struct record *r, const char *name,
                     const struct butane_list *l, const struct place *p)
{
    if (!l->n)
        return;
    struct datum_list *list = checked(b, arena_alloc(b->a, sizeof *list));
    if (!list)
        return;
    *list = (struct datum_list){.n = l->n, .items = l->items};
    set(b, r, name, (struct datum){.kind = DATUM_LIST, .place = p, .list = list});
}
