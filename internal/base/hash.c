#include "base/hash.h"

static uint64_t load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

uint64_t hash_bytes(struct str s, uint64_t seed)
{
    uint64_t h = hash_mix(seed, s.n + 1);
    const char *p = s.p;
    size_t n = s.n;
    for (; n >= 8; n -= 8, p += 8)
        h = hash_mix(h, load64(p));
    return hash_mix(h, str_word(str_of(p, n)) | n); /* of less than eight bytes the lowest is 0 */
}
