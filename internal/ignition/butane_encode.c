#include "ignition/butane_parts.h"
#include "value/value.h"

/* As the encoder that butane uses: an empty struct is left out like an empty list. */
static bool is_left_out(const struct schema_field *f, const struct datum *d, unsigned minor);

static bool is_empty_record(const struct record *r, unsigned minor)
{
    for (size_t i = 0; i < r->type->n; i++) {
        const struct schema_field *f = &r->type->fields[i];
        const struct datum *d = &r->fields[i];
        if (!schema_has(f, SCHEMA_IGNITION, minor) || is_left_out(f, d, minor))
            continue;
        if (!(f->flags & SCHEMA_POINTER) &&
            (d->kind == DATUM_NONE || (d->kind == DATUM_STRING && !d->text.n) ||
             (d->kind == DATUM_INT && !d->number)))
            continue;
        return false;
    }
    return true;
}

/* A plain string or number is written even if it is not given, unless it may be left out. */
static bool is_left_out(const struct schema_field *f, const struct datum *d, unsigned minor)
{
    if (f->flags & SCHEMA_POINTER)
        return d->kind == DATUM_NONE;
    bool omit_zero = f->flags & SCHEMA_OMIT_ZERO;
    switch ((enum schema_type)f->type) {
    case SCHEMA_STRING: return omit_zero && (d->kind == DATUM_NONE || !d->text.n);
    case SCHEMA_INT: return omit_zero && (d->kind == DATUM_NONE || !d->number);
    case SCHEMA_BOOL: return d->kind == DATUM_NONE;
    case SCHEMA_STRUCT: return d->kind == DATUM_NONE || is_empty_record(d->record, minor);
    case SCHEMA_STRINGS:
    case SCHEMA_STRUCTS: return d->kind == DATUM_NONE || !d->list->n;
    }
    return true;
}

static void add_string(struct buf *dst, struct str s)
{
    value_json_string(dst, s, VALUE_JSON_HTML_ESCAPE);
}

static void add_record(struct buf *dst, const struct record *r, unsigned minor);

static void add_list(struct buf *dst, const struct datum_list *l, unsigned minor)
{
    buf_add_byte(dst, '[');
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_add_byte(dst, ',');
        if (l->items[i].kind == DATUM_RECORD)
            add_record(dst, l->items[i].record, minor);
        else
            add_string(dst, l->items[i].text);
    }
    buf_add_byte(dst, ']');
}

static void add_datum(struct buf *dst, const struct schema_field *f, const struct datum *d,
                      unsigned minor)
{
    switch (d->kind) {
    case DATUM_NONE: buf_add_str(dst, f->type == SCHEMA_INT ? STR("0") : STR("\"\"")); break;
    case DATUM_STRING: add_string(dst, d->text); break;
    case DATUM_INT: buf_addf(dst, "%lld", (long long)d->number); break;
    case DATUM_BOOL: buf_add_str(dst, d->truth ? STR("true") : STR("false")); break;
    case DATUM_RECORD: add_record(dst, d->record, minor); break;
    case DATUM_LIST: add_list(dst, d->list, minor); break;
    }
}

static void add_record(struct buf *dst, const struct record *r, unsigned minor)
{
    bool first = true;
    buf_add_byte(dst, '{');
    for (size_t i = 0; i < r->type->n; i++) {
        const struct schema_field *f = &r->type->fields[i];
        if (!schema_has(f, SCHEMA_IGNITION, minor) || is_left_out(f, &r->fields[i], minor))
            continue;
        if (!first)
            buf_add_byte(dst, ',');
        first = false;
        add_string(dst, str_c(f->json));
        buf_add_byte(dst, ':');
        add_datum(dst, f, &r->fields[i], minor);
    }
    buf_add_byte(dst, '}');
}

void butane_encode(const struct record *config, unsigned minor, struct buf *dst)
{
    add_record(dst, config, minor);
}
