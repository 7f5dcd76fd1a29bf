#include "base/utf8.h"
#include "tmpl/chars.h"
#include "tmpl/float.h"
#include "tmpl/format.h"

static const char lower_digits[] = "0123456789abcdefx", upper_digits[] = "0123456789ABCDEFX";

static void padding(struct printer *p, int n)
{
    if (n <= 0)
        return;
    char *at = buf_reserve(p->out, (size_t)n);
    if (!at)
        return;
    memset(at, p->flags.zero ? '0' : ' ', (size_t)n);
    p->out->n += (size_t)n;
}

void verb_pad(struct printer *p, struct str s)
{
    if (!p->flags.has_width || p->flags.width == 0) {
        buf_add_str(p->out, s);
        return;
    }
    size_t count = utf8_count(s);
    int n = count < (size_t)p->flags.width ? p->flags.width - (int)count : 0;
    if (!p->flags.minus)
        padding(p, n);
    buf_add_str(p->out, s);
    if (p->flags.minus)
        padding(p, n);
}

/* What was put into the scratch buffer; if it did not fit, the output is incomplete too. */
static struct str scratch_text(struct printer *p)
{
    p->out->failed = p->out->failed || p->scratch->failed;
    p->out->overflow = p->out->overflow || p->scratch->overflow;
    return buf_str(p->scratch);
}

/* Numbers put their zeros between the sign and the digits by themselves. */
static void pad_with_spaces(struct printer *p, struct str s)
{
    bool zero = p->flags.zero;
    p->flags.zero = false;
    verb_pad(p, s);
    p->flags.zero = zero;
}

/* s cut to the precision, in characters. */
static struct str truncated(const struct printer *p, struct str s)
{
    if (!p->flags.has_precision)
        return s;
    struct str rest = s;
    for (int n = p->flags.precision; n > 0 && rest.n; n--) {
        size_t len;
        utf8_decode(rest, &len);
        rest = str_skip(rest, len);
    }
    return str_sub(s, 0, s.n - rest.n);
}

void verb_text(struct printer *p, struct str s)
{
    verb_pad(p, truncated(p, s));
}

bool verb_bool(struct printer *p, bool v, uint32_t verb)
{
    if (verb != 't' && verb != 'v')
        return false;
    verb_pad(p, v ? STR("true") : STR("false"));
    return true;
}

/* --- strings --------------------------------------------------------------------------------- */

static void append_hex(struct buf *dst, uint32_t v, int digits)
{
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
        buf_add_byte(dst, lower_digits[v >> shift & 15]);
}

static void quote_char(struct buf *dst, uint32_t c, char quote, bool ascii)
{
    static const char letters[] = "abfnrtv", meaning[] = "\a\b\f\n\r\t\v";
    char utf8[4];
    if (c == (unsigned char)quote || c == '\\') {
        buf_add_byte(dst, '\\');
        buf_add_byte(dst, (char)c);
        return;
    }
    if (chars_is_print(c) && (c < 0x80 || !ascii)) {
        buf_add(dst, utf8, utf8_encode(c, utf8));
        return;
    }
    const char *at = c && c < 0x80 ? strchr(meaning, (int)c) : NULL;
    buf_add_byte(dst, '\\');
    if (at) {
        buf_add_byte(dst, letters[at - meaning]);
    } else if (c < ' ' || c == 0x7F) {
        buf_add_byte(dst, 'x');
        append_hex(dst, c, 2);
    } else {
        buf_add_byte(dst, c < 0x10000 ? 'u' : 'U');
        append_hex(dst, c, c < 0x10000 ? 4 : 8);
    }
}

void print_quoted(struct buf *dst, struct str s, bool ascii)
{
    buf_add_byte(dst, '"');
    while (s.n) {
        size_t len;
        uint32_t c = utf8_decode(s, &len);
        if (c == UTF8_BAD && len == 1) {
            buf_add_lit(dst, "\\x");
            append_hex(dst, (unsigned char)s.p[0], 2);
        } else {
            quote_char(dst, c, '"', ascii);
        }
        s = str_skip(s, len);
    }
    buf_add_byte(dst, '"');
}

/* May s stand between backquotes as it is? */
static bool can_backquote(struct str s)
{
    while (s.n) {
        size_t len;
        uint32_t c = utf8_decode(s, &len);
        s = str_skip(s, len);
        if (len > 1 ? c == 0xFEFF
                    : c == UTF8_BAD || (c < ' ' && c != '\t') || c == '`' || c == 0x7F)
            return false;
    }
    return true;
}

static void verb_quoted(struct printer *p, struct str s)
{
    s = truncated(p, s);
    buf_clear(p->scratch);
    if (p->flags.sharp && can_backquote(s)) {
        buf_add_byte(p->scratch, '`');
        buf_add_str(p->scratch, s);
        buf_add_byte(p->scratch, '`');
    } else {
        print_quoted(p->scratch, s, p->flags.plus);
    }
    verb_pad(p, scratch_text(p));
}

/* The bytes in hexadecimal; with "% x" spaces between them, with "%#x" a 0x before. */
static void verb_hex_string(struct printer *p, struct str s, const char *digits)
{
    const struct verb_flags *f = &p->flags;
    if (f->has_precision && (size_t)f->precision < s.n)
        s.n = (size_t)f->precision;
    if (s.n == 0) {
        if (f->has_width)
            padding(p, f->width);
        return;
    }
    size_t width = 2 * s.n;
    if (f->space)
        width = width * (f->sharp ? 2 : 1) + s.n - 1;
    else if (f->sharp)
        width += 2;
    int pad = f->has_width && (size_t)f->width > width ? f->width - (int)width : 0;
    if (!f->minus)
        padding(p, pad);
    for (size_t i = 0; i < s.n; i++) {
        if (f->space && i)
            buf_add_byte(p->out, ' ');
        if (f->sharp && (f->space || i == 0)) {
            buf_add_byte(p->out, '0');
            buf_add_byte(p->out, digits[16]);
        }
        buf_add_byte(p->out, digits[(unsigned char)s.p[i] >> 4]);
        buf_add_byte(p->out, digits[(unsigned char)s.p[i] & 15]);
    }
    if (f->minus)
        padding(p, pad);
}

bool verb_string(struct printer *p, struct str s, uint32_t verb)
{
    switch (verb) {
    case 'v':
        if (p->flags.sharp_v)
            verb_quoted(p, s);
        else
            verb_text(p, s);
        return true;
    case 's': verb_text(p, s); return true;
    case 'q': verb_quoted(p, s); return true;
    case 'x': verb_hex_string(p, s, lower_digits); return true;
    case 'X': verb_hex_string(p, s, upper_digits); return true;
    default: return false;
    }
}

/* --- integers -------------------------------------------------------------------------------- */

/* Digits of u in base into the end of dst; returns where they begin. */
static char *digits_of(uint64_t u, unsigned base, const char *digits, char *end)
{
    do {
        *--end = digits[u % base];
        u /= base;
    } while (u);
    return end;
}

static void verb_based(struct printer *p, uint64_t u, bool negative, unsigned base, uint32_t verb)
{
    const struct verb_flags *f = &p->flags;
    const char *digits = verb == 'X' ? upper_digits : lower_digits;
    int precision = 0;
    if (f->has_precision) {
        precision = f->precision;
        if (precision == 0 && u == 0) { /* nothing but the padding */
            bool zero = p->flags.zero;
            p->flags.zero = false;
            padding(p, f->has_width ? f->width : 0);
            p->flags.zero = zero;
            return;
        }
    } else if (f->zero && f->has_width) {
        precision = f->width - (negative || f->plus || f->space);
    }
    char text[64], *end = text + sizeof text, *at = digits_of(u, base, digits, end);
    struct buf *s = p->scratch;
    buf_clear(s);
    if (negative || f->plus || f->space)
        buf_add_byte(s, negative ? '-' : f->plus ? '+' : ' ');
    if (verb == 'O')
        buf_add_lit(s, "0o");
    bool zeros = precision > (int)(end - at);
    if (f->sharp && base == 2)
        buf_add_lit(s, "0b");
    if (f->sharp && base == 8 && !zeros && *at != '0')
        buf_add_byte(s, '0');
    if (f->sharp && base == 16) {
        buf_add_byte(s, '0');
        buf_add_byte(s, digits[16]);
    }
    for (int i = (int)(end - at); i < precision; i++)
        buf_add_byte(s, '0');
    buf_add(s, at, (size_t)(end - at));
    pad_with_spaces(p, scratch_text(p));
}

/* U+0078, and with "%#U" the character after it. */
static void verb_unicode(struct printer *p, uint64_t u)
{
    const struct verb_flags *f = &p->flags;
    char text[64], *end = text + sizeof text, *at = digits_of(u, 16, upper_digits, end);
    int precision = f->has_precision && f->precision > 4 ? f->precision : 4;
    struct buf *s = p->scratch;
    buf_clear(s);
    buf_add_lit(s, "U+");
    for (int i = (int)(end - at); i < precision; i++)
        buf_add_byte(s, '0');
    buf_add(s, at, (size_t)(end - at));
    if (f->sharp && u <= 0x10FFFF && chars_is_print((uint32_t)u)) {
        char utf8[4];
        buf_add_lit(s, " '");
        buf_add(s, utf8, utf8_encode((uint32_t)u, utf8));
        buf_add_byte(s, '\'');
    }
    pad_with_spaces(p, scratch_text(p));
}

static void verb_char(struct printer *p, uint64_t u, bool quoted)
{
    char utf8[4];
    size_t n = utf8_encode(u > 0x10FFFF ? UTF8_BAD : (uint32_t)u, utf8);
    if (!quoted) {
        verb_pad(p, str_of(utf8, n));
        return;
    }
    size_t len;
    uint32_t c = utf8_decode(str_of(utf8, n), &len);
    buf_clear(p->scratch);
    buf_add_byte(p->scratch, '\'');
    quote_char(p->scratch, c, '\'', p->flags.plus);
    buf_add_byte(p->scratch, '\'');
    verb_pad(p, scratch_text(p));
}

bool verb_integer(struct printer *p, int64_t v, bool is_signed, uint32_t verb)
{
    bool negative = is_signed && v < 0;
    uint64_t u = negative ? 0 - (uint64_t)v : (uint64_t)v;
    bool sharp = p->flags.sharp;
    switch (verb) {
    case 'v':
        p->flags.sharp = sharp || (p->flags.sharp_v && !is_signed);
        verb_based(p, u, negative, p->flags.sharp_v && !is_signed ? 16 : 10, verb);
        p->flags.sharp = sharp;
        return true;
    case 'd': verb_based(p, u, negative, 10, verb); return true;
    case 'b': verb_based(p, u, negative, 2, verb); return true;
    case 'o':
    case 'O': verb_based(p, u, negative, 8, verb); return true;
    case 'x':
    case 'X': verb_based(p, u, negative, 16, verb); return true;
    case 'c': verb_char(p, (uint64_t)v, false); return true;
    case 'q': verb_char(p, (uint64_t)v, true); return true;
    case 'U': verb_unicode(p, (uint64_t)v); return true;
    default: return false;
    }
}

/* --- floats ---------------------------------------------------------------------------------- */

/*
 * "%#g" and the like: a decimal point always, and for %g the zeros that it would drop. text is the
 * number without its sign.
 */
static void restore_zeros(struct buf *text, size_t from, char verb, int precision)
{
    char tail[8];
    size_t ntail = 0;
    int digits = 0;
    bool point = false, nonzero = false;
    if (verb == 'g' || verb == 'G' || verb == 'x')
        digits = precision == -1 ? 6 : precision;
    for (size_t i = from; i < text->n; i++) {
        char c = text->p[i];
        bool hex = verb == 'x' || verb == 'X';
        if (c == '.') {
            point = true;
        } else if (c == 'p' || c == 'P' || ((c == 'e' || c == 'E') && !hex)) {
            ntail = text->n - i;
            memcpy(tail, text->p + i, ntail);
            text->n = i;
        } else {
            nonzero = nonzero || c != '0';
            digits -= nonzero;
        }
    }
    if (!point) {
        if (text->n - from == 1 && text->p[from] == '0')
            digits--;
        buf_add_byte(text, '.');
    }
    for (; digits > 0; digits--)
        buf_add_byte(text, '0');
    buf_add(text, tail, ntail);
}

static void verb_float_as(struct printer *p, double v, char verb, int precision)
{
    const struct verb_flags *f = &p->flags;
    struct buf *s = p->scratch;
    if (f->has_precision)
        precision = f->precision;
    buf_clear(s);
    buf_add_byte(s, '+');
    float_append(s, v, verb, precision);
    struct str text = scratch_text(p);
    if (s->failed)
        return;
    if (text.p[1] == '-' || text.p[1] == '+')
        text = str_skip(text, 1);
    size_t sign = (size_t)(text.p - s->p);
    if (f->space && s->p[sign] == '+' && !f->plus)
        s->p[sign] = ' ';
    if (text.p[1] == 'I' || text.p[1] == 'N') {
        if (text.p[1] == 'N' && !f->space && !f->plus)
            text = str_skip(text, 1);
        pad_with_spaces(p, text);
        return;
    }
    if (f->sharp && verb != 'b')
        restore_zeros(s, sign + 1, verb, precision);
    text = str_skip(scratch_text(p), sign);
    if (!f->plus && text.p[0] == '+') {
        verb_pad(p, str_skip(text, 1));
    } else if (f->zero && f->has_width && (size_t)f->width > text.n) {
        buf_add_byte(p->out, text.p[0]);
        padding(p, f->width - (int)text.n);
        buf_add_str(p->out, str_skip(text, 1));
    } else {
        verb_pad(p, text);
    }
}

bool verb_float(struct printer *p, double v, uint32_t verb)
{
    switch (verb) {
    case 'v': verb_float_as(p, v, 'g', -1); return true;
    case 'b':
    case 'g':
    case 'G':
    case 'x':
    case 'X': verb_float_as(p, v, (char)verb, -1); return true;
    case 'e':
    case 'E':
    case 'f': verb_float_as(p, v, (char)verb, 6); return true;
    case 'F': verb_float_as(p, v, 'f', 6); return true;
    default: return false;
    }
}

bool verb_complex(struct printer *p, double re, double im, uint32_t verb)
{
    if (verb > 0x7F || !strchr("vbgGxXfFeE", (int)verb) || !verb)
        return false;
    bool plus = p->flags.plus;
    buf_add_byte(p->out, '(');
    verb_float(p, re, verb);
    p->flags.plus = true;
    verb_float(p, im, verb);
    buf_add_lit(p->out, "i)");
    p->flags.plus = plus;
    return true;
}
