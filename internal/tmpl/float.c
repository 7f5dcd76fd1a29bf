#include "tmpl/float.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "value/value.h"

#define FRACTION_BITS 52
#define EXPONENT_BIAS 1023

/* d.ddde±dd: the exponent has a sign and at least two digits. */
static void append_exponent(struct buf *dst, char letter, int exp)
{
    buf_addf(dst, "%c%c%02d", letter, exp < 0 ? '-' : '+', abs(exp));
}

/*
 * The shortest digits that read back. The exponent form is for exponents below -4 and from the
 * precision on, which Go takes as 6 when there is none: 100000 but 1e+06.
 */
static void append_shortest(struct buf *dst, double f, char letter)
{
    struct value_decimal d;
    value_shortest(f, &d);
    int exp = f == 0 ? 0 : d.exp - 1;
    if (d.negative)
        buf_add_byte(dst, '-');
    if (exp < -4 || exp >= 6) {
        buf_add_byte(dst, d.digits[0]);
        if (d.n > 1) {
            buf_add_byte(dst, '.');
            buf_add(dst, d.digits + 1, (size_t)d.n - 1);
        }
        append_exponent(dst, letter, exp);
        return;
    }
    if (exp < 0) {
        buf_add_lit(dst, "0.");
        for (int i = exp + 1; i < 0; i++)
            buf_add_byte(dst, '0');
        buf_add(dst, d.digits, (size_t)d.n);
        return;
    }
    for (int i = 0; i <= exp || i < d.n; i++) {
        if (i == exp + 1)
            buf_add_byte(dst, '.');
        buf_add_byte(dst, i < d.n ? d.digits[i] : '0');
    }
}

/* Splits a finite f into a 53-bit mantissa and the exponent of its lowest bit. */
static uint64_t split(double f, int *exp)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    int biased = (int)(bits >> FRACTION_BITS & 0x7FF);
    uint64_t mantissa = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    if (biased == 0)
        biased = 1;
    else
        mantissa |= (uint64_t)1 << FRACTION_BITS;
    *exp = biased - EXPONENT_BIAS - FRACTION_BITS;
    return mantissa;
}

/* The mantissa in decimal and the exponent of two: 6755399441055744p-51. */
static void append_binary(struct buf *dst, double f)
{
    int exp;
    uint64_t mantissa = split(f, &exp);
    buf_addf(dst, "%s%llup%+d", signbit(f) ? "-" : "", (unsigned long long)mantissa, exp);
}

/* 0x1.8p+01, rounded to even; the leading digit is 1 for everything but zero. */
static void append_hex(struct buf *dst, double f, char letter, int precision)
{
    const char *digits = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    const uint64_t one = (uint64_t)1 << 60;
    int exp;
    uint64_t m = split(f, &exp);
    exp = m ? exp + FRACTION_BITS : 0;
    m <<= 60 - FRACTION_BITS;
    for (; m && !(m & one); exp--)
        m <<= 1;
    if (precision >= 0 && precision < 15) {
        int drop = 60 - precision * 4;
        uint64_t extra = m & (((uint64_t)1 << drop) - 1), half = (uint64_t)1 << (drop - 1);
        m >>= drop;
        if (extra > half || (extra == half && (m & 1)))
            m++;
        m <<= drop;
        if (m & one << 1) {
            m >>= 1;
            exp++;
        }
    }
    buf_addf(dst, "%s0%c%c", signbit(f) ? "-" : "", letter, (m & one) ? '1' : '0');
    m = (m & (one - 1)) << 4;
    if (precision > 0 || (precision < 0 && m))
        buf_add_byte(dst, '.');
    for (int i = 0; precision < 0 ? m != 0 : i < precision; i++) {
        buf_add_byte(dst, digits[m >> 60 & 15]);
        m <<= 4;
    }
    append_exponent(dst, letter == 'X' ? 'P' : 'p', exp);
}

/* e, f and g with a precision are C's, which glibc rounds exactly as Go does. As snprintf. */
static int c_text(char *dst, size_t size, double f, char verb, int precision)
{
    switch (verb) {
    case 'e': return snprintf(dst, size, "%.*e", precision, f);
    case 'E': return snprintf(dst, size, "%.*E", precision, f);
    case 'f': return snprintf(dst, size, "%.*f", precision, f);
    case 'g': return snprintf(dst, size, "%.*g", precision, f);
    default: return snprintf(dst, size, "%.*G", precision, f);
    }
}

static void append_c(struct buf *dst, double f, char verb, int precision)
{
    char small[64];
    int n = c_text(small, sizeof small, f, verb, precision);
    if (n < 0)
        return;
    if ((size_t)n < sizeof small) {
        buf_add(dst, small, (size_t)n);
        return;
    }
    char *p = buf_reserve(dst, (size_t)n + 1);
    if (!p)
        return;
    c_text(p, (size_t)n + 1, f, verb, precision);
    dst->n += (size_t)n;
}

void float_append(struct buf *dst, double f, char verb, int precision)
{
    if (isnan(f)) {
        buf_add_lit(dst, "NaN");
    } else if (isinf(f)) {
        buf_add(dst, f < 0 ? "-Inf" : "+Inf", 4);
    } else if (verb == 'b') {
        append_binary(dst, f);
    } else if (verb == 'x' || verb == 'X') {
        append_hex(dst, f, verb, precision);
    } else if (precision < 0) {
        append_shortest(dst, f, verb == 'G' ? 'E' : 'e');
    } else {
        append_c(dst, f, verb, precision);
    }
}
