/*
 * data:[TYPE/SUBTYPE][;NAME=VALUE]...[;base64],DATA
 *
 * A scanner that goes through the text once; each step leaves `at` behind what it took.
 */
#include "base/enc.h"
#include "ignition/url.h"

struct scanner {
    struct str s;
    size_t at;
};

static bool is_token_char(char c)
{
    return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static void skip_token(struct scanner *x)
{
    while (x->at < x->s.n && is_token_char(x->s.p[x->at]))
        x->at++;
}

static bool next_is(const struct scanner *x, char c)
{
    return x->at < x->s.n && x->s.p[x->at] == c;
}

static bool escapes_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '%' &&
            (i + 2 >= s.n || enc_hex_digit(s.p[i + 1]) < 0 || enc_hex_digit(s.p[i + 2]) < 0))
            return false;
    return true;
}

static bool type_known(struct str type)
{
    static const char *const families[] = {"text",        "image",   "audio",    "video",
                                           "application", "message", "multipart"};
    if (type.n >= 2 && (type.p[0] == 'x' || type.p[0] == 'X') && type.p[1] == '-')
        return true;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (str_starts(type, str_c(families[i])))
            return true;
    return false;
}

static const char *scan_type(struct scanner *x)
{
    size_t start = x->at;
    if (next_is(x, ';') || next_is(x, ','))
        return NULL;
    skip_token(x);
    struct str type = str_sub(x->s, start, x->at);
    if (type.n == 0 || !next_is(x, '/'))
        return "the data URL has no comma before its data, or a bad media type";
    if (!type_known(type))
        return "the data URL has an unknown media type";
    x->at++;
    skip_token(x);
    return NULL;
}

/* The hex digits of \x41, \u0041 and \U00000041, or the octal ones of \101. */
static bool skip_numeric_escape(struct scanner *x, char kind)
{
    int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 3;
    uint32_t v = 0, base = digits == 3 ? 8 : 16;
    for (int i = 0; i < digits; i++, x->at++) {
        int d = x->at < x->s.n ? enc_hex_digit(x->s.p[x->at]) : -1;
        if (d < 0 || (uint32_t)d >= base)
            return false;
        v = v * base + (uint32_t)d;
    }
    if (base == 8)
        return v <= 0xFF;
    return digits == 2 || (v <= 0x10FFFF && !(v >= 0xD800 && v <= 0xDFFF));
}

/* A string literal of Go, at its opening quote. */
static bool skip_quoted(struct scanner *x)
{
    for (x->at++; x->at < x->s.n && !next_is(x, '"');) {
        unsigned char c = (unsigned char)x->s.p[x->at++];
        if (c >= 0x80 || c == '\n')
            return false;
        if (c != '\\')
            continue;
        char kind = x->at < x->s.n ? x->s.p[x->at] : '\0';
        if (kind == '\0')
            return false;
        if (strchr("abfnrtv\\\"", kind)) {
            x->at++;
            continue;
        }
        if (strchr("xuU", kind))
            x->at++;
        else if (kind < '0' || kind > '7')
            return false;
        if (!skip_numeric_escape(x, kind))
            return false;
    }
    return x->at++ < x->s.n;
}

/* At a ';'. Sets *base64 if that was the parameter. */
static const char *scan_parameter(struct scanner *x, bool *base64)
{
    static const char bad[] = "the data URL has a bad parameter";
    size_t start = ++x->at;
    skip_token(x);
    struct str name = str_sub(x->s, start, x->at);
    if (name.n == 0)
        return bad;
    if (next_is(x, ',')) {
        *base64 = true;
        return str_is(name, "base64") ? NULL : bad;
    }
    if (!next_is(x, '='))
        return bad;
    x->at++;
    if (next_is(x, '"'))
        return skip_quoted(x) ? NULL : bad;
    start = x->at;
    skip_token(x);
    struct str value = str_sub(x->s, start, x->at);
    return value.n > 0 && escapes_valid(value) ? NULL : bad;
}

/* As Go's base64.StdEncoding, which lets the last character have stray bits. */
static bool base64_valid(struct str s)
{
    if (s.n % 4 != 0)
        return false;
    size_t n = s.n;
    for (int padding = 0; padding < 2 && n > 0 && s.p[n - 1] == '='; padding++)
        n--;
    for (size_t i = 0; i < n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '+' && c != '/')
            return false;
    }
    return true;
}

static bool data_chars_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("<>#\"{}|\\^[]`", s.p[i]))
            return false;
    return escapes_valid(s);
}

const char *url_check_data(struct str s)
{
    if (!str_starts(s, STR("data:")))
        return "a data URL must begin with data: in lower case";
    struct scanner x = {s, 5};
    bool base64 = false;
    const char *wrong = scan_type(&x);
    while (!wrong && !base64 && next_is(&x, ';'))
        wrong = scan_parameter(&x, &base64);
    if (wrong)
        return wrong;
    if (!next_is(&x, ','))
        return "the data URL has no comma before its data";
    struct str data = str_skip(s, x.at + 1);
    if (base64)
        return base64_valid(data) ? NULL : "the data URL's base64 cannot be decoded";
    return data_chars_valid(data)
               ? NULL
               : "the data URL's data has a character that must be written as %XX";
}
