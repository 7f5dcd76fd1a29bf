#include "ignition/jnode.h"

#include <stdlib.h>

#include "base/enc.h"
#include "base/utf8.h"
#include "ignition/set.h"

struct reader {
    struct arena *a;
    struct str text;
    size_t at;         /* of the next byte */
    int line;          /* of that byte */
    size_t line_start; /* where that line begins */
    size_t nodes;
    struct err *e;
};

static bool at_end(const struct reader *r)
{
    return r->at >= r->text.n;
}

static char here(const struct reader *r)
{
    return r->text.p[r->at];
}

static int column(const struct reader *r)
{
    return (int)(r->at - r->line_start) + 1;
}

static void skip_space(struct reader *r)
{
    for (; !at_end(r); r->at++) {
        char c = here(r);
        if (c == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

/* The place of the next byte; 0, 0 at the end. */
static void place_here(const struct reader *r, int *line, int *col)
{
    *line = at_end(r) ? 0 : r->line;
    *col = at_end(r) ? 0 : column(r);
}

/* What is at the next byte cannot stand there. */
static err_code unexpected(struct reader *r, const char *expected)
{
    if (at_end(r))
        return err_at(r->e, ERR_INVALID, 0, 0, "not JSON: the text ends where %s should be",
                      expected);
    unsigned char c = (unsigned char)here(r);
    int line, col;
    r->at++;
    place_here(r, &line, &col);
    if (c == '\n' && line) {
        line++;
        col = 1;
    }
    if (c > 0x20 && c < 0x7f)
        return err_at(r->e, ERR_INVALID, line, col, "not JSON: '%c' where %s should be", c,
                      expected);
    return err_at(r->e, ERR_INVALID, line, col, "not JSON: byte 0x%02x where %s should be", c,
                  expected);
}

static err_code out_of_memory(struct reader *r)
{
    return err_set(r->e, ERR_NOMEM, "out of memory while reading JSON");
}

/* --- strings */

/* Four hex digits, or -1. */
static int hex4(struct str s)
{
    int v = 0;
    for (size_t i = 0; i < 4; i++) {
        int d = i < s.n ? enc_hex_digit(s.p[i]) : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* The \u escapes at s: one, or two that are a surrogate pair. Sets *len to what they take. */
static uint32_t unicode_escape(struct str s, size_t *len)
{
    int first = hex4(str_skip(s, 2));
    *len = 6;
    if (first < 0xD800 || first > 0xDFFF)
        return (uint32_t)first;
    bool second_follows = first < 0xDC00 && s.n >= 12 && s.p[6] == '\\' && s.p[7] == 'u';
    int second = second_follows ? hex4(str_skip(s, 8)) : -1;
    if (second < 0xDC00 || second > 0xDFFF)
        return UTF8_BAD;
    *len = 12;
    return 0x10000 + ((uint32_t)(first - 0xD800) << 10) + (uint32_t)(second - 0xDC00);
}

/* raw is well formed and stands between quotes; it has escapes. */
static bool unescape(struct arena *a, struct str raw, struct str *ret)
{
    static const char names[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
    char *dst = arena_alloc(a, raw.n);
    if (!dst)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < raw.n;) {
        if (raw.p[i] != '\\') {
            dst[n++] = raw.p[i++];
        } else if (raw.p[i + 1] != 'u') {
            dst[n++] = chars[strchr(names, raw.p[i + 1]) - names];
            i += 2;
        } else {
            size_t len;
            uint32_t cp = unicode_escape(str_skip(raw, i), &len);
            n += utf8_encode(cp, dst + n);
            i += len;
        }
    }
    *ret = str_of(dst, n);
    return true;
}

/* At a backslash; checks the escape and goes behind it. */
static err_code skip_escape(struct reader *r)
{
    r->at++;
    if (at_end(r) || here(r) == '\0' || !strchr("\"\\/bfnrtu", here(r)))
        return unexpected(r, "the character of an escape");
    if (here(r) == 'u') {
        for (int i = 0; i < 4; i++) {
            r->at++;
            if (at_end(r) || enc_hex_digit(here(r)) < 0)
                return unexpected(r, "a hex digit");
        }
    }
    r->at++;
    return ERR_OK;
}

/* At the opening quote. */
static err_code read_string(struct reader *r, struct str *ret)
{
    size_t start = ++r->at;
    bool escapes = false;
    while (!at_end(r) && here(r) != '"') {
        unsigned char c = (unsigned char)here(r);
        if (c == '\\') {
            escapes = true;
            err_code code = skip_escape(r);
            if (code)
                return code;
        } else if (c < 0x20) {
            return unexpected(r, "a character of a string (control characters are escaped)");
        } else if (c < 0x80) {
            r->at++;
        } else {
            size_t len;
            if (utf8_decode(str_skip(r->text, r->at), &len) == UTF8_BAD && len == 1)
                return err_at(r->e, ERR_INVALID, r->line, column(r),
                              "invalid UTF-8: byte 0x%02x at offset %zu; save the file as UTF-8", c,
                              r->at);
            r->at += len;
        }
    }
    if (at_end(r))
        return unexpected(r, "the quote that ends a string");
    struct str raw = str_sub(r->text, start, r->at++);
    if (!escapes)
        *ret = raw;
    else if (!unescape(r->a, raw, ret))
        return out_of_memory(r);
    return ERR_OK;
}

/* --- numbers and words */

static err_code skip_digits(struct reader *r)
{
    if (at_end(r) || here(r) < '0' || here(r) > '9')
        return unexpected(r, "a digit");
    while (!at_end(r) && here(r) >= '0' && here(r) <= '9')
        r->at++;
    return ERR_OK;
}

static err_code read_number(struct reader *r, struct str *ret)
{
    size_t start = r->at;
    err_code c = ERR_OK;
    if (here(r) == '-')
        r->at++;
    if (!at_end(r) && here(r) == '0')
        r->at++;
    else
        c = skip_digits(r);
    if (!c && !at_end(r) && here(r) == '.') {
        r->at++;
        c = skip_digits(r);
    }
    if (!c && !at_end(r) && (here(r) == 'e' || here(r) == 'E')) {
        r->at++;
        if (!at_end(r) && (here(r) == '+' || here(r) == '-'))
            r->at++;
        c = skip_digits(r);
    }
    *ret = str_sub(r->text, start, r->at);
    return c;
}

static err_code read_word(struct reader *r, const char *word)
{
    for (; *word; word++, r->at++)
        if (at_end(r) || here(r) != *word)
            return unexpected(r, "the rest of null, true or false");
    return ERR_OK;
}

/* --- arrays and objects */

static err_code read_value(struct reader *r, int depth, struct jnode *node);

static err_code add_node(struct reader *r, struct jnode ***tail, struct jnode **ret)
{
    if (++r->nodes > JNODE_MAX_NODES)
        return err_at(r->e, ERR_LIMIT, r->line, column(r), "the JSON has more than %d values",
                      JNODE_MAX_NODES);
    struct jnode *node = arena_calloc(r->a, 1, sizeof *node);
    if (!node)
        return out_of_memory(r);
    **tail = node;
    *tail = (struct jnode **)&node->next;
    *ret = node;
    return ERR_OK;
}

static err_code read_key(struct reader *r, struct jnode *node)
{
    skip_space(r);
    if (at_end(r) || here(r) != '"')
        return unexpected(r, "a key in quotes");
    node->key_line = r->line;
    node->key_column = column(r);
    err_code c = read_string(r, &node->key);
    if (c)
        return c;
    skip_space(r);
    if (at_end(r) || here(r) != ':')
        return unexpected(r, "':' behind a key");
    r->at++;
    return ERR_OK;
}

static err_code reject_duplicates(struct reader *r, const struct jnode *object)
{
    struct text_set seen;
    if (object->n < 2)
        return ERR_OK;
    if (!text_set_init(&seen, r->a, object->n))
        return out_of_memory(r);
    for (const struct jnode *m = object->first; m; m = m->next)
        if (!text_set_add(&seen, m->key))
            return err_at(r->e, ERR_INVALID, m->key_line, m->key_column,
                          "the key stands twice in its object; only one would be used");
    return ERR_OK;
}

/* At the opening bracket. close is the one that ends it. */
static err_code read_container(struct reader *r, int depth, struct jnode *node, char close)
{
    struct jnode **tail = (struct jnode **)&node->first, *child = NULL;
    r->at++;
    place_here(r, &node->after_line, &node->after_column);
    node->line = node->after_line;
    node->column = node->after_column;
    skip_space(r);
    if (!at_end(r) && here(r) == close) {
        r->at++;
        return ERR_OK;
    }
    for (;;) {
        err_code c = add_node(r, &tail, &child);
        if (!c && close == '}')
            c = read_key(r, child);
        if (!c)
            c = read_value(r, depth + 1, child);
        if (c)
            return c;
        node->n++;
        skip_space(r);
        if (!at_end(r) && here(r) == close)
            break;
        if (at_end(r) || here(r) != ',')
            return unexpected(r, close == '}' ? "',' or '}'" : "',' or ']'");
        r->at++;
    }
    r->at++;
    return close == '}' ? reject_duplicates(r, node) : ERR_OK;
}

static err_code read_scalar(struct reader *r, struct jnode *node)
{
    char first = at_end(r) ? '\0' : here(r);
    err_code c;
    switch (first) {
    case '"':
        node->kind = JNODE_STRING;
        c = read_string(r, &node->text);
        break;
    case 'n':
        node->kind = JNODE_NULL;
        c = read_word(r, "null");
        break;
    case 't':
        node->kind = JNODE_TRUE;
        c = read_word(r, "true");
        break;
    case 'f':
        node->kind = JNODE_FALSE;
        c = read_word(r, "false");
        break;
    default:
        if (first != '-' && (first < '0' || first > '9'))
            return unexpected(r, "a value");
        node->kind = JNODE_NUMBER;
        c = read_number(r, &node->text);
    }
    place_here(r, &node->after_line, &node->after_column);
    return c;
}

static err_code read_value(struct reader *r, int depth, struct jnode *node)
{
    skip_space(r);
    node->line = r->line;
    node->column = column(r);
    char first = at_end(r) ? '\0' : here(r);
    if (first != '{' && first != '[')
        return read_scalar(r, node);
    if (depth > JNODE_MAX_DEPTH)
        return err_at(r->e, ERR_LIMIT, r->line, column(r) + 1,
                      "the JSON is nested more than %d levels deep", JNODE_MAX_DEPTH);
    node->kind = first == '{' ? JNODE_OBJECT : JNODE_ARRAY;
    return read_container(r, depth, node, first == '{' ? '}' : ']');
}

err_code jnode_read(struct arena *a, struct str text, const struct jnode **ret, struct err *e)
{
    struct reader r = {.a = a, .text = text, .line = 1, .e = e};
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        return err_at(e, ERR_INVALID, 1, 2,
                      "JSON must not begin with a byte order mark: save the file as plain UTF-8");
    struct jnode *root = arena_calloc(a, 1, sizeof *root);
    if (!root)
        return out_of_memory(&r);
    err_code c = read_value(&r, 1, root);
    if (c)
        return c;
    skip_space(&r);
    if (!at_end(&r))
        return unexpected(&r, "the end of the text");
    *ret = root;
    return ERR_OK;
}

const char *jnode_kind_name(enum jnode_kind kind)
{
    static const char *const names[] = {
        [JNODE_NULL] = "null",        [JNODE_FALSE] = "false",     [JNODE_TRUE] = "true",
        [JNODE_NUMBER] = "a number",  [JNODE_STRING] = "a string", [JNODE_ARRAY] = "an array",
        [JNODE_OBJECT] = "an object",
    };
    return names[kind];
}
