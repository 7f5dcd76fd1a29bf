#include "base/enc.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void enc_base64(struct buf *dst, struct str s)
{
    for (size_t i = 0; i < s.n; i += 3) {
        size_t left = s.n - i;
        uint32_t v = (uint32_t)(unsigned char)s.p[i] << 16;
        if (left > 1)
            v |= (uint32_t)(unsigned char)s.p[i + 1] << 8;
        if (left > 2)
            v |= (uint32_t)(unsigned char)s.p[i + 2];
        char out[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63],
                       left > 1 ? alphabet[v >> 6 & 63] : '=', left > 2 ? alphabet[v & 63] : '='};
        buf_add(dst, out, 4);
    }
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool enc_base64_decode(struct buf *dst, struct str s)
{
    size_t had = dst->n;
    if (s.n % 4)
        return false;
    for (size_t i = 0; i < s.n; i += 4) {
        bool last = i + 4 == s.n;
        int pad = last && s.p[i + 3] == '=' ? (s.p[i + 2] == '=' ? 2 : 1) : 0;
        uint32_t v = 0;
        for (int k = 0; k < 4; k++) {
            int d = k >= 4 - pad ? 0 : base64_digit(s.p[i + (size_t)k]);
            if (d < 0)
                goto bad;
            v = v << 6 | (uint32_t)d;
        }
        if ((pad == 2 && (v & 0xFFFF)) || (pad == 1 && (v & 0xFF)))
            goto bad;
        char out[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
        buf_add(dst, out, (size_t)(3 - pad));
    }
    return true;
bad:
    dst->n = had;
    return false;
}

void enc_hex(struct buf *dst, struct str s)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        buf_add_byte(dst, digits[c >> 4]);
        buf_add_byte(dst, digits[c & 15]);
    }
}

int enc_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool enc_percent_decode(struct buf *dst, struct str s, bool plus_is_space)
{
    size_t had = dst->n;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 2 < s.n ? enc_hex_digit(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? enc_hex_digit(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0) {
                dst->n = had;
                return false;
            }
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        buf_add_byte(dst, c);
    }
    return true;
}
