/*
 * Looking things up in a tree.
 */
#include "value/yaml.h"
#include "value/yaml_scalar.h"

#define TWO_TO_63 9223372036854775808.0

static const struct yaml_pair *find(const struct yaml_node *map, struct str key, bool merges)
{
    for (uint32_t i = 0; map->kind == YAML_MAPPING && i < map->n; i++) {
        const struct yaml_pair *p = &map->pairs[i];
        if ((merges || !p->merge) && yaml_is_scalar(p->key) && str_eq(p->key->text, key))
            return p;
    }
    return NULL;
}

const struct yaml_pair *yaml_find(const struct yaml_node *map, struct str key)
{
    return find(map, key, true);
}

const struct yaml_pair *yaml_find_merged(const struct yaml_node *map, struct str key)
{
    const struct yaml_pair *found = find(map, key, false);
    if (found || map->kind != YAML_MAPPING || !map->merges)
        return found;
    for (uint32_t i = 0; i < map->n && !found; i++) {
        const struct yaml_node *v = map->pairs[i].value;
        if (!map->pairs[i].merge)
            continue;
        if (v->kind == YAML_MAPPING)
            found = yaml_find_merged(v, key);
        for (uint32_t k = 0; v->kind == YAML_SEQUENCE && k < v->n && !found; k++)
            found = yaml_find_merged(v->items[k], key);
    }
    return found;
}

bool yaml_as_bool(const struct yaml_node *x, bool *ret)
{
    if (x->kind == YAML_BOOL) {
        *ret = x->b;
        return true;
    }
    return x->kind == YAML_STRING && scalar_is_bool11(x->text, ret);
}

bool yaml_as_int(const struct yaml_node *x, int64_t *ret)
{
    if (x->kind == YAML_INT) {
        *ret = x->i;
        return true;
    }
    if (x->kind != YAML_FLOAT || !(x->f >= -TWO_TO_63 && x->f < TWO_TO_63))
        return false;
    *ret = (int64_t)x->f;
    return true;
}

/* Is the segment of a JSON pointer, with its ~0 and ~1, this key? */
static bool segment_is(struct str segment, struct str key)
{
    size_t k = 0;
    for (size_t i = 0; i < segment.n; i++, k++) {
        char c = segment.p[i];
        if (c == '~' && i + 1 < segment.n && (segment.p[i + 1] == '0' || segment.p[i + 1] == '1'))
            c = segment.p[++i] == '0' ? '~' : '/';
        if (k >= key.n || key.p[k] != c)
            return false;
    }
    return k == key.n;
}

static const struct yaml_node *child(const struct yaml_node *x, struct str segment)
{
    uint64_t at;
    if (x->alias_of)
        return NULL;
    if (x->kind == YAML_SEQUENCE) {
        bool canonical = segment.n == 1 || (segment.n && segment.p[0] != '0');
        return canonical && x->n && str_to_u64(segment, x->n - 1, &at) ? x->items[at] : NULL;
    }
    for (uint32_t i = 0; x->kind == YAML_MAPPING && i < x->n; i++)
        if (yaml_is_scalar(x->pairs[i].key) && segment_is(segment, x->pairs[i].key->text))
            return x->pairs[i].value;
    return NULL;
}

const struct yaml_node *yaml_at(const struct yaml_node *root, struct str pointer, bool *exact)
{
    const struct yaml_node *x = root;
    bool found = pointer.n == 0 || pointer.p[0] == '/';
    while (found && pointer.n) {
        pointer = str_skip(pointer, 1);
        size_t n = str_find_byte(pointer, '/', 0);
        const struct yaml_node *next = child(x, str_sub(pointer, 0, n));
        pointer = str_skip(pointer, n);
        found = next != NULL;
        x = next ? next : x;
    }
    if (exact)
        *exact = found;
    return x;
}

bool yaml_locate(const struct yaml_node *root, struct str pointer, int *line, int *column)
{
    bool exact;
    const struct yaml_node *x = yaml_at(root, pointer, &exact);
    *line = x->line;
    *column = x->column;
    return exact;
}
