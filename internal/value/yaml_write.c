/*
 * YAML out: the layout and the order of keys, both goyaml.v2's, whose emitter is libyaml's; only
 * what a JSON tree can ask of it is here.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "value/value.h"
#include "value/yaml.h"
#include "value/yaml_text.h"

#define SIMPLE_KEY_MAX 128 /* bytes; a longer key is written after a `? ` */

/* --- the order of keys */

static bool is_digit(uint32_t cp)
{
    return cp >= '0' && cp <= '9';
}

/* Exact up to U+00FF; above it all but the blocks of punctuation, symbols and private use. */
static bool is_letter(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
    } others[] = {{0x2000, 0x2BFF}, {0x3000, 0x3004},   {0x3007, 0x3030},
                  {0xD800, 0xF8FF}, {0xFE00, 0xFE6F},   {0xFEFF, 0xFF20},
                  {0xFFE0, 0xFFFF}, {0x1F000, 0x1FFFF}, {0xE0000, 0x10FFFF}};
    if (cp < 0x80)
        return (cp | 0x20) >= 'a' && (cp | 0x20) <= 'z';
    if (cp < 0x100)
        return cp == 0xAA || cp == 0xB5 || cp == 0xBA || (cp >= 0xC0 && cp != 0xD7 && cp != 0xF7);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (cp >= others[i].first && cp <= others[i].last)
            return false;
    return true;
}

/* The number that the digits at the start of s are, and how many they are. It may wrap around. */
static uint64_t leading_number(struct str s, uint64_t before, size_t *digits)
{
    size_t n = 0;
    for (; n < s.n && is_digit((uint8_t)s.p[n]); n++)
        before = before * 10 + (uint64_t)(s.p[n] - '0');
    *digits = n;
    return before;
}

/* Do the digits before s[i], as far as they go, have one that is not 0? */
static bool number_began(struct str s, size_t i)
{
    while (i > 0 && s.p[i - 1] == '0')
        i--;
    return i > 0 && is_digit((uint8_t)s.p[i - 1]);
}

/* Two keys that are the same up to byte i, where a has the character x and b has y. */
static int compare_at(struct str a, struct str b, size_t i, uint32_t x, uint32_t y)
{
    bool x_letter = is_letter(x), y_letter = is_letter(y);
    if (x_letter != y_letter)
        return y_letter ? -1 : 1;
    if (!x_letter) {
        uint64_t before = (x == '0' || y == '0') && number_began(a, i);
        size_t a_digits, b_digits;
        int64_t m = (int64_t)leading_number(str_skip(a, i), before, &a_digits);
        int64_t n = (int64_t)leading_number(str_skip(b, i), before, &b_digits);
        if (m != n)
            return m < n ? -1 : 1;
        if (a_digits != b_digits)
            return a_digits < b_digits ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

static int compare_keys(const void *left, const void *right)
{
    const struct value_pair *const *l = left, *const *r = right;
    struct str a = (*l)->key, b = (*r)->key;
    for (size_t i = 0, len; i < a.n && i < b.n; i += len) {
        size_t b_len;
        uint32_t x = utf8_decode(str_skip(a, i), &len), y = utf8_decode(str_skip(b, i), &b_len);
        if (x != y)
            return compare_at(a, b, i, x, y);
        if (len != b_len) /* an invalid byte against a real U+FFFD */
            break;
    }
    return str_cmp(a, b);
}

/* --- the layout */

struct writer {
    struct buf *dst;
    int depth;
};

static void write_block(struct writer *w, const struct value *v, int indent);

/* To column indent of the next line; a literal block may have ended the last one already. */
static void next_line(struct buf *dst, int indent)
{
    if (dst->n == 0 || dst->p[dst->n - 1] != '\n')
        buf_add_byte(dst, '\n');
    for (int i = 0; i < indent; i++)
        buf_add_byte(dst, ' ');
}

static bool is_block(const struct value *v)
{
    return v->n && (v->kind == VALUE_LIST || value_is_map(*v));
}

/* What needs no lines of its own; those of a literal block are at indent. */
static void write_flat(struct buf *dst, const struct value *v, int indent)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_NIL: buf_add_lit(dst, "null"); break;
    case VALUE_BOOL: buf_add_str(dst, v->b ? STR("true") : STR("false")); break;
    case VALUE_INT:
    case VALUE_BYTE: buf_addf(dst, "%lld", (long long)v->i); break;
    case VALUE_FLOAT: write_yaml_float(dst, v->f); break;
    case VALUE_STRING: write_yaml_string(dst, value_as_str(*v), indent); break;
    case VALUE_LIST: buf_add_lit(dst, "[]"); break;
    case VALUE_MAP:
    case VALUE_STRMAP: buf_add_lit(dst, "{}"); break;
    }
}

/* On the same line, or beginning on it. */
static void write_compact(struct writer *w, const struct value *v, int indent)
{
    if (is_block(v))
        write_block(w, v, indent);
    else
        write_flat(w->dst, v, indent);
}

/* Any line break of YAML 1.1, also where it will be an escape. */
static bool has_line_break(struct str s)
{
    for (size_t len; s.n; s = str_skip(s, len)) {
        uint32_t cp = utf8_decode(s, &len);
        if (cp == '\n' || cp == '\r' || cp == 0x85 || cp == 0x2028 || cp == 0x2029)
            return true;
    }
    return false;
}

static void write_pair(struct writer *w, const struct value_pair *p, int indent)
{
    struct buf *dst = w->dst;
    int inner = indent + YAML_INDENT;
    if (p->key.n > SIMPLE_KEY_MAX || has_line_break(p->key)) {
        buf_add_lit(dst, "? ");
        write_yaml_string(dst, p->key, inner);
        next_line(dst, indent);
        buf_add_lit(dst, ": ");
        write_compact(w, &p->v, inner);
        return;
    }
    write_yaml_string(dst, p->key, inner);
    buf_add_byte(dst, ':');
    if (is_block(&p->v)) {
        int column = p->v.kind == VALUE_LIST ? indent : inner;
        next_line(dst, column);
        write_block(w, &p->v, column);
    } else {
        buf_add_byte(dst, ' ');
        write_flat(dst, &p->v, inner);
    }
}

static void write_pairs(struct writer *w, const struct value *map, int indent)
{
    const struct value_pair **sorted = malloc(map->n * sizeof(const struct value_pair *));
    if (!sorted) {
        w->dst->failed = true;
        return;
    }
    for (uint32_t i = 0; i < map->n; i++)
        sorted[i] = &map->map[i];
    qsort(sorted, map->n, sizeof(const struct value_pair *), compare_keys);
    for (uint32_t i = 0; i < map->n && !w->dst->failed; i++) {
        if (i)
            next_line(w->dst, indent);
        write_pair(w, sorted[i], indent);
    }
    free(sorted);
}

static void write_items(struct writer *w, const struct value *list, int indent)
{
    for (uint32_t i = 0; i < list->n && !w->dst->failed; i++) {
        if (i)
            next_line(w->dst, indent);
        buf_add_lit(w->dst, "- ");
        write_compact(w, &list->list[i], indent + YAML_INDENT);
    }
}

/* A collection that is not empty, from where dst is, which is at column indent of its line. */
static void write_block(struct writer *w, const struct value *v, int indent)
{
    if (w->depth == YAML_MAX_DEPTH) {
        w->dst->failed = true;
        return;
    }
    w->depth++;
    if (value_is_map(*v))
        write_pairs(w, v, indent);
    else
        write_items(w, v, indent);
    w->depth--;
}

void value_to_yaml(struct buf *dst, const struct value *v)
{
    struct writer w = {.dst = dst};
    write_compact(&w, v, is_block(v) ? 0 : YAML_INDENT);
    next_line(dst, 0);
}
