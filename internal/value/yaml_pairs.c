#include "value/yaml_pairs.h"

#include "base/enc.h"
#include "base/utf8.h"

/* U+D800 to U+DFFF, the halves of pairs, are hidden at U+E000 to U+E7FF. */
#define HALVES       0xD800
#define SECOND_HALF  0x0400
#define PRIVATE      0xE000
#define PRIVATE_LAST 0xE7FF

#define ESCAPE 6 /* bytes of \uXXXX */

/* The code of a \uXXXX at the start of s, or 0. */
static uint32_t escape_at(struct str s)
{
    uint32_t cp = 0;
    if (s.n < ESCAPE || s.p[0] != '\\' || s.p[1] != 'u')
        return 0;
    for (size_t i = 2; i < ESCAPE; i++) {
        int digit = enc_hex_digit(s.p[i]);
        if (digit < 0)
            return 0;
        cp = cp << 4 | (uint32_t)digit;
    }
    return cp;
}

static bool is_private(uint32_t cp)
{
    return cp >= PRIVATE && cp <= PRIVATE_LAST;
}

static bool is_pair(uint32_t first, uint32_t second, uint32_t base)
{
    return first >= base && first < base + SECOND_HALF && second >= base + SECOND_HALF &&
           second < base + 2 * SECOND_HALF;
}

static bool looks_like_json(struct str s)
{
    size_t i = 0;
    while (i < s.n && strchr(" \t\r\n", s.p[i]))
        i++;
    return i < s.n && (s.p[i] == '{' || s.p[i] == '[' || s.p[i] == '"');
}

bool pairs_hide(struct buf *dst, struct str text)
{
    bool found = false;
    if (!looks_like_json(text))
        return false;
    for (size_t n; text.n; text = str_skip(text, n)) {
        uint32_t first = escape_at(text), second = escape_at(str_skip(text, ESCAPE));
        uint32_t cp = first ? first : utf8_decode(text, &n);
        if (is_private(cp))
            return false;
        if (is_pair(first, second, HALVES)) {
            found = true;
            n = 2 * (size_t)ESCAPE;
            buf_addf(dst, "\\u%04X\\u%04X", first - HALVES + PRIVATE, second - HALVES + PRIVATE);
            continue;
        }
        n = text.p[0] == '\\' && text.n > 1 ? 2 : 1;
        buf_add(dst, text.p, n);
    }
    return found;
}

void pairs_restore(struct buf *dst, struct str s)
{
    for (size_t n; s.n; s = str_skip(s, n)) {
        size_t next = 0;
        uint32_t first = utf8_decode(s, &n), second = 0;
        if (is_private(first) && n < s.n)
            second = utf8_decode(str_skip(s, n), &next);
        if (is_pair(first, second, PRIVATE)) {
            char bytes[4];
            uint32_t high = first - PRIVATE, low = second - PRIVATE - SECOND_HALF;
            buf_add(dst, bytes, utf8_encode(0x10000 + (high << 10) + low, bytes));
            n += next;
        } else {
            buf_add(dst, s.p, n);
        }
    }
}
