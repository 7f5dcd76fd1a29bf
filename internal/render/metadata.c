#include <stdlib.h>

#include "base/utf8.h"
#include "render/parts.h"

struct line {
    struct str name;
    const struct value *v;
    uint32_t at; /* keeps equal names in the order of their keys */
};

struct lines {
    struct arena *arena;
    struct line *v;
    size_t n, cap;
};

/* What may end a line for somebody, or is no text; len is its length in bytes. */
static bool unfit(uint32_t cp, size_t len)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029 ||
           (cp == UTF8_BAD && len == 1);
}

static bool needs_escapes(struct str s)
{
    while (s.n) {
        size_t len;
        if (unfit(utf8_decode(s, &len), len))
            return true;
        s = str_skip(s, len);
    }
    return false;
}

static void escape_byte(struct buf *dst, unsigned char c)
{
    switch (c) {
    case '\n': buf_add_lit(dst, "\\n"); break;
    case '\t': buf_add_lit(dst, "\\t"); break;
    default: buf_addf(dst, "\\%03o", c); break;
    }
}

static void escape(struct buf *dst, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        escape_byte(dst, (unsigned char)s.p[i]);
}

static void add_escaped(struct buf *dst, struct str s, bool quoted)
{
    while (s.n) {
        size_t len;
        uint32_t cp = utf8_decode(s, &len);
        if (unfit(cp, len)) {
            escape(dst, str_sub(s, 0, len));
        } else {
            if (quoted && (cp == '"' || cp == '\\'))
                buf_add_byte(dst, '\\');
            buf_add(dst, s.p, len);
        }
        s = str_skip(s, len);
    }
}

/*
 * Upper case; what cannot stand in one line is escaped as in a value. In a key that came with the
 * request (marked) "=" is escaped too, so that a line's first "=" is ours.
 */
static void add_name(struct buf *dst, struct str key, bool marked)
{
    while (key.n) {
        size_t len;
        uint32_t cp = utf8_decode(key, &len);
        if (unfit(cp, len) || (marked && cp == '=')) {
            escape(dst, str_sub(key, 0, len));
        } else {
            char bytes[4];
            buf_add(dst, bytes, utf8_encode(utf8_upper(cp), bytes));
        }
        key = str_skip(key, len);
    }
}

static bool add_line(struct lines *l, struct str name, const struct value *v)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        struct line *grown =
            arena_grow(l->arena, l->v, l->cap * sizeof *grown, cap * sizeof *grown);
        if (!grown)
            return false;
        l->v = grown;
        l->cap = cap;
    }
    l->v[l->n] = (struct line){name, v, (uint32_t)l->n};
    l->n++;
    return true;
}

static bool collect(struct lines *l, struct str prefix, const struct value *map)
{
    for (uint32_t i = 0; i < map->n; i++) {
        const struct value *v = &map->map[i].v;
        if (v->kind == VALUE_NIL || v->kind == VALUE_LIST)
            continue;
        struct buf name;
        buf_in_arena(&name, l->arena, 1u << 20);
        buf_add_str(&name, prefix);
        if (prefix.p)
            buf_add_byte(&name, '_');
        add_name(&name, map->map[i].key, map->marked);
        if (name.failed)
            return false;
        struct str text = name.n ? buf_str(&name) : STR("");
        bool ok = value_is_map(*v) ? collect(l, text, v) : add_line(l, text, v);
        if (!ok)
            return false;
    }
    return true;
}

static int line_cmp(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int c = str_cmp(x->name, y->name);
    return c ? c : x->at < y->at ? -1 : x->at > y->at;
}

static void write_line(struct buf *out, const struct line *l)
{
    buf_add_str(out, l->name);
    buf_add_byte(out, '=');
    if (l->v->kind != VALUE_STRING) {
        tmpl_print(out, l->v);
    } else if (needs_escapes(value_as_str(*l->v))) {
        buf_add_byte(out, '"');
        add_escaped(out, value_as_str(*l->v), true);
        buf_add_byte(out, '"');
    } else {
        buf_add_str(out, value_as_str(*l->v));
    }
    buf_add_byte(out, '\n');
}

err_code render_metadata(const struct value *group, const struct value *request, struct arena *a,
                         struct buf *out, struct err *e)
{
    struct lines l = {.arena = a};
    bool ok = true;
    for (uint32_t i = 0; ok && i < group->n; i++) {
        /* One pair at a time, so that the request stands where the group's data left its place. */
        struct value_pair pair = group->map[i];
        if (str_is(pair.key, "request"))
            pair.v = *request;
        /* Secrets are for templates that ask for them. A label of that name is none. */
        if (str_is(pair.key, "secret") && !pair.v.marked)
            continue;
        struct value_pair *kept = arena_alloc(a, sizeof *kept);
        if (!kept) {
            ok = false;
            break;
        }
        *kept = pair;
        struct value one = {.kind = VALUE_MAP, .n = 1, .map = kept};
        ok = collect(&l, (struct str){NULL, 0}, &one);
    }
    if (!ok)
        return err_set(e, ERR_NOMEM, "out of memory while writing metadata");
    if (l.n)
        qsort(l.v, l.n, sizeof *l.v, line_cmp);
    for (size_t i = 0; i < l.n; i++)
        write_line(out, &l.v[i]);
    if (out->failed)
        return err_set(e, ERR_LIMIT, "the metadata is larger than %zu bytes", out->max);
    return ERR_OK;
}
