/*
 * JSON in by jansson, whose tree is turned into ours at once; JSON out by our own writer, since the
 * bytes must be Go's.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "value/value.h"

#define MAX_DEPTH 512
#define MAX_NODES 200000

struct reader {
    struct arena *arena;
    uint32_t nodes;
};

static err_code convert(struct reader *r, json_t *j, int depth, struct value *ret, struct err *e);

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading JSON");
}

static err_code convert_list(struct reader *r, json_t *j, int depth, struct value *ret,
                             struct err *e)
{
    size_t n = json_array_size(j);
    struct value *items = NULL;
    if (n && !(items = arena_calloc(r->arena, n, sizeof *items)))
        return nomem(e);
    for (size_t i = 0; i < n; i++) {
        err_code c = convert(r, json_array_get(j, i), depth + 1, &items[i], e);
        if (c)
            return c;
    }
    *ret = (struct value){.kind = VALUE_LIST, .n = (uint32_t)n, .list = items};
    return ERR_OK;
}

static err_code convert_map(struct reader *r, json_t *j, int depth, struct value *ret,
                            struct err *e)
{
    size_t n = json_object_size(j);
    struct value_pair *pairs = NULL;
    if (n && !(pairs = arena_calloc(r->arena, n, sizeof *pairs)))
        return nomem(e);
    size_t i = 0;
    for (void *it = json_object_iter(j); it; it = json_object_iter_next(j, it), i++) {
        struct str key = str_of(json_object_iter_key(it), json_object_iter_key_len(it));
        if (!arena_str(r->arena, key, &pairs[i].key))
            return nomem(e);
        err_code c = convert(r, json_object_iter_value(it), depth + 1, &pairs[i].v, e);
        if (c)
            return c;
    }
    *ret = value_map(VALUE_MAP, pairs, (uint32_t)n);
    return ERR_OK;
}

static err_code convert(struct reader *r, json_t *j, int depth, struct value *ret, struct err *e)
{
    if (depth > MAX_DEPTH)
        return err_set(e, ERR_LIMIT, "JSON is nested more than %d levels deep", MAX_DEPTH);
    if (++r->nodes > MAX_NODES)
        return err_set(e, ERR_LIMIT, "JSON has more than %d values", MAX_NODES);
    struct str s;
    switch (json_typeof(j)) {
    case JSON_NULL: *ret = value_nil(); return ERR_OK;
    case JSON_TRUE:
    case JSON_FALSE: *ret = value_bool(json_is_true(j)); return ERR_OK;
    case JSON_INTEGER: *ret = value_float((double)json_integer_value(j)); return ERR_OK;
    case JSON_REAL: *ret = value_float(json_real_value(j)); return ERR_OK;
    case JSON_STRING:
        s = str_of(json_string_value(j), json_string_length(j));
        if (!arena_str(r->arena, s, &s))
            return nomem(e);
        *ret = value_str(s);
        return ERR_OK;
    case JSON_ARRAY: return convert_list(r, j, depth, ret, e);
    case JSON_OBJECT: return convert_map(r, j, depth, ret, e);
    }
    return err_set(e, ERR_INVALID, "JSON has a value of an unknown type");
}

static void json_cleanup(json_t **j)
{
    json_decref(*j);
}

/* jansson's words without the piece of text that it quotes, which can be a value and a secret. */
static int words_only(const char *text)
{
    const char *quote = strstr(text, " near '");
    return quote ? (int)(quote - text) : (int)strlen(text);
}

/* jansson counts columns in characters, of the byte after the offending token; good enough to show.
 */
static err_code syntax_error(const json_error_t *je, struct str text, struct err *e)
{
    if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
        return err_at(e, ERR_INVALID, 1, 1,
                      "JSON must not begin with a byte order mark: save the file as plain UTF-8");
    if (text.n == 0 || je->line < 1)
        return err_at(e, ERR_INVALID, 1, 1, "not JSON: the text is empty");
    int column = je->column > 0 ? je->column : 1;
    enum json_error_code code = json_error_code(je);
    if (code == json_error_duplicate_key)
        return err_at(e, ERR_INVALID, je->line, column, "not JSON that we take: %s", je->text);
    if (code == json_error_stack_overflow)
        return err_at(e, ERR_LIMIT, je->line, column, "JSON is nested more than %d levels deep",
                      MAX_DEPTH);
    if (code == json_error_out_of_memory)
        return nomem(e);
    return err_at(e, ERR_INVALID, je->line, column, "not JSON: %.*s", words_only(je->text),
                  je->text);
}

err_code value_from_json(struct arena *a, struct str text, struct value *ret, struct err *e)
{
    json_error_t je;
    size_t flags =
        JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
    __attribute__((cleanup(json_cleanup))) json_t *j =
        json_loadb(text.n ? text.p : "", text.n, flags, &je);
    if (!j)
        return syntax_error(&je, text, e);
    struct reader r = {.arena = a};
    return convert(&r, j, 1, ret, e);
}

/*
 * Below a power of two the doubles are twice as close as above it, so there the nearest decimal of
 * 16 digits can miss f although the next larger one reads back to it. Then text becomes that one.
 */
static bool next_reads_back(char *text, double f)
{
    int exp;
    char next[40];
    if (frexp(f, &exp) != 0.5)
        return false;
    memcpy(next, text, sizeof next);
    size_t i = strcspn(next, "e") - 1;
    while (i > 0 && (next[i] == '9' || next[i] == '.')) {
        if (next[i] == '9')
            next[i] = '0';
        i--;
    }
    if (next[i] == '9')
        return false;
    next[i]++;
    if (strtod(next, NULL) != f)
        return false;
    memcpy(text, next, sizeof next);
    return true;
}

void value_shortest(double f, struct value_decimal *ret)
{
    *ret = (struct value_decimal){.negative = signbit(f) != 0, .n = 1, .exp = 1, .digits = "0"};
    f = fabs(f);
    if (f == 0 || !isfinite(f))
        return;
    char text[40];
    /* Nearly every number that people write has at most 15 digits, and those read back at once. */
    for (int prec = 14; prec <= 16; prec++) {
        snprintf(text, sizeof text, "%.*e", prec, f);
        if (prec == 16 || strtod(text, NULL) == f || (prec == 15 && next_reads_back(text, f)))
            break;
    }
    int n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p != '.')
            ret->digits[n++] = *p;
    while (n > 1 && ret->digits[n - 1] == '0')
        n--;
    ret->n = n;
    ret->digits[n] = '\0';
    ret->exp = (int)strtol(p + 1, NULL, 10) + 1;
    /* A subnormal can have fewer digits than trimming zeros finds (5e-324). */
    for (int prec = 0; prec + 1 < n && f < 2.3e-308; prec++) {
        snprintf(text, sizeof text, "%.*e", prec, f);
        if (strtod(text, NULL) == f) {
            int k = 0;
            for (p = text; *p && *p != 'e'; p++)
                if (*p != '.')
                    ret->digits[k++] = *p;
            ret->digits[k] = '\0';
            ret->n = k;
            ret->exp = (int)strtol(p + 1, NULL, 10) + 1;
            break;
        }
    }
}

static void write_float(struct buf *dst, double f)
{
    if (!isfinite(f)) {
        buf_add_lit(dst, "null");
        return;
    }
    struct value_decimal d;
    value_shortest(f, &d);
    if (d.negative)
        buf_add_byte(dst, '-');
    double mag = fabs(f);
    if (mag != 0 && (mag < 1e-6 || mag >= 1e21)) {
        buf_add_byte(dst, d.digits[0]);
        if (d.n > 1) {
            buf_add_byte(dst, '.');
            buf_add(dst, d.digits + 1, (size_t)d.n - 1);
        }
        buf_addf(dst, "e%c%d", d.exp - 1 < 0 ? '-' : '+', abs(d.exp - 1));
        return;
    }
    if (d.exp <= 0) {
        buf_add_lit(dst, "0.");
        for (int i = d.exp; i < 0; i++)
            buf_add_byte(dst, '0');
        buf_add(dst, d.digits, (size_t)d.n);
        return;
    }
    for (int i = 0; i < d.exp || i < d.n; i++) {
        if (i == d.exp)
            buf_add_byte(dst, '.');
        buf_add_byte(dst, i < d.n ? d.digits[i] : '0');
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* How many bytes at the start are written as they are. */
static size_t plain_bytes(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_plain((unsigned char)s.p[n]))
        n++;
    return n;
}

void value_json_string(struct buf *dst, struct str s, int flags)
{
    buf_add_byte(dst, '"');
    while (s.n) {
        size_t plain = plain_bytes(s);
        buf_add(dst, s.p, plain);
        s = str_skip(s, plain);
        if (!s.n)
            break;
        size_t len;
        uint32_t cp = utf8_decode(s, &len);
        bool html = (flags & VALUE_JSON_HTML_ESCAPE) && (cp == '<' || cp == '>' || cp == '&');
        if (cp == '"' || cp == '\\') {
            buf_add_byte(dst, '\\');
            buf_add_byte(dst, (char)cp);
        } else if (cp == '\n' || cp == '\r' || cp == '\t' || cp == '\b' || cp == '\f') {
            buf_add_byte(dst, '\\');
            buf_add_byte(dst, cp == '\n'   ? 'n'
                              : cp == '\r' ? 'r'
                              : cp == '\t' ? 't'
                              : cp == '\b' ? 'b'
                                           : 'f');
        } else if (cp < 0x20 || html || cp == 0x2028 || cp == 0x2029) {
            buf_addf(dst, "\\u%04x", cp);
        } else if (cp == UTF8_BAD && len == 1) {
            buf_add_lit(dst, "\xEF\xBF\xBD");
        } else {
            buf_add(dst, s.p, len);
        }
        s = str_skip(s, len);
    }
    buf_add_byte(dst, '"');
}

static void newline(struct buf *dst, int flags, int depth)
{
    if (!(flags & VALUE_JSON_PRETTY))
        return;
    buf_add_byte(dst, '\n');
    for (int i = 0; i < depth; i++)
        buf_add_lit(dst, "  ");
}

static void write_value(struct buf *dst, const struct value *v, int flags, int depth)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_NIL: buf_add_lit(dst, "null"); break;
    case VALUE_BOOL: buf_add_str(dst, v->b ? STR("true") : STR("false")); break;
    case VALUE_INT:
    case VALUE_BYTE: buf_addf(dst, "%lld", (long long)v->i); break;
    case VALUE_FLOAT: write_float(dst, v->f); break;
    case VALUE_STRING: value_json_string(dst, value_as_str(*v), flags); break;
    case VALUE_LIST:
        buf_add_byte(dst, '[');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i)
                buf_add_byte(dst, ',');
            newline(dst, flags, depth + 1);
            write_value(dst, &v->list[i], flags, depth + 1);
        }
        if (v->n)
            newline(dst, flags, depth);
        buf_add_byte(dst, ']');
        break;
    case VALUE_MAP:
    case VALUE_STRMAP:
        buf_add_byte(dst, '{');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i)
                buf_add_byte(dst, ',');
            newline(dst, flags, depth + 1);
            value_json_string(dst, v->map[i].key, flags);
            buf_add_byte(dst, ':');
            if (flags & VALUE_JSON_PRETTY)
                buf_add_byte(dst, ' ');
            write_value(dst, &v->map[i].v, flags, depth + 1);
        }
        if (v->n)
            newline(dst, flags, depth);
        buf_add_byte(dst, '}');
        break;
    }
}

void value_to_json(struct buf *dst, const struct value *v, int flags)
{
    write_value(dst, v, flags, 0);
    if (flags & VALUE_JSON_PRETTY)
        buf_add_byte(dst, '\n');
}
