#include "base/utf8.h"

uint32_t utf8_decode(struct str s, size_t *len)
{
    *len = 1;
    unsigned char c = (unsigned char)s.p[0];
    if (c < 0x80)
        return c;
    size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || s.n < n)
        return UTF8_BAD;
    uint32_t cp = c & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char d = (unsigned char)s.p[i];
        if ((d & 0xC0) != 0x80)
            return UTF8_BAD;
        cp = cp << 6 | (d & 0x3F);
    }
    if ((n == 3 && cp < 0x800) || (n == 4 && cp < 0x10000) || cp > 0x10FFFF ||
        (cp >= 0xD800 && cp <= 0xDFFF))
        return UTF8_BAD;
    *len = n;
    return cp;
}

size_t utf8_encode(uint32_t cp, char dst[4])
{
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        cp = UTF8_BAD;
    if (cp < 0x80) {
        dst[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        dst[0] = (char)(0xC0 | cp >> 6);
        dst[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        dst[0] = (char)(0xE0 | cp >> 12);
        dst[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        dst[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    dst[0] = (char)(0xF0 | cp >> 18);
    dst[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    dst[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    dst[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

bool utf8_valid(struct str s)
{
    while (s.n) {
        size_t len;
        if (utf8_decode(s, &len) == UTF8_BAD && len == 1)
            return false;
        s = str_skip(s, len);
    }
    return true;
}

size_t utf8_count(struct str s)
{
    size_t count = 0;
    for (; s.n; count++) {
        size_t len;
        utf8_decode(s, &len);
        s = str_skip(s, len);
    }
    return count;
}
