#include "value/yaml_scalar.h"

#include <math.h>
#include <stdlib.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* --- words */

struct word {
    const char *text;
    enum yaml_kind kind;
    double f; /* of a float; of a boolean 0 or 1 */
};

static const struct word words[] = {
    {"", YAML_NULL, 0},
    {"~", YAML_NULL, 0},
    {"null", YAML_NULL, 0},
    {"Null", YAML_NULL, 0},
    {"NULL", YAML_NULL, 0},
    {"true", YAML_BOOL, 1},
    {"True", YAML_BOOL, 1},
    {"TRUE", YAML_BOOL, 1},
    {"false", YAML_BOOL, 0},
    {"False", YAML_BOOL, 0},
    {"FALSE", YAML_BOOL, 0},
    {".nan", YAML_FLOAT, NAN},
    {".NaN", YAML_FLOAT, NAN},
    {".NAN", YAML_FLOAT, NAN},
    {".inf", YAML_FLOAT, HUGE_VAL},
    {".Inf", YAML_FLOAT, HUGE_VAL},
    {".INF", YAML_FLOAT, HUGE_VAL},
    {"+.inf", YAML_FLOAT, HUGE_VAL},
    {"+.Inf", YAML_FLOAT, HUGE_VAL},
    {"+.INF", YAML_FLOAT, HUGE_VAL},
    {"-.inf", YAML_FLOAT, -HUGE_VAL},
    {"-.Inf", YAML_FLOAT, -HUGE_VAL},
    {"-.INF", YAML_FLOAT, -HUGE_VAL},
};

static const struct word *find_word(struct str text)
{
    for (size_t i = 0; i < sizeof words / sizeof *words && text.n <= 5; i++)
        if (str_is(text, words[i].text))
            return &words[i];
    return NULL;
}

bool scalar_is_bool11(struct str text, bool *ret)
{
    static const char *const yes[] = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"};
    static const char *const no[] = {"n", "N", "no", "No", "NO", "off", "Off", "OFF"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        bool is_yes = str_is(text, yes[i]);
        if (is_yes || str_is(text, no[i])) {
            *ret = is_yes;
            return true;
        }
    }
    return false;
}

/* --- numbers; the text is ended by a NUL and has no underscores any more */

static int base_of(const char **s)
{
    const char *p = *s;
    if (*p != '0' || !p[1])
        return 10;
    char c = (char)(p[1] | 0x20);
    int base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
    *s += base ? 2 : 1;
    return base ? base : 8;
}

static int digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static bool resolve_int(const char *s, struct yaml_node *x)
{
    bool negative = *s == '-', signed_ = negative || *s == '+';
    s += signed_;
    int base = base_of(&s);
    uint64_t u = 0;
    if (!*s)
        return false;
    for (; *s; s++) {
        int d = digit_value(*s);
        if (d >= base || __builtin_mul_overflow(u, (uint64_t)base, &u) ||
            __builtin_add_overflow(u, (uint64_t)d, &u))
            return false;
    }
    if (u > (uint64_t)INT64_MAX + negative) {
        if (signed_)
            return false;
        x->kind = YAML_UINT;
        x->u = u;
        return true;
    }
    x->kind = YAML_INT;
    x->i = negative ? (int64_t)(0 - u) : (int64_t)u;
    return true;
}

static const char *skip_digits(const char *s)
{
    while (is_digit(*s))
        s++;
    return s;
}

/* [-+]? ( .digits | digits [. digits?] ) ( [eE] [-+]? digits )? */
static bool float_syntax(const char *s)
{
    s += *s == '-' || *s == '+';
    const char *p = skip_digits(s);
    if (*p == '.') {
        const char *q = skip_digits(p + 1);
        if (p == s && q == p + 1)
            return false;
        p = q;
    } else if (p == s) {
        return false;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        const char *q = skip_digits(p);
        if (q == p)
            return false;
        p = q;
    }
    return !*p;
}

static bool resolve_float(const char *s, struct yaml_node *x)
{
    if (!float_syntax(s))
        return false;
    double f = strtod(s, NULL);
    if (!isfinite(f))
        return false;
    x->kind = YAML_FLOAT;
    x->f = f;
    return true;
}

/* Anywhere in a number, but in one that begins with its point only between two digits. */
static bool underscore_fits(struct str text, size_t i)
{
    return text.p[0] != '.' ||
           (i + 1 < text.n && is_digit(text.p[i - 1]) && is_digit(text.p[i + 1]));
}

static bool resolve_number(struct str text, struct yaml_node *x)
{
    char plain[SCALAR_NUMBER_MAX + 1];
    size_t n = 0;
    if (text.n > SCALAR_NUMBER_MAX || memchr(text.p, '\0', text.n))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '_')
            plain[n++] = text.p[i];
        else if (!underscore_fits(text, i))
            return false;
    }
    plain[n] = '\0';
    return (text.p[0] != '.' && resolve_int(plain, x)) || resolve_float(plain, x);
}

/* --- timestamps, as Go's time.Parse takes them in the four layouts of yaml.v3 */

/* A number of min to max digits, at most limit. */
static bool take(struct str *s, size_t min, size_t max, int limit, int *ret)
{
    int v = 0;
    size_t n = 0;
    for (; n < max && n < s->n && is_digit(s->p[n]); n++)
        v = v * 10 + (s->p[n] - '0');
    if (n < min || v > limit)
        return false;
    *s = str_skip(*s, n);
    *ret = v;
    return true;
}

static bool take_byte(struct str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static bool take_date(struct str *s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, m, d;
    if (!take(s, 4, 4, 9999, &y) || !take_byte(s, '-') || !take(s, 1, 2, 12, &m) || m == 0 ||
        !take_byte(s, '-') || !take(s, 1, 2, 31, &d) || d == 0)
        return false;
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    return d <= days[m - 1] + (m == 2 && leap);
}

static bool take_time(struct str *s)
{
    int v;
    if (!take(s, 1, 2, 23, &v) || !take_byte(s, ':') || !take(s, 1, 2, 59, &v) ||
        !take_byte(s, ':') || !take(s, 1, 2, 59, &v))
        return false;
    if (s->n >= 2 && (s->p[0] == '.' || s->p[0] == ',') && is_digit(s->p[1])) {
        *s = str_skip(*s, 1);
        for (int i = 0; i < 9 && s->n && is_digit(s->p[0]); i++)
            *s = str_skip(*s, 1);
    }
    return true;
}

static bool take_zone(struct str *s)
{
    int v;
    if (take_byte(s, 'Z'))
        return true;
    return (take_byte(s, '+') || take_byte(s, '-')) && take(s, 2, 2, 24, &v) && take_byte(s, ':') &&
           take(s, 2, 2, 60, &v);
}

static bool is_timestamp(struct str s)
{
    if (!take_date(&s))
        return false;
    if (s.n == 0)
        return true;
    if (take_byte(&s, 'T') || take_byte(&s, 't'))
        return take_time(&s) && take_zone(&s) && s.n == 0;
    if (!take_byte(&s, ' '))
        return false;
    while (take_byte(&s, ' '))
        continue;
    return take_time(&s) && s.n == 0;
}

/* --- all together */

static struct str tag_of(enum yaml_kind kind)
{
    switch (kind) {
    case YAML_NULL: return STR("!!null");
    case YAML_BOOL: return STR("!!bool");
    case YAML_INT:
    case YAML_UINT: return STR("!!int");
    case YAML_FLOAT: return STR("!!float");
    default: return STR("!!str");
    }
}

static void set_word(const struct word *w, struct yaml_node *x)
{
    x->kind = (uint8_t)w->kind;
    if (w->kind == YAML_BOOL)
        x->b = w->f != 0;
    if (w->kind == YAML_FLOAT)
        x->f = w->f;
}

void scalar_resolve(struct str text, struct yaml_node *x)
{
    const struct word *w = find_word(text);
    char c = text.n ? text.p[0] : '\0';
    x->kind = YAML_STRING;
    if (w) {
        set_word(w, x);
    } else if (str_is(text, "<<")) {
        x->tag = STR("!!merge");
        return;
    } else if (is_digit(c) || c == '+' || c == '-' || c == '.') {
        if (is_timestamp(text)) {
            x->tag = STR("!!timestamp");
            return;
        }
        resolve_number(text, x);
    }
    x->tag = tag_of((enum yaml_kind)x->kind);
}
