/*
 * What goyaml.v2 makes of single strings and numbers.
 */
#include "value/yaml_text.h"

#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "value/value.h"
#include "value/yaml_scalar.h"

/* --- what a string looks like */

struct looks {
    bool multiline;     /* has a line feed */
    bool special;       /* needs an escape, or has a space before a line break */
    bool leading_space; /* or a line break */
    bool trailing_space;
    bool trailing_break;
    bool indicator; /* would be read as syntax without quotes */
};

static bool is_blank_at(struct str s, size_t i)
{
    return i >= s.n || s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n';
}

static bool is_printable(uint32_t cp)
{
    return cp == '\n' || (cp >= 0x20 && cp <= 0x7E) ||
           (cp >= 0xA0 && cp <= 0xFFFD && cp != 0xFEFF && cp != 0x2028 && cp != 0x2029);
}

static bool is_indicator(struct str s, size_t i)
{
    char c = s.p[i];
    if (i == 0 && strchr("#,[]{}&*!|>'\"%@`", c))
        return c != '\0';
    if (c == ':' || (i == 0 && (c == '?' || c == '-')))
        return is_blank_at(s, i + 1);
    return i > 0 && c == '#' && is_blank_at(s, i - 1);
}

static struct looks look(struct str s)
{
    struct looks k = {.indicator = str_starts(s, STR("---")) || str_starts(s, STR("..."))};
    for (size_t i = 0, len; i < s.n; i += len) {
        uint32_t cp = utf8_decode(str_skip(s, i), &len);
        k.special |= !is_printable(cp);
        k.indicator |= is_indicator(s, i);
        if (cp == '\n') {
            k.multiline = true;
            k.special |= i > 0 && s.p[i - 1] == ' ';
        }
    }
    if (s.n) {
        k.leading_space = s.p[0] == ' ' || s.p[0] == '\n';
        k.trailing_space = s.p[s.n - 1] == ' ';
        k.trailing_break = s.p[s.n - 1] == '\n';
    }
    return k;
}

/* 1:30:00 is a number in base 60 to YAML 1.1. */
static bool is_base60(struct str s)
{
    size_t i = s.n && (s.p[0] == '+' || s.p[0] == '-');
    size_t groups = 0;
    if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
        return false;
    while (i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_'))
        i++;
    while (i + 1 < s.n && s.p[i] == ':' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9') {
        bool two = i + 2 < s.n && s.p[i + 1] <= '5' && s.p[i + 2] >= '0' && s.p[i + 2] <= '9';
        i += two ? 3 : 2;
        groups++;
    }
    if (i < s.n && s.p[i] == '.')
        for (i++; i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_');)
            i++;
    return groups && i == s.n;
}

/* Without quotes it would be a number, null, a timestamp …, to some reader at least. */
static bool is_ambiguous(struct str s)
{
    struct yaml_node x;
    bool b;
    scalar_resolve(s, &x);
    bool endless = s.n > SCALAR_NUMBER_MAX && !is_blank_at(s, 0) && strchr("+-.0123456789", s.p[0]);
    return !str_is(x.tag, "!!str") || scalar_is_bool11(s, &b) || is_base60(s) || endless;
}

/* --- scalars */

static void pad(struct buf *dst, int n)
{
    for (int i = 0; i < n; i++)
        buf_add_byte(dst, ' ');
}

static void write_escape(struct buf *dst, uint32_t cp)
{
    static const struct {
        uint32_t cp;
        char letter;
    } named[] = {{0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
                 {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
                 {'\\', '\\'}, {0x85, 'N'}, {0xA0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i].cp == cp) {
            buf_addf(dst, "\\%c", named[i].letter);
            return;
        }
    buf_addf(dst, cp <= 0xFF ? "\\x%02X" : cp <= 0xFFFF ? "\\u%04X" : "\\U%08X", cp);
}

static void write_double_quoted(struct buf *dst, struct str s)
{
    buf_add_byte(dst, '"');
    for (size_t len; s.n; s = str_skip(s, len)) {
        uint32_t cp = utf8_decode(s, &len);
        if (!is_printable(cp) || cp == '\n' || cp == '"' || cp == '\\')
            write_escape(dst, cp);
        else
            buf_add(dst, s.p, len);
    }
    buf_add_byte(dst, '"');
}

static void write_single_quoted(struct buf *dst, struct str s)
{
    buf_add_byte(dst, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            buf_add_byte(dst, '\'');
        buf_add_byte(dst, s.p[i]);
    }
    buf_add_byte(dst, '\'');
}

/* indent is that of its lines. Ends with its last line, and with its line break only if it has one.
 */
static void write_literal(struct buf *dst, struct str s, int indent, struct looks k)
{
    buf_add_byte(dst, '|');
    if (k.leading_space)
        buf_add_byte(dst, '0' + YAML_INDENT);
    if (!k.trailing_break)
        buf_add_byte(dst, '-');
    else if (s.n == 1 || s.p[s.n - 2] == '\n')
        buf_add_byte(dst, '+');
    buf_add_byte(dst, '\n');
    while (s.n) {
        size_t end = str_find_byte(s, '\n', 0);
        if (end)
            pad(dst, indent);
        buf_add(dst, s.p, end);
        if (end < s.n)
            buf_add_byte(dst, '\n');
        s = str_skip(s, end + 1);
    }
}

/* Every invalid byte replaced, if there is any; the result may be in b. */
static struct str valid_text(struct str s, struct buf *b)
{
    if (utf8_valid(s))
        return s;
    for (size_t len; s.n; s = str_skip(s, len)) {
        char bytes[4];
        buf_add(b, bytes, utf8_encode(utf8_decode(s, &len), bytes));
    }
    return buf_str(b);
}

void write_yaml_string(struct buf *dst, struct str raw, int indent)
{
    BUF_LOCAL(b, dst->max);
    struct str s = valid_text(raw, &b);
    struct looks k = look(s);
    bool outer_space = k.leading_space || k.trailing_space;
    if (b.failed)
        dst->failed = true;
    else if (k.multiline && !k.special && !k.trailing_space)
        write_literal(dst, s, indent, k);
    else if (k.multiline || k.special || is_ambiguous(s))
        write_double_quoted(dst, s);
    else if (k.indicator || outer_space)
        write_single_quoted(dst, s);
    else
        buf_add_str(dst, s);
}

/* As Go's strconv.FormatFloat(f, 'g', -1, 64): with an exponent of at least two digits. */
static void write_exponent_form(struct buf *dst, const struct value_decimal *d)
{
    int exp = d->exp - 1;
    buf_add_byte(dst, d->digits[0]);
    if (d->n > 1) {
        buf_add_byte(dst, '.');
        buf_add(dst, d->digits + 1, (size_t)d->n - 1);
    }
    buf_addf(dst, "e%c%02d", exp < 0 ? '-' : '+', abs(exp));
}

/*
 * There a float comes by way of JSON. A whole number of at most 64 bits is written as JSON writes
 * it, filled up with zeros where the shortest decimal ends; false for every other.
 */
static bool write_whole(struct buf *dst, const struct value_decimal *d)
{
    uint64_t u = 0;
    if (d->exp < d->n || d->exp > 20)
        return false;
    for (int i = 0; i < d->exp; i++) {
        uint64_t digit = i < d->n ? (uint64_t)(d->digits[i] - '0') : 0;
        if (__builtin_mul_overflow(u, 10u, &u) || __builtin_add_overflow(u, digit, &u))
            return false;
    }
    if (d->negative && u > (uint64_t)INT64_MAX + 1)
        return false;
    buf_addf(dst, "%s%llu", d->negative && u ? "-" : "", (unsigned long long)u);
    return true;
}

void write_yaml_float(struct buf *dst, double f)
{
    struct value_decimal d;
    if (!isfinite(f)) {
        buf_add_str(dst, isnan(f) ? STR(".nan") : f > 0 ? STR(".inf") : STR("-.inf"));
        return;
    }
    value_shortest(f, &d);
    if (write_whole(dst, &d))
        return;
    int exp = d.exp - 1;
    if (exp >= -4 && exp < 6) {
        struct value v = value_float(f);
        value_to_json(dst, &v, 0);
        return;
    }
    if (d.negative)
        buf_add_byte(dst, '-');
    write_exponent_form(dst, &d);
}
