/*
 * From the YAML tree to the values that templates see. Recursive: a tree is at most
 * YAML_MAX_DEPTH deep.
 */
#include <math.h>

#include "value/value.h"
#include "value/yaml.h"

/* The tree goes when the value is there: the nodes of the largest document, and its texts. */
#define TREE_MAX ((size_t)64 << 20)

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading YAML");
}

static err_code convert(struct arena *a, const struct yaml_node *x, struct value *ret,
                        struct err *e);

static err_code convert_float(const struct yaml_node *x, struct value *ret, struct err *e)
{
    if (!isfinite(x->f))
        return err_at(e, ERR_INVALID, x->line, x->column, "JSON has no number %.*s: quote it",
                      (int)x->text.n, x->text.p);
    *ret = value_float(x->f);
    return ERR_OK;
}

/* A number or a boolean, as JSON writes it. */
static err_code key_as_json(struct arena *a, const struct yaml_node *x, struct str *ret,
                            struct err *e)
{
    struct value v = value_nil();
    struct buf b;
    err_code c = convert(a, x, &v, e);
    if (c)
        return c;
    if (x->kind == YAML_INT)
        v = value_int(x->i);
    buf_in_arena(&b, a, 64);
    value_to_json(&b, &v, 0);
    if (b.failed)
        return nomem(e);
    *ret = buf_str(&b);
    return ERR_OK;
}

static err_code convert_key(struct arena *a, const struct yaml_node *x, struct str *ret,
                            struct err *e)
{
    if (x->kind == YAML_STRING)
        return arena_str(a, x->text, ret) ? ERR_OK : nomem(e);
    if (x->kind == YAML_NULL || !yaml_is_scalar(x))
        return err_at(e, ERR_INVALID, x->line, x->column,
                      "a key must be a string, a number or a boolean, not %.*s", (int)x->tag.n,
                      x->tag.p);
    return key_as_json(a, x, ret, e);
}

/* What a `<<` merges in: one mapping or several, of which the first wins. */
static uint32_t merged_count(const struct yaml_pair *merge)
{
    return merge->value->kind == YAML_MAPPING ? 1 : merge->value->n;
}

static const struct yaml_node *merged_at(const struct yaml_pair *merge, uint32_t i)
{
    return merge->value->kind == YAML_MAPPING ? merge->value : merge->value->items[i];
}

static uint32_t count_pairs(const struct yaml_node *map)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < map->n; i++) {
        const struct yaml_pair *p = &map->pairs[i];
        n += !p->merge;
        for (uint32_t k = 0; p->merge && k < merged_count(p); k++)
            n += count_pairs(merged_at(p, k));
    }
    return n;
}

/* The weakest first, since value_map keeps the last of equal keys. */
static err_code convert_pairs(struct arena *a, const struct yaml_node *map, struct value_pair **at,
                              struct err *e)
{
    err_code c = ERR_OK;
    for (uint32_t i = 0; i < map->n && !c; i++) {
        const struct yaml_pair *p = &map->pairs[i];
        for (uint32_t k = p->merge ? merged_count(p) : 0; k > 0 && !c; k--)
            c = convert_pairs(a, merged_at(p, k - 1), at, e);
    }
    for (uint32_t i = 0; i < map->n && !c; i++) {
        if (map->pairs[i].merge)
            continue;
        c = convert_key(a, map->pairs[i].key, &(*at)->key, e);
        if (!c)
            c = convert(a, map->pairs[i].value, &(*at)->v, e);
        ++*at;
    }
    return c;
}

static err_code convert_map(struct arena *a, const struct yaml_node *x, struct value *ret,
                            struct err *e)
{
    uint32_t n = count_pairs(x);
    struct value_pair *pairs = n ? arena_calloc(a, n, sizeof *pairs) : NULL, *at = pairs;
    if (n && !pairs)
        return nomem(e);
    err_code c = convert_pairs(a, x, &at, e);
    if (!c)
        *ret = value_map(VALUE_MAP, pairs, n);
    return c;
}

static err_code convert_list(struct arena *a, const struct yaml_node *x, struct value *ret,
                             struct err *e)
{
    struct value *items = x->n ? arena_calloc(a, x->n, sizeof *items) : NULL;
    if (x->n && !items)
        return nomem(e);
    for (uint32_t i = 0; i < x->n; i++) {
        err_code c = convert(a, x->items[i], &items[i], e);
        if (c)
            return c;
    }
    *ret = (struct value){.kind = VALUE_LIST, .n = x->n, .list = items};
    return ERR_OK;
}

static err_code convert(struct arena *a, const struct yaml_node *x, struct value *ret,
                        struct err *e)
{
    struct str s;
    switch ((enum yaml_kind)x->kind) {
    case YAML_NULL: *ret = value_nil(); return ERR_OK;
    case YAML_BOOL: *ret = value_bool(x->b); return ERR_OK;
    case YAML_INT: *ret = value_float((double)x->i); return ERR_OK;
    case YAML_UINT: *ret = value_float((double)x->u); return ERR_OK;
    case YAML_FLOAT: return convert_float(x, ret, e);
    case YAML_STRING:
        if (!arena_str(a, x->text, &s))
            return nomem(e);
        *ret = value_str(s);
        return ERR_OK;
    case YAML_SEQUENCE: return convert_list(a, x, ret, e);
    case YAML_MAPPING: return convert_map(a, x, ret, e);
    }
    return err_at(e, ERR_INVALID, x->line, x->column, "YAML has a node of an unknown kind");
}

err_code value_from_yaml(struct arena *a, struct str text, struct value *ret, struct err *e)
{
    size_t texts = text.n < SIZE_MAX / 16 ? text.n * 8 : SIZE_MAX / 2;
    ARENA_LOCAL(tree, TREE_MAX + texts);
    struct yaml_document doc;
    struct value v = value_nil();
    err_code c = yaml_read(&tree, text, &doc, e);
    if (!c)
        c = convert(a, doc.root, &v, e);
    if (!c)
        *ret = v;
    return c;
}
