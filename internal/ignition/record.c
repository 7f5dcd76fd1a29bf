#include "ignition/record.h"

#include "base/always.h"

static const struct place *place_new(struct arena *a, struct place p)
{
    struct place *ret = arena_alloc(a, sizeof *ret);
    if (ret)
        *ret = p;
    return ret;
}

const struct place *place_field(struct arena *a, const struct place *up, struct str name, int line,
                                int column)
{
    return place_new(a, (struct place){.up = up, .name = name, .line = line, .column = column});
}

const struct place *place_item(struct arena *a, const struct place *up, size_t index, int line,
                               int column)
{
    return place_new(a, (struct place){.up = up, .index = index, .line = line, .column = column});
}

void place_pointer(const struct place *p, struct buf *dst)
{
    if (!p->up)
        return;
    place_pointer(p->up, dst);
    buf_add_byte(dst, '/');
    if (!p->name.p)
        buf_addf(dst, "%zu", p->index);
    for (size_t i = 0; i < p->name.n; i++) {
        if (p->name.p[i] == '~')
            buf_add_lit(dst, "~0");
        else if (p->name.p[i] == '/')
            buf_add_lit(dst, "~1");
        else
            buf_add_byte(dst, p->name.p[i]);
    }
}

struct record *record_new(struct arena *a, const struct schema_struct *type,
                          const struct place *place)
{
    size_t size = sizeof(struct record) + type->n * sizeof(struct datum);
    struct record *r = arena_calloc(a, 1, size);
    if (!r)
        return NULL;
    r->type = type;
    r->place = place;
    return r;
}

const struct datum *record_get(const struct record *r, const char *name)
{
    static const struct datum none = {.kind = DATUM_NONE};
    if (!r)
        return &none;
    const struct datum *found = NULL;
    for (size_t i = 0; i < r->type->n; i++) {
        const struct schema_field *f = &r->type->fields[i];
        if (strcmp(f->json ? f->json : f->yaml, name) != 0)
            continue;
        if (!found || r->fields[i].place)
            found = &r->fields[i];
    }
    always(found != NULL);
    return found;
}

struct str record_text(const struct record *r, const char *name)
{
    const struct datum *d = record_get(r, name);
    return d->kind == DATUM_STRING ? d->text : (struct str){NULL, 0};
}

int64_t record_number(const struct record *r, const char *name)
{
    const struct datum *d = record_get(r, name);
    return d->kind == DATUM_INT ? d->number : 0;
}

bool record_truth(const struct record *r, const char *name)
{
    const struct datum *d = record_get(r, name);
    return d->kind == DATUM_BOOL && d->truth;
}

const struct record *record_sub(const struct record *r, const char *name)
{
    const struct datum *d = record_get(r, name);
    return d->kind == DATUM_RECORD ? d->record : NULL;
}

const struct datum_list *record_list(const struct record *r, const char *name)
{
    static const struct datum_list empty = {0, NULL};
    const struct datum *d = record_get(r, name);
    return d->kind == DATUM_LIST ? d->list : &empty;
}

bool record_has(const struct record *r, const char *name)
{
    return record_get(r, name)->kind != DATUM_NONE;
}

void record_set(struct record *r, unsigned minor, const char *name, struct datum value)
{
    for (size_t i = 0; i < r->type->n; i++) {
        const struct schema_field *f = &r->type->fields[i];
        if (minor >= f->since && minor <= f->until &&
            strcmp(f->json ? f->json : f->yaml, name) == 0) {
            r->fields[i] = value;
            return;
        }
    }
    always(false);
}

static bool is_zero(const struct datum *d)
{
    return d->kind == DATUM_NONE || (d->kind == DATUM_INT && d->number == 0);
}

void datum_key(const struct datum *item, struct buf *dst)
{
    if (item->kind == DATUM_STRING) {
        buf_add_str(dst, item->text);
        return;
    }
    always(item->kind == DATUM_RECORD && item->record->type->key != NULL);
    const struct schema_struct *type = item->record->type;
    const char *name = type->key;
    if (type->other_key && is_zero(record_get(item->record, name)))
        name = type->other_key;
    const struct datum *d = record_get(item->record, name);
    if (type->other_key && d->kind != DATUM_NONE)
        buf_addf(dst, "%s:", name);
    if (d->kind == DATUM_INT)
        buf_addf(dst, "%lld", (long long)d->number);
    else if (d->kind == DATUM_STRING)
        buf_add_str(dst, d->text);
}
