#include "match/match.h"

#include "base/always.h"
#include "base/hash.h"

#define SEED 0x76657374616d6174u

/* --- shapes ------------------------------------------------------------------------------------
 */

static uint64_t add_key(uint64_t h, struct str key, bool empty)
{
    return hash_bytes(key, hash_mix(h, empty ? 1 : 2));
}

uint64_t match_shape_hash(const struct labels *selector)
{
    uint64_t h = SEED;
    for (uint32_t i = 0; i < selector->n; i++)
        h = add_key(h, selector->v[i].key, selector->v[i].value.n == 0);
    return h;
}

static uint64_t bit_of(struct str key)
{
    return model_key_bit(key, str_word(key));
}

uint64_t match_bits(const struct labels *machine)
{
    uint64_t bits = 0;
    if (machine->bits)
        return machine->bits;
    for (uint32_t i = 0; i < machine->n; i++)
        if (machine->v[i].value.n)
            bits |= bit_of(machine->v[i].key);
    return bits;
}

bool match_shape_of(struct arena *a, const struct labels *selector, struct match_shape *ret)
{
    struct match_key *keys = NULL;
    if (selector->n && !(keys = arena_calloc(a, selector->n, sizeof *keys)))
        return false;
    struct match_shape s = {keys, selector->n, match_shape_hash(selector), 0, true};
    for (uint32_t i = 0; i < selector->n; i++) {
        struct str key = selector->v[i].key;
        keys[i].empty = selector->v[i].value.n == 0;
        s.wants |= keys[i].empty ? 0 : bit_of(key);
        s.plain = s.plain && str_find_byte(key, '=', 0) == key.n;
        if (!arena_str(a, key, &keys[i].key))
            return false;
    }
    *ret = s;
    return true;
}

bool match_shape_is(const struct match_shape *shape, const struct labels *selector)
{
    if (shape->n != selector->n)
        return false;
    for (uint32_t i = 0; i < shape->n; i++)
        if (shape->keys[i].empty != (selector->v[i].value.n == 0) ||
            !str_eq(shape->keys[i].key, selector->v[i].key))
            return false;
    return true;
}

/* As the texts "key=value" compare. "a-b=1" comes before "a=1" although "a" comes before "a-b". */
static int text_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c || a.n == b.n)
        return c;
    unsigned char next = (unsigned char)(a.n > n ? a.p[n] : b.p[n]);
    int longer = next < '=' ? -1 : 1;
    return a.n > n ? longer : -longer;
}

/* Places in the shape's keys, in the order of their texts. */
static void text_order(const struct match_shape *s, uint32_t order[MODEL_SELECTORS])
{
    always(s->n <= MODEL_SELECTORS);
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t k = i;
        for (; k > 0 && text_cmp(s->keys[order[k - 1]].key, s->keys[i].key) > 0; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
}

int match_shape_order(const struct match_shape *a, const struct match_shape *b)
{
    uint32_t x[MODEL_SELECTORS], y[MODEL_SELECTORS];
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    text_order(a, x);
    text_order(b, y);
    for (uint32_t i = 0; i < a->n; i++) {
        int c = text_cmp(a->keys[x[i]].key, b->keys[y[i]].key);
        if (c)
            return c > 0 ? -1 : 1;
    }
    return 0;
}

uint64_t match_selector_hash(const struct labels *selector)
{
    uint64_t h = match_shape_hash(selector);
    for (uint32_t i = 0; i < selector->n; i++)
        if (selector->v[i].value.n)
            h = hash_bytes(selector->v[i].value, h);
    return h;
}

/* The machine's value for a key; absent as "". */
static struct str value_of(const struct labels *machine, struct str key)
{
    const struct str *got = model_label_get(machine, key);
    return got ? *got : STR("");
}

bool match_probe(const struct match_shape *shape, const struct labels *machine, uint64_t *ret)
{
    uint64_t h = shape->hash;
    for (uint32_t i = 0; i < shape->n; i++) {
        struct str value = value_of(machine, shape->keys[i].key);
        if ((value.n > 0) == shape->keys[i].empty)
            return false;
        if (value.n)
            h = hash_bytes(value, h);
    }
    *ret = h;
    return true;
}

/* --- one selector ------------------------------------------------------------------------------
 */

bool match_holds(const struct labels *selector, const struct labels *machine)
{
    for (uint32_t i = 0; i < selector->n; i++)
        if (!str_eq(value_of(machine, selector->v[i].key), selector->v[i].value))
            return false;
    return true;
}

/* Reads a selector's text byte by byte without building it. */
struct text {
    const struct labels *l;
    uint32_t order[MODEL_SELECTORS];
    uint32_t pair;
    size_t at; /* in "key=value," of that pair */
};

static char pair_byte(const struct label *l, size_t at)
{
    if (at < l->key.n)
        return l->key.p[at];
    return at == l->key.n ? '=' : l->value.p[at - l->key.n - 1];
}

static size_t pair_size(const struct label *l)
{
    return l->key.n + 1 + l->value.n;
}

static int pair_cmp(const struct label *a, const struct label *b)
{
    size_t an = pair_size(a), bn = pair_size(b);
    for (size_t i = 0; i < an && i < bn; i++) {
        unsigned char x = (unsigned char)pair_byte(a, i), y = (unsigned char)pair_byte(b, i);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return an < bn ? -1 : an > bn;
}

/* "a-b=1" sorts before "a=1" although the key "a" sorts before "a-b". */
static void text_start(struct text *t, const struct labels *l)
{
    always(l->n <= MODEL_SELECTORS);
    t->l = l;
    t->pair = 0;
    t->at = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t k = i;
        for (; k > 0 && pair_cmp(&l->v[t->order[k - 1]], &l->v[i]) > 0; k--)
            t->order[k] = t->order[k - 1];
        t->order[k] = i;
    }
}

/* The next byte, or -1 at the end. */
static int text_next(struct text *t)
{
    if (t->pair == t->l->n)
        return -1;
    const struct label *l = &t->l->v[t->order[t->pair]];
    if (t->at < pair_size(l))
        return (unsigned char)pair_byte(l, t->at++);
    t->pair++;
    t->at = 0;
    return t->pair == t->l->n ? -1 : ',';
}

int match_order(const struct labels *a, const struct labels *b)
{
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    struct text x, y;
    text_start(&x, a);
    text_start(&y, b);
    for (;;) {
        int c = text_next(&x), d = text_next(&y);
        if (c != d)
            return c > d ? -1 : 1;
        if (c < 0)
            return 0;
    }
}

void match_text(struct buf *dst, const struct labels *selector)
{
    struct text t;
    text_start(&t, selector);
    for (int c = text_next(&t); c >= 0; c = text_next(&t))
        buf_add_byte(dst, (char)c);
}
