/* Text: after Sprig, which has most of it from Go's package strings. */
#include "base/utf8.h"
#include "tmpl/chars.h"
#include "tmpl/format.h"
#include "tmpl/func.h"
#include "tmpl/mark.h"

/* --- quoting --------------------------------------------------------------------------------- */

static void add_single_quoted(struct buf *dst, struct str s)
{
    buf_add_byte(dst, '\'');
    buf_add_str(dst, s);
    buf_add_byte(dst, '\'');
}

static void add_double_quoted(struct buf *dst, struct str s)
{
    print_quoted(dst, s, false);
}

/* Each argument that is not nil, with spaces between them. */
static err_code quoted(struct call *c, void (*add)(struct buf *, struct str), struct value *ret)
{
    bool marked = false, first = true;
    for (uint32_t i = 0; i < c->n; i++) {
        struct value text;
        if (c->args[i].kind == VALUE_NIL)
            continue;
        err_code code = func_arg_text(c, i, &text);
        if (code)
            return code;
        if (!first)
            buf_add_byte(c->text, ' ');
        first = false;
        add(c->text, value_as_str(text));
        marked = marked || text.marked;
    }
    return func_text(c, marked, ret);
}

err_code func_quote(struct call *c, struct value *ret)
{
    return quoted(c, add_double_quoted, ret);
}

err_code func_squote(struct call *c, struct value *ret)
{
    return quoted(c, add_single_quoted, ret);
}

err_code func_to_string(struct call *c, struct value *ret)
{
    return func_arg_text(c, 0, ret);
}

/* --- indenting ------------------------------------------------------------------------------- */

static void add_spaces(struct buf *dst, int64_t n)
{
    static const char spaces[] = "                                ";
    for (; n > 0 && !dst->failed; n -= (int64_t)sizeof spaces - 1)
        buf_add(dst, spaces, n < (int64_t)sizeof spaces - 1 ? (size_t)n : sizeof spaces - 1);
}

/* What is added is the template's, so the text may stand where it could before: see mark.h. */
static err_code indented(struct call *c, struct value *ret)
{
    int64_t n;
    struct str s, rest;
    err_code code = func_arg_int(c, 0, &n);
    if (!code)
        code = func_arg_str(c, 1, &s);
    if (code)
        return code;
    if (n < 0)
        return err_set(c->e, ERR_RENDER, "the number of spaces is negative");
    bool more = true;
    while (more && !c->text->failed) {
        add_spaces(c->text, n);
        buf_add_str(c->text, str_cut(s, '\n', &rest));
        more = rest.p != NULL;
        if (more)
            buf_add_byte(c->text, '\n');
        s = rest;
    }
    code = func_text(c, c->args[1].marked, ret);
    if (!code)
        ret->clean = mark_contexts(&c->args[1]);
    return code;
}

err_code func_indent(struct call *c, struct value *ret)
{
    return indented(c, ret);
}

err_code func_nindent(struct call *c, struct value *ret)
{
    buf_add_byte(c->text, '\n');
    return indented(c, ret);
}

/* --- trimming -------------------------------------------------------------------------------- */

/* The result of something that takes a part of a text and shares its bytes. */
static void part(struct call *c, struct str s, struct value *ret)
{
    *ret = value_str(s.n ? s : STR(""));
    ret->marked = func_marked(c);
}

/* The first and the last argument, both strings. */
static err_code two_strings(struct call *c, struct str *a, struct str *b)
{
    err_code code = func_arg_str(c, 0, a);
    return code ? code : func_arg_str(c, 1, b);
}

/* The bytes of the last character of s, which may be one that is no UTF-8. */
static size_t last_char(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++) {
        size_t len;
        struct str tail = str_skip(s, s.n - n);
        uint32_t cp = utf8_decode(tail, &len);
        if (len == n && (cp != UTF8_BAD || n > 1))
            return n;
    }
    return 1;
}

/* Is the character at the start of s, which has len bytes, one to trim? */
typedef bool trims(struct str s, size_t len, struct str set);

static bool is_white(struct str s, size_t len, struct str set)
{
    (void)set;
    return chars_blank(str_sub(s, 0, len));
}

static bool is_in_set(struct str s, size_t len, struct str set)
{
    size_t had;
    uint32_t cp = utf8_decode(s, &had);
    (void)len;
    while (set.n) {
        size_t n;
        if (utf8_decode(set, &n) == cp)
            return true;
        set = str_skip(set, n);
    }
    return false;
}

static struct str trimmed(struct str s, trims *what, struct str set)
{
    size_t len;
    while (s.n && (utf8_decode(s, &len), what(s, len, set)))
        s = str_skip(s, len);
    while (s.n && (len = last_char(s), what(str_skip(s, s.n - len), len, set)))
        s.n -= len;
    return s;
}

err_code func_trim(struct call *c, struct value *ret)
{
    struct str s;
    err_code code = func_arg_str(c, 0, &s);
    if (!code)
        part(c, trimmed(s, is_white, STR("")), ret);
    return code;
}

err_code func_trim_all(struct call *c, struct value *ret)
{
    struct str set, s;
    err_code code = two_strings(c, &set, &s);
    if (code)
        return code;
    uint64_t work; /* each character is looked for in the whole set */
    if (__builtin_mul_overflow(s.n, set.n, &work))
        work = UINT64_MAX;
    code = func_charge_all(c, work / 4);
    if (!code)
        part(c, trimmed(s, is_in_set, set), ret);
    return code;
}

err_code func_trim_prefix(struct call *c, struct value *ret)
{
    struct str prefix, s;
    err_code code = two_strings(c, &prefix, &s);
    if (!code)
        part(c, str_starts(s, prefix) ? str_skip(s, prefix.n) : s, ret);
    return code;
}

err_code func_trim_suffix(struct call *c, struct value *ret)
{
    struct str suffix, s;
    err_code code = two_strings(c, &suffix, &s);
    if (!code)
        part(c, str_ends(s, suffix) ? str_sub(s, 0, s.n - suffix.n) : s, ret);
    return code;
}

/* --- case ------------------------------------------------------------------------------------ */

/* Go's strings.Title begins a word after everything but letters, digits and underscores. */
static bool begins_word(uint32_t before)
{
    return !chars_is_name(before) && (before < 0x80 || chars_is_space(before));
}

enum letter_case { CASE_UPPER, CASE_LOWER, CASE_TITLE };

static err_code in_case(struct call *c, enum letter_case to, struct value *ret)
{
    struct str s;
    uint32_t before = ' ';
    err_code code = func_arg_str(c, 0, &s);
    if (code)
        return code;
    while (s.n) {
        size_t len;
        char bytes[4];
        uint32_t cp = utf8_decode(s, &len);
        bool up = to == CASE_UPPER || (to == CASE_TITLE && begins_word(before));
        before = cp;
        if (up)
            cp = utf8_upper(cp);
        else if (to == CASE_LOWER)
            cp = utf8_lower(cp);
        buf_add(c->text, bytes, utf8_encode(cp, bytes));
        s = str_skip(s, len);
    }
    return func_text(c, func_marked(c), ret);
}

err_code func_upper(struct call *c, struct value *ret)
{
    return in_case(c, CASE_UPPER, ret);
}

err_code func_lower(struct call *c, struct value *ret)
{
    return in_case(c, CASE_LOWER, ret);
}

err_code func_title(struct call *c, struct value *ret)
{
    return in_case(c, CASE_TITLE, ret);
}

/* --- parts ----------------------------------------------------------------------------------- */

/* An empty old stands before every character and at the end, as in Go. */
static void replace_between(struct buf *dst, struct str s, struct str new)
{
    buf_add_str(dst, new);
    while (s.n && !dst->failed) {
        size_t len;
        utf8_decode(s, &len);
        buf_add(dst, s.p, len);
        buf_add_str(dst, new);
        s = str_skip(s, len);
    }
}

err_code func_replace(struct call *c, struct value *ret)
{
    struct str old, new, s;
    err_code code = two_strings(c, &old, &new);
    if (!code)
        code = func_arg_str(c, 2, &s);
    if (code)
        return code;
    if (old.n == 0) {
        replace_between(c->text, s, new);
        return func_text(c, func_marked(c), ret);
    }
    while (!c->text->failed) {
        size_t at = str_find(s, old, 0);
        buf_add_str(c->text, str_sub(s, 0, at));
        if (at == s.n)
            break;
        buf_add_str(c->text, new);
        s = str_skip(s, at + old.n);
    }
    return func_text(c, func_marked(c), ret);
}

err_code func_contains(struct call *c, struct value *ret)
{
    struct str needle, s;
    err_code code = two_strings(c, &needle, &s);
    if (!code)
        *ret = value_bool(needle.n == 0 || str_find(s, needle, 0) < s.n);
    return code;
}

err_code func_has_prefix(struct call *c, struct value *ret)
{
    struct str prefix, s;
    err_code code = two_strings(c, &prefix, &s);
    if (!code)
        *ret = value_bool(str_starts(s, prefix));
    return code;
}

err_code func_has_suffix(struct call *c, struct value *ret)
{
    struct str suffix, s;
    err_code code = two_strings(c, &suffix, &s);
    if (!code)
        *ret = value_bool(str_ends(s, suffix));
    return code;
}
