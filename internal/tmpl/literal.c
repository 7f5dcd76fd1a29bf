#include "tmpl/literal.h"

#include <math.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/utf8.h"
#include "tmpl/func.h"

/*
 * One character of a quoted literal. *byte says that it stands for one byte (\x and octal escapes
 * and plain ASCII), otherwise it is a code point. False if an escape is wrong.
 */
static bool unquote_char(struct str *s, char quote, uint32_t *ret, bool *byte)
{
    static const char letters[] = "abfnrtv\\", meaning[] = "\a\b\f\n\r\t\v\\";
    size_t len;
    uint32_t c = utf8_decode(*s, &len);
    *byte = c < 0x80;
    *ret = c;
    *s = str_skip(*s, len);
    if (c != '\\')
        return true;
    if (!s->n)
        return false;
    char kind = s->p[0];
    *s = str_skip(*s, 1);
    const char *at = kind ? strchr(letters, kind) : NULL;
    if (at) {
        *ret = (unsigned char)meaning[at - letters];
        return true;
    }
    if (kind == quote) {
        *ret = (unsigned char)kind;
        return true;
    }
    bool octal = kind >= '0' && kind <= '7';
    size_t digits = octal ? 2 : kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    if (!digits || s->n < digits)
        return false;
    uint32_t v = octal ? (uint32_t)(kind - '0') : 0;
    for (size_t i = 0; i < digits; i++) {
        int d = enc_hex_digit(s->p[i]);
        if (d < 0 || (octal && d > 7))
            return false;
        v = octal ? v * 8 + (uint32_t)d : v << 4 | (uint32_t)d;
    }
    *s = str_skip(*s, digits);
    *byte = octal || kind == 'x';
    *ret = v;
    return *byte ? v <= 0xFF : v <= 0x10FFFF && (v < 0xD800 || v > 0xDFFF);
}

enum literal_result literal_string(struct arena *a, const struct token *t, struct str *ret)
{
    struct str s = str_sub(t->text, 1, t->text.n - 1);
    bool raw = t->kind == TOKEN_RAW_STRING;
    char *p = arena_alloc(a, s.n * 3 + 1); /* an invalid byte becomes U+FFFD, three bytes */
    if (!p)
        return LITERAL_NOMEM;
    size_t n = 0;
    while (s.n) {
        if (raw) { /* everything but carriage returns stands for itself */
            if (s.p[0] != '\r')
                p[n++] = s.p[0];
            s = str_skip(s, 1);
            continue;
        }
        uint32_t c;
        bool byte;
        if (!unquote_char(&s, '"', &c, &byte))
            return LITERAL_BAD;
        if (byte)
            p[n++] = (char)c;
        else
            n += utf8_encode(c, p + n);
    }
    *ret = str_of(p, n);
    return LITERAL_OK;
}

static enum literal_result character(struct str text, struct value *ret)
{
    struct str s = str_skip(text, 1);
    uint32_t c;
    bool byte;
    if (s.p[0] == '\'' || !unquote_char(&s, '\'', &c, &byte) || !str_is(s, "'"))
        return LITERAL_BAD;
    *ret = value_int(c);
    return LITERAL_OK;
}

/* Underscores must stand between digits; a base prefix counts as a digit. */
static bool underscores_fit(struct str s)
{
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    char last = '^';
    bool hex = false;
    if (i + 1 < s.n && s.p[i] == '0' && strchr("bBoOxX", s.p[i + 1])) {
        hex = (s.p[i + 1] | 0x20) == 'x';
        i += 2;
        last = '0';
    }
    for (; i < s.n; i++) {
        int d = enc_hex_digit(s.p[i]);
        if (d >= 0 && (d < 10 || hex)) {
            last = '0';
        } else if (s.p[i] == '_') {
            if (last != '0')
                return false;
            last = '_';
        } else if (last == '_') {
            return false;
        } else {
            last = '!';
        }
    }
    return last != '_';
}

/* Go's ParseUint with base 0: decimal, 0x, 0o, 0b, and a leading 0 for octal. */
static enum literal_result parse_uint(struct str text, uint64_t *ret)
{
    struct str s = text;
    uint64_t base = 10, n = 0;
    if (!s.n || !underscores_fit(text))
        return LITERAL_BAD;
    if (s.p[0] == '0') {
        char c = s.n >= 3 ? (char)(s.p[1] | 0x20) : 0;
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        s = str_skip(s, c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
    }
    bool big = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '_')
            continue;
        int d = enc_hex_digit(s.p[i]);
        if (d < 0 || (uint64_t)d >= base)
            return LITERAL_BAD;
        big = big || __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, d, &n);
    }
    *ret = n;
    return big ? LITERAL_TOO_BIG : LITERAL_OK;
}

/* Skips digits and underscores from i; *saw says that there was a digit. */
static size_t skip_digits(struct str s, size_t i, bool hex, bool *saw)
{
    for (; i < s.n; i++) {
        int d = enc_hex_digit(s.p[i]);
        if (d >= 0 && (d < 10 || hex))
            *saw = true;
        else if (s.p[i] != '_')
            break;
    }
    return i;
}

/* The grammar of Go's ParseFloat, without its inf and nan. */
static bool is_float(struct str s)
{
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    bool hex = i + 2 < s.n && s.p[i] == '0' && (s.p[i + 1] | 0x20) == 'x';
    bool saw = false;
    i = skip_digits(s, i + (hex ? 2 : 0), hex, &saw);
    if (i < s.n && s.p[i] == '.')
        i = skip_digits(s, i + 1, hex, &saw);
    if (!saw)
        return false;
    if (i < s.n && (s.p[i] | 0x20) == (hex ? 'p' : 'e')) {
        i++;
        if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
            i++;
        if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
            return false;
        i = skip_digits(s, i, false, &saw);
    } else if (hex) {
        return false; /* a hexadecimal float must have an exponent */
    }
    return i == s.n && underscores_fit(s);
}

static enum literal_result parse_float(struct arena *a, struct str s, double *ret)
{
    if (!is_float(s))
        return LITERAL_BAD;
    char *p = arena_alloc(a, s.n + 1);
    if (!p)
        return LITERAL_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_')
            p[n++] = s.p[i];
    p[n] = '\0';
    double f = strtod(p, NULL);
    if (isinf(f))
        return LITERAL_TOO_BIG;
    *ret = f;
    return LITERAL_OK;
}

static enum literal_result complex_value(struct arena *a, double re, double im, struct value *ret)
{
    struct value *parts = arena_calloc(a, 2, sizeof *parts);
    if (!parts)
        return LITERAL_NOMEM;
    parts[0] = value_float(re);
    parts[1] = value_float(im);
    *ret = (struct value){.kind = TMPL_COMPLEX, .n = 2, .list = parts};
    return LITERAL_OK;
}

/* 1+2i: the sign between the parts is the last one that does not belong to an exponent. */
static enum literal_result parse_complex(struct arena *a, struct str s, struct value *ret)
{
    size_t i = s.n - 1;
    for (; i > 0; i--) {
        bool hex = s.n > 2 && (str_find(s, STR("x"), 0) < i || str_find(s, STR("X"), 0) < i);
        char before = s.p[i - 1];
        bool exponent =
            before == 'p' || before == 'P' || (!hex && (before == 'e' || before == 'E'));
        if ((s.p[i] == '+' || s.p[i] == '-') && !exponent)
            break;
    }
    double re, im;
    enum literal_result r = parse_float(a, str_sub(s, 0, i), &re);
    if (r == LITERAL_OK)
        r = parse_float(a, str_sub(s, i, s.n - 1), &im);
    return r == LITERAL_OK ? complex_value(a, re, im, ret) : r;
}

/*
 * The text decides the type: a point or an exponent makes a float64, everything else is an int. Go
 * looks for the letters e and p anywhere in the text unless it begins with 0x, so "-0x1e" is a
 * float of -30.
 */
static bool looks_like_float(struct str s)
{
    bool letters_p = str_find_byte(s, 'p', 0) < s.n || str_find_byte(s, 'P', 0) < s.n;
    if (s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x' && !letters_p)
        return false;
    return letters_p || str_find_byte(s, '.', 0) < s.n || str_find_byte(s, 'e', 0) < s.n ||
           str_find_byte(s, 'E', 0) < s.n;
}

/* An int with its sign. */
static enum literal_result parse_int(struct str s, int64_t *ret)
{
    bool negative = s.n && s.p[0] == '-';
    bool sign = s.n && (negative || s.p[0] == '+');
    uint64_t u;
    enum literal_result r = parse_uint(str_skip(s, sign), &u);
    if (r != LITERAL_OK)
        return r;
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (u > limit)
        return sign ? LITERAL_TOO_BIG : LITERAL_OVERFLOW;
    *ret = negative ? (int64_t)(0 - u) : (int64_t)u;
    return LITERAL_OK;
}

static enum literal_result integer(struct str s, struct value *ret)
{
    int64_t i;
    enum literal_result r = parse_int(s, &i);
    if (r == LITERAL_OK)
        *ret = looks_like_float(s) ? value_float((double)i) : value_int(i);
    return r;
}

bool literal_parse_int(struct str s, int64_t *ret)
{
    return parse_int(s, ret) == LITERAL_OK;
}

bool literal_parse_float(struct arena *a, struct str s, double *ret)
{
    return parse_float(a, s, ret) == LITERAL_OK;
}

enum literal_result literal_number(struct arena *a, const struct token *t, struct value *ret)
{
    struct str s = t->text;
    double f;
    if (t->kind == TOKEN_CHAR_CONSTANT)
        return character(s, ret);
    if (t->kind == TOKEN_COMPLEX)
        return parse_complex(a, s, ret);
    if (s.n && s.p[s.n - 1] == 'i') {
        enum literal_result r = parse_float(a, str_sub(s, 0, s.n - 1), &f);
        return r == LITERAL_OK ? complex_value(a, 0, f, ret) : r;
    }
    enum literal_result r = integer(s, ret);
    if (r == LITERAL_OK || r == LITERAL_OVERFLOW)
        return r;
    enum literal_result as_float = parse_float(a, s, &f);
    if (as_float != LITERAL_OK)
        return r == LITERAL_TOO_BIG ? r : as_float;
    if (!looks_like_float(s))
        return r; /* digits that are no int: 089, or too many of them */
    *ret = value_float(f);
    return LITERAL_OK;
}
