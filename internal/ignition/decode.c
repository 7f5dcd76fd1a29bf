#include "ignition/decode.h"

struct decoder {
    struct arena *a;
    unsigned minor;
    struct findings *f;
    bool type_error;
    bool out_of_memory;
};

static void decode_value(struct decoder *d, const struct jnode *node, const struct schema_field *f,
                         const struct place *place, bool exact, struct datum *ret);

/*
 * A place below up. What is below a key that is not spelt as in the schema cannot be found by its
 * path, so it is where the last part of the path is that can.
 */
static const struct place *field_place(struct decoder *d, const struct place *up,
                                       const struct schema_field *f, const struct jnode *node,
                                       bool exact)
{
    const struct place *p = place_field(d->a, up, str_c(f->json), exact ? node->line : up->line,
                                        exact ? node->column : up->column);
    d->out_of_memory = d->out_of_memory || !p;
    return p;
}

static const struct place *item_place(struct decoder *d, const struct place *up, size_t index,
                                      const struct jnode *node, bool exact)
{
    const struct place *p = place_item(d->a, up, index, exact ? node->line : up->line,
                                       exact ? node->column : up->column);
    d->out_of_memory = d->out_of_memory || !p;
    return p;
}

static void type_error(struct decoder *d, const struct jnode *node, const struct place *place,
                       const char *wanted)
{
    if (d->type_error)
        return;
    d->type_error = true;
    BUF_LOCAL(pointer, 1u << 16);
    place_pointer(place, &pointer);
    const char *at = buf_c(&pointer);
    struct str number = node->kind == JNODE_NUMBER ? str_sub(node->text, 0, 40) : STR("");
    findings_add(d->f, FINDING_ERROR, "", node->after_line, node->after_column,
                 "%s must be %s, not %s%s%.*s", at && *at ? at : "the config", wanted,
                 jnode_kind_name(node->kind), number.n ? " such as " : "", STR_FMT(number));
}

/* The whole text is digits, perhaps behind a '-', and fits. */
static bool parse_int(struct str s, int64_t *ret)
{
    uint64_t v;
    bool negative = s.n && s.p[0] == '-';
    uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (!str_to_u64(negative ? str_skip(s, 1) : s, max, &v))
        return false;
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static void decode_fields(struct decoder *d, const struct jnode *object, struct record *r,
                          bool exact)
{
    for (const struct jnode *m = object->first; m && !d->out_of_memory; m = m->next) {
        bool spelt;
        const struct schema_field *f =
            schema_find(r->type, SCHEMA_IGNITION, d->minor, m->key, &spelt);
        if (!f)
            continue;
        const struct place *place = field_place(d, r->place, f, m, exact && spelt);
        if (place)
            decode_value(d, m, f, place, exact && spelt, &r->fields[f - r->type->fields]);
    }
}

/* A null in a list is an empty struct. */
static void decode_struct(struct decoder *d, const struct jnode *node,
                          const struct schema_struct *type, const struct place *place, bool exact,
                          struct datum *ret)
{
    if (node->kind != JNODE_OBJECT && node->kind != JNODE_NULL) {
        type_error(d, node, place, "an object");
        return;
    }
    struct record *r = record_new(d->a, type, place);
    if (!r) {
        d->out_of_memory = true;
        return;
    }
    *ret = (struct datum){.kind = DATUM_RECORD, .place = place, .record = r};
    decode_fields(d, node, r, exact);
}

static void decode_string(struct decoder *d, const struct jnode *node, const struct place *place,
                          struct datum *ret)
{
    if (node->kind == JNODE_STRING || node->kind == JNODE_NULL)
        *ret = (struct datum){.kind = DATUM_STRING, .place = place, .text = node->text};
    else
        type_error(d, node, place, "a string");
}

static void decode_list(struct decoder *d, const struct jnode *node, const struct schema_field *f,
                        const struct place *place, bool exact, struct datum *ret)
{
    if (node->kind != JNODE_ARRAY) {
        type_error(d, node, place, "an array");
        return;
    }
    struct datum_list *list = arena_calloc(d->a, 1, sizeof *list);
    struct datum *items = node->n ? arena_calloc(d->a, node->n, sizeof *items) : NULL;
    if (!list || (node->n && !items)) {
        d->out_of_memory = true;
        return;
    }
    for (const struct jnode *m = node->first; m && !d->out_of_memory; m = m->next) {
        const struct place *at = item_place(d, place, list->n, m, exact);
        struct datum item = {.kind = DATUM_NONE};
        if (!at)
            return;
        if (f->type == SCHEMA_STRUCTS)
            decode_struct(d, m, f->sub, at, exact, &item);
        else
            decode_string(d, m, at, &item);
        items[list->n++] = item;
    }
    list->items = items;
    *ret = (struct datum){.kind = DATUM_LIST, .place = place, .list = list};
}

static void decode_value(struct decoder *d, const struct jnode *node, const struct schema_field *f,
                         const struct place *place, bool exact, struct datum *ret)
{
    bool truth = node->kind == JNODE_TRUE;
    int64_t number;
    if (node->kind == JNODE_NULL) {
        ret->place = place;
        return;
    }
    switch ((enum schema_type)f->type) {
    case SCHEMA_STRING: decode_string(d, node, place, ret); break;
    case SCHEMA_INT:
        if (node->kind == JNODE_NUMBER && parse_int(node->text, &number))
            *ret = (struct datum){.kind = DATUM_INT, .place = place, .number = number};
        else
            type_error(d, node, place, "an integer of at most 64 bits");
        break;
    case SCHEMA_BOOL:
        if (truth || node->kind == JNODE_FALSE)
            *ret = (struct datum){.kind = DATUM_BOOL, .place = place, .truth = truth};
        else
            type_error(d, node, place, "true or false");
        break;
    case SCHEMA_STRUCT: decode_struct(d, node, f->sub, place, exact, ret); break;
    case SCHEMA_STRINGS:
    case SCHEMA_STRUCTS: decode_list(d, node, f, place, exact, ret); break;
    }
}

err_code decode_record(struct arena *a, const struct jnode *root, const struct schema_struct *type,
                       unsigned minor, struct findings *f, struct record **ret, struct err *e)
{
    struct decoder d = {.a = a, .minor = minor, .f = f};
    struct datum config = {.kind = DATUM_NONE};
    const struct place *place =
        place_field(a, NULL, (struct str){NULL, 0}, root->line, root->column);
    if (place)
        decode_struct(&d, root, type, place, true, &config);
    if (!place || d.out_of_memory)
        return err_set(e, ERR_NOMEM, "out of memory while reading an Ignition config");
    if (d.type_error)
        return err_set(e, ERR_INVALID, "a value of the config has the wrong type");
    *ret = config.record;
    return ERR_OK;
}
