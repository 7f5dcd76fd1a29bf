/* Lists and maps: after Sprig. */
#include "base/utf8.h"
#include "tmpl/func.h"
#include "tmpl/mark.h"

/* --- maps ------------------------------------------------------------------------------------ */

/* The value at the key that is argument i, or NULL. */
static err_code look_up(struct call *c, const struct value *map, uint32_t i,
                        const struct value **ret)
{
    struct str key;
    err_code code = func_arg_str(c, i, &key);
    if (!code)
        *ret = value_get(map, key);
    return code;
}

err_code func_get(struct call *c, struct value *ret)
{
    const struct value *map, *found = NULL;
    err_code code = func_arg_map(c, 0, &map);
    if (!code)
        code = look_up(c, map, 1, &found);
    if (!code)
        *ret = found ? *found : value_str(STR(""));
    return code;
}

err_code func_has_key(struct call *c, struct value *ret)
{
    const struct value *map, *found = NULL;
    err_code code = func_arg_map(c, 0, &map);
    if (!code)
        code = look_up(c, map, 1, &found);
    if (!code)
        *ret = value_bool(found != NULL);
    return code;
}

/* dig KEY... DEFAULT MAP */
err_code func_dig(struct call *c, struct value *ret)
{
    const struct value *v = &c->args[c->n - 1];
    for (uint32_t i = 0; i + 2 < c->n; i++) {
        const struct value *found = NULL;
        if (!value_is_map(*v))
            return err_set(c->e, ERR_RENDER, "what key %u is looked up in is no map but %s", i + 1,
                           func_type(v));
        err_code code = look_up(c, v, i, &found);
        if (code)
            return code;
        if (!found) {
            *ret = c->args[c->n - 2];
            return ERR_OK;
        }
        v = found;
    }
    *ret = *v;
    return ERR_OK;
}

/* dict KEY VALUE...: a key without a value gets "". */
err_code func_dict(struct call *c, struct value *ret)
{
    uint32_t n = c->n / 2 + c->n % 2;
    bool marked = false;
    struct value_pair *pairs = n ? arena_calloc(c->arena, n, sizeof *pairs) : NULL;
    if (n && !pairs)
        return func_nomem(c);
    for (uint32_t i = 0; i < n; i++) {
        struct value key;
        err_code code = func_arg_text(c, 2 * i, &key);
        if (code)
            return code;
        marked = marked || key.marked;
        pairs[i].key = value_as_str(key);
        pairs[i].v = 2 * i + 1 < c->n ? c->args[2 * i + 1] : value_str(STR(""));
    }
    *ret = value_map(VALUE_MAP, pairs, n);
    ret->marked = marked;
    return ERR_OK;
}

/* --- lists ----------------------------------------------------------------------------------- */

static err_code new_list(struct call *c, uint64_t n, struct value **ret)
{
    err_code code = func_charge_all(c, n);
    if (code)
        return code;
    struct value *items = n <= UINT32_MAX ? arena_calloc(c->arena, n, sizeof *items) : NULL;
    if (n && !items)
        return func_nomem(c);
    *ret = items;
    return ERR_OK;
}

err_code func_make_list(struct call *c, struct value *ret)
{
    struct value *items;
    err_code code = new_list(c, c->n, &items);
    if (code)
        return code;
    for (uint32_t i = 0; i < c->n; i++)
        items[i] = c->args[i];
    *ret = func_list(items, c->n);
    return ERR_OK;
}

err_code func_first(struct call *c, struct value *ret)
{
    const struct value *list;
    err_code code = func_arg_list(c, 0, &list);
    if (!code)
        *ret = list->n ? list->list[0] : value_nil();
    return code;
}

err_code func_concat(struct call *c, struct value *ret)
{
    struct value *items;
    uint64_t n = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const struct value *list;
        err_code code = func_arg_list(c, i, &list);
        if (code)
            return code;
        n += list->n;
    }
    err_code code = new_list(c, n, &items);
    if (code)
        return code;
    uint32_t at = 0;
    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < c->args[i].n; k++)
            items[at++] = c->args[i].list[k];
    *ret = func_list(items, at);
    ret->marked = func_marked(c);
    return ERR_OK;
}

/* 0 to n - 1, or for a negative n: 0 to n + 1 downwards. */
err_code func_until(struct call *c, struct value *ret)
{
    int64_t n;
    struct value *items;
    err_code code = func_arg_int(c, 0, &n);
    if (code)
        return code;
    uint64_t count = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    code = new_list(c, count, &items);
    if (code)
        return code;
    for (int64_t i = 0; i < (int64_t)count; i++) {
        items[i] = value_int(n < 0 ? -i : i);
        items[i].marked = c->args[0].marked;
    }
    *ret = func_list(items, (uint32_t)count);
    ret->marked = c->args[0].marked;
    return ERR_OK;
}

/* --- has ------------------------------------------------------------------------------------- */

/* As Go's reflect.DeepEqual: 1 and 1.0 differ. The steps that are left bound the work. */
static err_code same(struct call *c, const struct value *a, const struct value *b, uint32_t depth,
                     bool *ret)
{
    err_code code = func_charge_all(c, 1);
    if (!code && depth > FUNC_DEPTH_MAX)
        code =
            err_set(c->e, ERR_LIMIT, "lists and maps are nested more than %d deep", FUNC_DEPTH_MAX);
    bool like = a->kind == b->kind;
    bool container = a->kind == VALUE_LIST || value_is_map(*a) || a->kind == TMPL_COMPLEX;
    if (code || !like || (container && a->n != b->n)) {
        *ret = false;
        return code;
    }
    *ret = true;
    if (value_is_map(*a)) {
        for (uint32_t i = 0; i < a->n && *ret && !code; i++) {
            struct value x = value_str(a->map[i].key), y = value_str(b->map[i].key);
            code = same(c, &x, &y, depth + 1, ret);
            if (!code && *ret)
                code = same(c, &a->map[i].v, &b->map[i].v, depth + 1, ret);
        }
    } else if (container) {
        for (uint32_t i = 0; i < a->n && *ret && !code; i++)
            code = same(c, &a->list[i], &b->list[i], depth + 1, ret);
    } else if (a->kind == VALUE_FLOAT) {
        *ret = a->f == b->f;
    } else if (a->kind == VALUE_STRING) {
        func_charge_bytes(c, a->n == b->n ? a->n : 0);
        *ret = str_eq(value_as_str(*a), value_as_str(*b));
    } else {
        *ret = value_equal(a, b);
    }
    return code;
}

err_code func_has(struct call *c, struct value *ret)
{
    const struct value *list;
    bool found = false;
    err_code code = ERR_OK;
    if (c->args[1].kind != VALUE_NIL) {
        code = func_arg_list(c, 1, &list);
        for (uint32_t i = 0; !code && !found && i < list->n; i++)
            code = same(c, &c->args[0], &list->list[i], 0, &found);
    }
    *ret = value_bool(found);
    return code;
}

/* --- to and from text ------------------------------------------------------------------------ */

struct joining {
    struct call *call;
    struct str separator;
    bool any, marked;
    uint8_t clean;
};

static err_code join_one(struct joining *j, const struct value *v)
{
    struct value text;
    struct call *c = j->call;
    if (v->kind == VALUE_NIL)
        return ERR_OK;
    err_code code = func_to_text(c, v, &text);
    if (code)
        return code;
    if (j->any)
        buf_add_str(c->text, j->separator);
    j->any = true;
    buf_add_str(c->text, value_as_str(text));
    if (text.marked) {
        j->marked = true;
        j->clean &= mark_contexts(&text);
    }
    return ERR_OK;
}

/*
 * join SEPARATOR LIST: what is no list is joined as if it were the only item. Marked items stand
 * between separators that the template chose, so what they have earned is kept; but if how many
 * there are was decided on the network, the result is judged anew.
 */
err_code func_join(struct call *c, struct value *ret)
{
    struct joining j = {.call = c, .clean = MARK_EVERYWHERE};
    const struct value *v = &c->args[1];
    err_code code = func_arg_str(c, 0, &j.separator);
    if (v->kind == VALUE_LIST)
        for (uint32_t i = 0; i < v->n && !code && !c->text->failed; i++) {
            func_charge(c, 1);
            func_charge_bytes(c, j.separator.n);
            code = join_one(&j, &v->list[i]);
        }
    else if (!code)
        code = join_one(&j, v);
    if (!code)
        code = func_text(c, j.marked || func_marked(c), ret);
    if (!code && !c->args[0].marked && !(v->marked && v->kind == VALUE_LIST))
        ret->clean = j.clean;
    return code;
}

/* The next piece of *rest and its separator; false after the last one. As Go's strings.Split. */
static bool next_piece(struct str separator, struct str *rest, bool *more, struct str *ret)
{
    if (!*more)
        return false;
    size_t at, skip = separator.n;
    if (separator.n) {
        at = str_find(*rest, separator, 0);
        *more = at < rest->n;
    } else { /* into characters */
        if (!rest->n)
            return false;
        utf8_decode(*rest, &at);
    }
    *ret = at ? str_sub(*rest, 0, at) : STR("");
    *rest = str_skip(*rest, at + skip);
    return true;
}

static uint32_t count_pieces(struct str separator, struct str s)
{
    struct str piece;
    bool more = true;
    uint32_t n = 0;
    while (next_piece(separator, &s, &more, &piece))
        n++;
    return n;
}

static err_code pieces(struct call *c, struct value **items, uint32_t *n)
{
    struct str separator, s;
    err_code code = func_arg_str(c, 0, &separator);
    if (!code)
        code = func_arg_str(c, 1, &s);
    if (code)
        return code;
    *n = count_pieces(separator, s);
    code = new_list(c, *n, items);
    bool more = true;
    for (uint32_t i = 0; i < *n && !code; i++) {
        struct str piece = STR("");
        next_piece(separator, &s, &more, &piece);
        (*items)[i] = value_str(piece);
        (*items)[i].marked = c->args[1].marked;
    }
    return code;
}

err_code func_split_list(struct call *c, struct value *ret)
{
    struct value *items = NULL;
    uint32_t n = 0;
    err_code code = pieces(c, &items, &n);
    if (code)
        return code;
    *ret = func_list(items, n);
    ret->marked = func_marked(c);
    return ERR_OK;
}

/* The pieces as a map with the keys _0, _1, ... */
err_code func_split(struct call *c, struct value *ret)
{
    struct value *items = NULL;
    uint32_t n = 0;
    err_code code = pieces(c, &items, &n);
    if (code)
        return code;
    struct value_pair *pairs = n ? arena_calloc(c->arena, n, sizeof *pairs) : NULL;
    if (n && !pairs)
        return func_nomem(c);
    for (uint32_t i = 0; i < n; i++) {
        buf_clear(c->text);
        buf_addf(c->text, "_%u", i);
        if (c->text->failed || !arena_str(c->arena, buf_str(c->text), &pairs[i].key))
            return func_nomem(c);
        pairs[i].v = items[i];
    }
    *ret = value_map(VALUE_STRMAP, pairs, n);
    ret->marked = func_marked(c);
    return ERR_OK;
}
