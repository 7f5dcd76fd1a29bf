#include <stdlib.h>

#include "base/enc.h"
#include "base/span.h"
#include "model/model.h"

/* Octets of a MAC in text: EUI-48, EUI-64, and IP over InfiniBand's 20 (RFC 4391). */
static bool octets_valid(size_t n)
{
    return n == 6 || n == 8 || n == 20;
}

static size_t mac_write(const unsigned char *octets, size_t n, char dst[MODEL_MAC_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i)
            dst[at++] = ':';
        dst[at++] = digits[octets[i] >> 4];
        dst[at++] = digits[octets[i] & 15];
    }
    return at;
}

/* Where the five separators of the form below are. */
#define SEPARATORS (1u << 2 | 1u << 5 | 1u << 8 | 1u << 11 | 1u << 14)

/* The form that nearly every client sends: 17 bytes, six octets. */
static size_t mac_of_17(const char *in, char dst[MODEL_MAC_TEXT])
{
    int last = enc_hex_digit(in[16]);
    span_bytes v = span_load(in);
    span_bytes letters = SPAN_IN(v | 0x20, 'a', 'f'), separators = SPAN_IS(v, in[2]);
    if (span_mask(letters | SPAN_IN(v, '0', '9')) != (~SEPARATORS & 0xFFFF) ||
        span_mask(separators) != SEPARATORS || (in[2] != ':' && in[2] != '-') || last < 0)
        return 0;
    span_bytes out = (separators & ':') | (~separators & (v | (letters & 0x20)));
    memcpy(dst, &out, sizeof out);
    dst[16] = "0123456789abcdef"[last];
    return 17;
}

size_t model_mac_normalise(struct str in, char dst[MODEL_MAC_TEXT])
{
    if (in.n == 17)
        return mac_of_17(in.p, dst);
    if (in.n < 14)
        return 0;
    /* "xx:xx…" and "xx-xx…" have groups of one octet, "xxxx.xxxx…" of two. */
    size_t per = in.p[2] == ':' || in.p[2] == '-' ? 1 : 2;
    char sep = in.p[per * 2];
    if (per == 2 && sep != '.')
        return 0;
    size_t step = per * 2 + 1;
    if ((in.n + 1) % step)
        return 0;
    size_t n = (in.n + 1) / step * per;
    if (!octets_valid(n))
        return 0;
    unsigned char octets[20];
    for (size_t i = 0; i < n; i++) {
        size_t at = i / per * step + i % per * 2;
        int hi = enc_hex_digit(in.p[at]);
        int lo = enc_hex_digit(in.p[at + 1]);
        if (hi < 0 || lo < 0)
            return 0;
        octets[i] = (unsigned char)(hi << 4 | lo);
        bool ends_group = i % per == per - 1;
        if (ends_group && at + 2 < in.n && in.p[at + 2] != sep)
            return 0;
    }
    return mac_write(octets, n, dst);
}

SPAN_DEFINE(has_no_upper, (v >= 'A') & (v <= 'Z'))

static bool has_upper(struct str s)
{
    return !has_no_upper(s);
}

static struct str lower_copy(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n);
    if (!p)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
    return str_of(p, s.n);
}

/* "mac" in any case. */
static bool is_mac_key(struct str key)
{
    const uint64_t lower = (uint64_t)0x202020 << 40;
    return key.n == 3 && (str_word(key) | lower) == str_word(STR("mac"));
}

__attribute__((noinline)) static err_code normalise_mac(struct arena *a, struct str value,
                                                        struct str *ret)
{
    char text[MODEL_MAC_TEXT];
    size_t n = model_mac_normalise(value, text);
    if (n == 0)
        return ERR_INVALID;
    if (str_eq(value, str_of(text, n)))
        *ret = value;
    else if (!arena_str(a, str_of(text, n), ret))
        return ERR_NOMEM;
    return ERR_OK;
}

/* The value of a key of four bytes. False without memory. */
static bool normalise_four(struct arena *a, struct str key, struct str *value)
{
    uint64_t word = str_word(key);
    struct str v = {NULL, 0};
    if (word == str_word(STR("arch"))) {
        v = model_arch_known(*value);
    } else if (word == str_word(STR("uuid")) && has_upper(*value)) {
        v = lower_copy(a, *value);
        if (!v.p)
            return false;
    }
    if (v.p)
        *value = v;
    return true;
}

err_code model_label_normalise(struct arena *a, struct str key, struct str value, struct label *ret)
{
    err_code c = ERR_OK;
    if (key.n == 4)
        c = normalise_four(a, key, &value) ? ERR_OK : ERR_NOMEM;
    else if (is_mac_key(key))
        c = normalise_mac(a, value, &value);
    if (!c)
        *ret = (struct label){key, value};
    return c;
}

bool model_label_is_normal(struct str key, struct str value)
{
    if (is_mac_key(key)) {
        char text[MODEL_MAC_TEXT];
        return value.n && str_eq(value, str_of(text, model_mac_normalise(value, text)));
    }
    return !str_is(key, "uuid") || !has_upper(value);
}

/* Stable: of equal keys the one that came first stays first. Requests have a handful of pairs. */
static void insertion_sort(struct label *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct label x = v[i];
        uint32_t k = i;
        for (; k > 0 && str_cmp(v[k - 1].key, x.key) > 0; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

/* Bottom-up merge sort for the request that somebody filled with thousands of pairs. */
static bool merge_sort(struct label *v, uint32_t n)
{
    struct label *tmp = malloc((size_t)n * sizeof *tmp);
    if (!tmp)
        return false;
    for (uint32_t width = 1; width < n; width *= 2) {
        for (uint32_t lo = 0; lo < n; lo += 2 * width) {
            uint32_t mid = lo + width < n ? lo + width : n;
            uint32_t hi = mid + width < n ? mid + width : n;
            uint32_t i = lo, k = mid;
            for (uint32_t at = lo; at < hi; at++)
                tmp[at] =
                    k >= hi || (i < mid && str_cmp(v[i].key, v[k].key) <= 0) ? v[i++] : v[k++];
        }
        memcpy(v, tmp, (size_t)n * sizeof *v);
    }
    free(tmp);
    return true;
}

uint32_t model_labels_sort(struct label *v, uint32_t n)
{
    if (n <= 32 || !merge_sort(v, n))
        insertion_sort(v, n);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || !str_eq(v[kept - 1].key, v[i].key))
            v[kept++] = v[i];
    return kept;
}

const struct str *model_label_search(const struct labels *l, struct str key)
{
    uint32_t lo = 0, hi = l->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = str_cmp(l->v[mid].key, key);
        if (c == 0)
            return &l->v[mid].value;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}
