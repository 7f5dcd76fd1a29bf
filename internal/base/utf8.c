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

/* Latin Extended-A: capital and small letters alternate; which of the two is even changes twice. */
static bool latin_pair(uint32_t cp, bool *even_is_upper)
{
    *even_is_upper = !((cp >= 0x139 && cp <= 0x148) || (cp >= 0x179 && cp <= 0x17E));
    return cp >= 0x100 && cp <= 0x17E && cp != 0x130 && cp != 0x131 && cp != 0x138 && cp != 0x149 &&
           cp != 0x178;
}

uint32_t utf8_upper(uint32_t cp)
{
    bool even_is_upper;
    if (cp >= 'a' && cp <= 'z')
        return cp - 32;
    if (cp < 0xB5)
        return cp;
    if (cp == 0xB5)
        return 0x39C;
    if (cp == 0xFF)
        return 0x178;
    if (cp >= 0xE0 && cp <= 0xFE && cp != 0xF7)
        return cp - 32;
    if (latin_pair(cp, &even_is_upper))
        return (cp % 2 == 0) == even_is_upper ? cp : cp - 1;
    if (cp == 0x131)
        return 'I';
    if (cp == 0x17F)
        return 'S';
    if (cp == 0x3C2)
        return 0x3A3;
    if ((cp >= 0x3B1 && cp <= 0x3CB) || (cp >= 0x430 && cp <= 0x44F))
        return cp - 32;
    if (cp == 0x3AC)
        return 0x386;
    if (cp >= 0x3AD && cp <= 0x3AF)
        return cp - 37;
    if (cp == 0x3CC)
        return 0x38C;
    if (cp == 0x3CD || cp == 0x3CE)
        return cp - 63;
    if (cp >= 0x450 && cp <= 0x45F)
        return cp - 80;
    return cp;
}

uint32_t utf8_lower(uint32_t cp)
{
    bool even_is_upper;
    if (cp >= 'A' && cp <= 'Z')
        return cp + 32;
    if (cp < 0xC0)
        return cp;
    if (cp <= 0xDE && cp != 0xD7)
        return cp + 32;
    if (latin_pair(cp, &even_is_upper))
        return (cp % 2 == 0) == even_is_upper ? cp + 1 : cp;
    if (cp == 0x130)
        return 'i';
    if (cp == 0x178)
        return 0xFF;
    if ((cp >= 0x391 && cp <= 0x3AB && cp != 0x3A2) || (cp >= 0x410 && cp <= 0x42F))
        return cp + 32;
    if (cp == 0x386)
        return 0x3AC;
    if (cp >= 0x388 && cp <= 0x38A)
        return cp + 37;
    if (cp == 0x38C)
        return 0x3CC;
    if (cp == 0x38E || cp == 0x38F)
        return cp + 63;
    if (cp >= 0x400 && cp <= 0x40F)
        return cp + 80;
    return cp;
}
