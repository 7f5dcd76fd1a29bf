#include "ignition/butane_parts.h"

/*
 * Two views of the same text. Values come from the tree with its aliases and merges followed.
 * Positions, and which keys are not used, come from what is literally written at a path: nothing is
 * seen below an alias, what was merged in is not seen at all, and the n-th item of a list is seen
 * at its n-th item even if an empty item before it was dropped. So butane does it, and findings
 * must be where butane has them.
 */
struct view {
    const struct yaml_node *value;
    const struct yaml_node *seen; /* NULL: nothing is written at this path */
};

static bool is_open(const struct yaml_node *seen, enum yaml_kind kind)
{
    return seen && !seen->alias_of && seen->kind == kind;
}

static const struct yaml_node *seen_field(const struct yaml_node *seen, struct str name)
{
    const struct yaml_pair *p = is_open(seen, YAML_MAPPING) ? yaml_find(seen, name) : NULL;
    return p ? p->value : NULL;
}

static const struct yaml_node *seen_item(const struct yaml_node *seen, size_t i)
{
    return is_open(seen, YAML_SEQUENCE) && i < seen->n ? seen->items[i] : NULL;
}

static const struct place *field_place(struct butane *b, const struct place *up, struct str name,
                                       const struct yaml_node *seen)
{
    const struct place *p =
        place_field(b->a, up, name, seen ? seen->line : up->line, seen ? seen->column : up->column);
    if (!p)
        b->failed = ERR_NOMEM;
    return p;
}

static const struct place *item_place(struct butane *b, const struct place *up, size_t i,
                                      const struct yaml_node *seen)
{
    const struct place *p =
        place_item(b->a, up, i, seen ? seen->line : up->line, seen ? seen->column : up->column);
    if (!p)
        b->failed = ERR_NOMEM;
    return p;
}

static const char *wanted(const struct schema_field *f)
{
    switch ((enum schema_type)f->type) {
    case SCHEMA_STRING: return "a text";
    case SCHEMA_INT: return "a whole number";
    case SCHEMA_BOOL: return "true or false";
    case SCHEMA_STRUCT: return "a mapping (`key: value` lines)";
    case SCHEMA_STRINGS:
    case SCHEMA_STRUCTS: return "a list (`- item` lines)";
    }
    return "something else";
}

static err_code wrong_type(const struct yaml_node *x, const char *want, const struct place *p,
                           struct err *e)
{
    err_code c;
    if (x->kind == YAML_MAPPING)
        c = err_at(e, ERR_INVALID, x->line, x->column, "%s is wanted here, not a mapping", want);
    else if (x->kind == YAML_SEQUENCE)
        c = err_at(e, ERR_INVALID, x->line, x->column, "%s is wanted here, not a list", want);
    else
        c = err_at(e, ERR_INVALID, x->line, x->column, "%s is wanted here, not `%.*s`%s", want,
                   STR_FMT(x->text),
                   x->style == YAML_SINGLE_QUOTED || x->style == YAML_DOUBLE_QUOTED ? " in quotes"
                                                                                    : "");
    BUF_LOCAL(pointer, sizeof e->pointer - 1);
    place_pointer(p, &pointer);
    if (e && buf_c(&pointer))
        memcpy(e->pointer, pointer.p, pointer.n + 1);
    return c;
}

static err_code read_record(struct butane *b, const struct schema_struct *type, struct view v,
                            const struct place *p, struct record **ret, struct err *e);

static err_code read_scalar(const struct schema_field *f, const struct yaml_node *x,
                            const struct place *p, struct datum *ret, struct err *e)
{
    struct datum d = {.place = p};
    bool good = yaml_is_scalar(x);
    if (good && f->type == SCHEMA_INT) {
        d.kind = DATUM_INT;
        good = yaml_as_int(x, &d.number);
    } else if (good && f->type == SCHEMA_BOOL) {
        d.kind = DATUM_BOOL;
        good = yaml_as_bool(x, &d.truth);
    } else {
        d.kind = DATUM_STRING;
        d.text = x->text;
    }
    if (!good)
        return wrong_type(x, wanted(f), p, e);
    *ret = d;
    return ERR_OK;
}

static err_code read_item(struct butane *b, const struct schema_field *f, struct view v,
                          const struct place *p, struct datum *ret, struct err *e)
{
    if (f->type == SCHEMA_STRINGS) {
        if (!yaml_is_scalar(v.value))
            return wrong_type(v.value, "a text", p, e);
        *ret = (struct datum){.kind = DATUM_STRING, .place = p, .text = v.value->text};
        return ERR_OK;
    }
    struct record *r = NULL;
    err_code c = read_record(b, f->sub, v, p, &r, e);
    if (!c)
        *ret = (struct datum){.kind = DATUM_RECORD, .place = p, .record = r};
    return c;
}

/* Empty items are dropped. */
static err_code read_list(struct butane *b, const struct schema_field *f, struct view v,
                          const struct place *p, struct datum *ret, struct err *e)
{
    if (v.value->kind != YAML_SEQUENCE)
        return wrong_type(v.value, wanted(f), p, e);
    struct datum_list *l = arena_alloc(b->a, sizeof *l);
    struct datum *items = v.value->n ? arena_calloc(b->a, v.value->n, sizeof *items) : NULL;
    if (!l || (v.value->n && !items))
        return err_set(e, ERR_NOMEM, "no memory for a list");
    *l = (struct datum_list){.items = items};
    for (uint32_t i = 0; i < v.value->n; i++) {
        if (v.value->items[i]->kind == YAML_NULL)
            continue;
        struct view item = {v.value->items[i], seen_item(v.seen, l->n)};
        const struct place *at = item_place(b, p, l->n, item.seen);
        if (!at)
            return err_set(e, ERR_NOMEM, "no memory for a list");
        err_code c = read_item(b, f, item, at, &items[l->n], e);
        if (c)
            return c;
        l->n++;
    }
    *ret = (struct datum){.kind = DATUM_LIST, .place = p, .list = l};
    return ERR_OK;
}

static void not_a_mapping(struct butane *b, const struct place *p)
{
    butane_warn(b, p,
                "this is not written as a mapping, so keys below it that are not used are not "
                "reported, and positions may be wrong");
}

static err_code read_field(struct butane *b, const struct schema_field *f, struct view v,
                           const struct place *p, struct datum *ret, struct err *e)
{
    if (v.value->kind == YAML_NULL) {
        ret->place = p;
        if (f->type == SCHEMA_STRUCT && !(f->flags & SCHEMA_POINTER) && v.seen)
            not_a_mapping(b, p);
        return ERR_OK;
    }
    if (f->type == SCHEMA_STRINGS || f->type == SCHEMA_STRUCTS)
        return read_list(b, f, v, p, ret, e);
    if (f->type != SCHEMA_STRUCT)
        return read_scalar(f, v.value, p, ret, e);
    struct record *r = NULL;
    err_code c = read_record(b, f->sub, v, p, &r, e);
    if (!c)
        *ret = (struct datum){.kind = DATUM_RECORD, .place = p, .record = r};
    return c;
}

/* The keys that are written here and that the struct does not have. */
static void find_unused(struct butane *b, const struct schema_struct *type, const struct place *p,
                        const struct yaml_node *seen)
{
    for (uint32_t i = 0; i < seen->n; i++) {
        const struct yaml_node *key = seen->pairs[i].key;
        if (!yaml_is_scalar(key) ||
            schema_find(type, b->spec->language, b->spec->minor, key->text, NULL))
            continue;
        const struct place *at = field_place(b, p, key->text, key);
        if (at)
            butane_warn(b, at, "unused key %.*s", STR_FMT(key->text));
    }
}

static err_code check_keys(const struct yaml_node *map, const struct place *p, struct err *e)
{
    for (uint32_t i = 0; i < map->n; i++)
        if (!yaml_is_scalar(map->pairs[i].key))
            return wrong_type(map->pairs[i].key, "a text as a key", p, e);
    return ERR_OK;
}

/* The fields that every variant has first, then those of Fedora CoreOS, as butane goes. */
static err_code read_fields(struct butane *b, struct record *r, struct view v, bool fcos,
                            struct err *e)
{
    for (size_t i = 0; i < r->type->n; i++) {
        const struct schema_field *f = &r->type->fields[i];
        if (!schema_has(f, b->spec->language, b->spec->minor) || !(f->flags & SCHEMA_FCOS) != !fcos)
            continue;
        struct str name = str_c(f->yaml);
        const struct yaml_pair *pair = yaml_find_merged(v.value, name);
        if (!pair)
            continue;
        struct view field = {pair->value, seen_field(v.seen, name)};
        const struct place *at = field_place(b, r->place, name, field.seen);
        if (!at)
            return err_set(e, ERR_NOMEM, "no memory for a config");
        err_code c = read_field(b, f, field, at, &r->fields[i], e);
        if (c)
            return c;
    }
    return ERR_OK;
}

static err_code read_record(struct butane *b, const struct schema_struct *type, struct view v,
                            const struct place *p, struct record **ret, struct err *e)
{
    if (v.value->kind != YAML_MAPPING)
        return wrong_type(v.value, "a mapping (`key: value` lines)", p, e);
    err_code c = check_keys(v.value, p, e);
    if (c)
        return c;
    struct record *r = record_new(b->a, type, p);
    if (!r)
        return err_set(e, ERR_NOMEM, "no memory for a config");
    if (is_open(v.seen, YAML_MAPPING))
        find_unused(b, type, p, v.seen);
    else if (v.seen)
        not_a_mapping(b, p);
    c = read_fields(b, r, v, false, e);
    if (!c)
        c = read_fields(b, r, v, true, e);
    if (!c)
        *ret = r;
    return c;
}

err_code butane_decode(struct butane *b, const struct yaml_node *root, struct record **ret,
                       struct err *e)
{
    struct place *top = arena_calloc(b->a, 1, sizeof *top);
    struct findings *report = b->f, *warnings = arena_calloc(b->a, 1, sizeof *warnings);
    if (!top || !warnings)
        return err_set(e, ERR_NOMEM, "no memory for a config");
    *top = (struct place){.line = root->line, .column = root->column};
    /* A wrong type is the only thing to say of a config, so the warnings wait until it is read. */
    findings_init(warnings, b->a);
    b->f = warnings;
    err_code c = read_record(b, &schema_config, (struct view){root, root}, top, ret, e);
    b->f = report;
    if (c)
        return c;
    for (const struct finding *x = warnings->first; x; x = x->next)
        findings_add(report, x->severity, x->pointer.p, x->line, x->column, "%.*s",
                     STR_FMT(x->message));
    return ERR_OK;
}
