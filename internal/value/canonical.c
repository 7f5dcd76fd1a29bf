#include "value/canonical.h"

#include <math.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/utf8.h"

/* Both far within what value_from_json takes. */
#define MAX_DEPTH  64
#define MAX_VALUES 50000

/* --- strings --- */

static const bool plain_byte[256] = {
    [0x20 ... '"' - 1] = true, ['"' + 1 ... '\\' - 1] = true, ['\\' + 1 ... 0x7F] = true};

/* Past plain bytes and valid UTF-8, to a quote or an escape; false at anything else. */
static bool skip_plain(struct canonical *c)
{
    for (;;) {
        while (c->at < c->end && plain_byte[(unsigned char)*c->at])
            c->at++;
        if (c->at == c->end || (unsigned char)*c->at < 0x20)
            return false;
        if (*c->at == '"' || *c->at == '\\')
            return true;
        size_t len;
        uint32_t cp = utf8_decode(str_of(c->at, (size_t)(c->end - c->at)), &len);
        if (cp == UTF8_BAD && len == 1)
            return false;
        c->at += len;
    }
}

bool canonical_string(struct canonical *c, struct str *ret)
{
    if (!canonical_byte(c, '"'))
        return false;
    const char *from = c->at;
    if (!skip_plain(c) || *c->at != '"')
        return false;
    *ret = str_of(from, (size_t)(c->at++ - from));
    return true;
}

/* The character of an escape, after its backslash; halves of surrogate pairs are left to others. */
static bool read_escape(struct canonical *c, uint32_t *ret)
{
    static const char names[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
    if (c->at == c->end)
        return false;
    const char *found = *c->at ? strchr(names, *c->at) : NULL;
    if (found) {
        *ret = (unsigned char)chars[found - names];
        c->at++;
        return true;
    }
    if (*c->at != 'u' || c->end - c->at < 5)
        return false;
    uint32_t cp = 0;
    for (int i = 1; i <= 4; i++) {
        int digit = enc_hex_digit(c->at[i]);
        if (digit < 0)
            return false;
        cp = cp << 4 | (uint32_t)digit;
    }
    if (cp >= 0xD800 && cp <= 0xDFFF)
        return false;
    c->at += 5;
    *ret = cp;
    return true;
}

/* To behind the closing quote; *ret_escapes says whether there was an escape between. */
static bool skip_string(struct canonical *c, bool *ret_escapes)
{
    *ret_escapes = false;
    if (!canonical_byte(c, '"'))
        return false;
    for (;;) {
        if (!skip_plain(c))
            return false;
        uint32_t cp;
        if (*c->at++ == '"')
            return true;
        *ret_escapes = true;
        if (!read_escape(c, &cp))
            return false;
    }
}

/* A string that skip_string has seen to be valid, without its quotes. */
static bool unescape(struct arena *a, struct str raw, struct str *ret)
{
    char *p = arena_alloc(a, raw.n);
    if (!p)
        return false;
    struct canonical c = canonical_begin(raw);
    size_t n = 0;
    while (c.at < c.end) {
        uint32_t cp;
        if (*c.at != '\\') {
            p[n++] = *c.at++;
            continue;
        }
        c.at++;
        char bytes[4];
        if (!read_escape(&c, &cp))
            return false;
        size_t len = utf8_encode(cp, bytes);
        memcpy(p + n, bytes, len); /* an escape is never shorter than its character */
        n += len;
    }
    *ret = str_of(p, n);
    return true;
}

bool canonical_key(struct canonical *c, struct str *last)
{
    struct str key;
    if (!canonical_string(c, &key) || !canonical_byte(c, ':'))
        return false;
    if (last->p && str_cmp(*last, key) >= 0)
        return false;
    *last = key;
    return true;
}

/* --- numbers --- */

static size_t skip_digits(struct canonical *c)
{
    const char *from = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return (size_t)(c->at - from);
}

/* The grammar of RFC 8259, 6. */
static bool skip_number(struct canonical *c, bool *ret_whole)
{
    *ret_whole = true;
    canonical_byte(c, '-');
    bool zero = c->at < c->end && *c->at == '0';
    size_t digits = skip_digits(c);
    if (digits == 0 || (zero && digits > 1))
        return false;
    if (canonical_byte(c, '.')) {
        *ret_whole = false;
        if (skip_digits(c) == 0)
            return false;
    }
    if (canonical_byte(c, 'e') || canonical_byte(c, 'E')) {
        *ret_whole = false;
        if (!canonical_byte(c, '+'))
            canonical_byte(c, '-');
        if (skip_digits(c) == 0)
            return false;
    }
    return true;
}

static bool read_number(struct canonical *c, double *ret)
{
    const char *from = c->at;
    bool whole;
    if (!skip_number(c, &whole))
        return false;
    size_t n = (size_t)(c->at - from);
    if (whole && n <= 15) { /* which a double holds exactly */
        bool negative = *from == '-';
        int64_t i = 0;
        for (const char *p = from + negative; p < c->at; p++)
            i = i * 10 + (*p - '0');
        *ret = negative ? -(double)i : (double)i;
        return true;
    }
    char text[64];
    if (n >= sizeof text)
        return false;
    memcpy(text, from, n);
    text[n] = '\0';
    *ret = strtod(text, NULL);
    return isfinite(*ret);
}

/* --- skipping --- */

static bool skip_word(struct canonical *c, struct str word)
{
    if ((size_t)(c->end - c->at) < word.n || memcmp(c->at, word.p, word.n) != 0)
        return false;
    c->at += word.n;
    return true;
}

static bool skip(struct canonical *c, int depth);

static bool skip_members(struct canonical *c, int depth)
{
    struct str last = {NULL, 0};
    if (canonical_byte(c, '}'))
        return true;
    do {
        if (!canonical_key(c, &last) || !skip(c, depth))
            return false;
    } while (canonical_byte(c, ','));
    return canonical_byte(c, '}');
}

static bool skip_items(struct canonical *c, int depth)
{
    if (canonical_byte(c, ']'))
        return true;
    do {
        if (!skip(c, depth))
            return false;
    } while (canonical_byte(c, ','));
    return canonical_byte(c, ']');
}

static bool skip(struct canonical *c, int depth)
{
    bool unused;
    double number;
    if (depth > MAX_DEPTH || ++c->values > MAX_VALUES || c->at == c->end)
        return false;
    switch (*c->at) {
    case '{': c->at++; return skip_members(c, depth + 1);
    case '[': c->at++; return skip_items(c, depth + 1);
    case '"': return skip_string(c, &unused);
    case 'n': return skip_word(c, STR("null"));
    case 't': return skip_word(c, STR("true"));
    case 'f': return skip_word(c, STR("false"));
    default: return read_number(c, &number);
    }
}

bool canonical_skip(struct canonical *c, struct str *ret)
{
    const char *from = c->at;
    if (!skip(c, 1))
        return false;
    *ret = str_of(from, (size_t)(c->at - from));
    return true;
}

/* --- reading --- */

/*
 * Members and items are gathered on a stack until it is known how many there are; then they are
 * copied to where they stay.
 */
struct reader {
    struct canonical c;
    struct arena *arena;
    struct value_pair *stack;
    size_t n, cap;
    bool in_arena; /* the stack is */
};

static err_code push(struct reader *r, struct str key, const struct value *v)
{
    if (r->n == r->cap) {
        size_t size = r->cap * sizeof *r->stack;
        struct value_pair *grown = r->in_arena ? arena_grow(r->arena, r->stack, size, 2 * size)
                                               : arena_alloc(r->arena, 2 * size);
        if (!grown)
            return ERR_NOMEM;
        if (!r->in_arena)
            memcpy(grown, r->stack, size);
        r->stack = grown;
        r->cap *= 2;
        r->in_arena = true;
    }
    r->stack[r->n++] = (struct value_pair){key, *v};
    return ERR_OK;
}

static err_code read_value(struct reader *r, int depth, struct value *ret);

static err_code read_map(struct reader *r, int depth, struct value *ret)
{
    size_t base = r->n;
    struct str last = {NULL, 0};
    struct value v;
    if (!canonical_byte(&r->c, '}')) {
        do {
            if (!canonical_key(&r->c, &last))
                return ERR_INVALID;
            err_code e = read_value(r, depth, &v);
            if (!e)
                e = push(r, last, &v);
            if (e)
                return e;
        } while (canonical_byte(&r->c, ','));
        if (!canonical_byte(&r->c, '}'))
            return ERR_INVALID;
    }
    size_t n = r->n - base;
    struct value_pair *pairs = n ? arena_alloc(r->arena, n * sizeof *pairs) : NULL;
    if (n && !pairs)
        return ERR_NOMEM;
    if (n)
        memcpy(pairs, r->stack + base, n * sizeof *pairs);
    r->n = base;
    *ret = (struct value){.kind = VALUE_MAP, .n = (uint32_t)n, .map = pairs};
    return ERR_OK;
}

static err_code read_list(struct reader *r, int depth, struct value *ret)
{
    size_t base = r->n;
    struct value v;
    if (!canonical_byte(&r->c, ']')) {
        do {
            err_code e = read_value(r, depth, &v);
            if (!e)
                e = push(r, STR(""), &v);
            if (e)
                return e;
        } while (canonical_byte(&r->c, ','));
        if (!canonical_byte(&r->c, ']'))
            return ERR_INVALID;
    }
    size_t n = r->n - base;
    struct value *items = n ? arena_alloc(r->arena, n * sizeof *items) : NULL;
    if (n && !items)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        items[i] = r->stack[base + i].v;
    r->n = base;
    *ret = (struct value){.kind = VALUE_LIST, .n = (uint32_t)n, .list = items};
    return ERR_OK;
}

static err_code read_string(struct reader *r, struct value *ret)
{
    const char *from = r->c.at + 1;
    bool escapes;
    if (!skip_string(&r->c, &escapes))
        return ERR_INVALID;
    struct str s = str_of(from, (size_t)(r->c.at - 1 - from));
    if (escapes && !unescape(r->arena, s, &s))
        return ERR_NOMEM;
    *ret = value_str(s);
    return ERR_OK;
}

static err_code read_value(struct reader *r, int depth, struct value *ret)
{
    struct canonical *c = &r->c;
    double number;
    if (depth > MAX_DEPTH || ++c->values > MAX_VALUES || c->at == c->end)
        return ERR_INVALID;
    switch (*c->at) {
    case '{': c->at++; return read_map(r, depth + 1, ret);
    case '[': c->at++; return read_list(r, depth + 1, ret);
    case '"': return read_string(r, ret);
    case 'n': *ret = value_nil(); return skip_word(c, STR("null")) ? ERR_OK : ERR_INVALID;
    case 't': *ret = value_bool(true); return skip_word(c, STR("true")) ? ERR_OK : ERR_INVALID;
    case 'f': *ret = value_bool(false); return skip_word(c, STR("false")) ? ERR_OK : ERR_INVALID;
    default: break;
    }
    if (!read_number(c, &number))
        return ERR_INVALID;
    *ret = value_float(number);
    return ERR_OK;
}

err_code value_from_canonical(struct arena *a, struct str text, struct value *ret)
{
    struct value_pair stack[32];
    struct value v;
    struct reader r = {.c = canonical_begin(text),
                       .arena = a,
                       .stack = stack,
                       .cap = sizeof stack / sizeof *stack};
    err_code e = read_value(&r, 1, &v);
    if (!e && !canonical_at_end(&r.c))
        e = ERR_INVALID;
    if (!e)
        *ret = v;
    return e;
}
