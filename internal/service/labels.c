#include "service/labels.h"

#include "base/query.h"
#include "base/span.h"

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading the query");
}

/* The pair that counts for this key: there is one. */
static const struct label *first_of(const struct labels *first, struct str key)
{
    uint32_t lo = 0, hi = first->n;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (str_cmp(first->v[mid].key, key) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    return &first->v[lo];
}

/* Keys point to their own places in the query, so a pair is the first one if it is that one. */
static bool is_ignored(const struct labels *first, const struct query_pair *pair,
                       const struct labels *taken, struct service_ignored *ret)
{
    const struct label *counts = first_of(first, pair->key);
    bool repeated = counts->key.p != pair->key.p;
    *ret = (struct service_ignored){
        .why = repeated ? SERVICE_IGNORED_REPEATED : SERVICE_IGNORED_MAC,
        .key = pair->key,
        .value = pair->value,
        .conflict = repeated && !str_eq(counts->value, pair->value),
    };
    return repeated || !model_label_get(taken, pair->key);
}

static err_code collect_ignored(struct arena *a, const struct query_pair *pairs, uint32_t n,
                                const struct labels *first, struct service_labels *ret,
                                struct err *e)
{
    struct service_ignored *v = arena_calloc(a, n, sizeof *v);
    if (!v)
        return nomem(e);
    for (uint32_t i = 0; i < n; i++)
        if (is_ignored(first, &pairs[i], &ret->labels, &v[ret->ignored_n]))
            ret->ignored_n++;
    ret->ignored = v;
    return ERR_OK;
}

/* --- the plain case ----------------------------------------------------------------------------
 */

/* Labels of a query that is read on the stack. */
#define PLAIN_MAX 32

/* Sorted as they come: what moves is a number for the key and a place. */
struct plain {
    uint64_t prefix[PLAIN_MAX]; /* the key's first eight bytes: numbers that sort as the keys do */
    uint8_t order[PLAIN_MAX];
    struct label v[PLAIN_MAX];
    uint32_t n;
};

static uint64_t prefix_of(struct str key)
{
    uint64_t x = 0;
    if (key.n >= 8) {
        memcpy(&x, key.p, 8);
        return __builtin_bswap64(x);
    }
    if (key.n >= 4) { /* the last four bytes may be some of the first */
        uint32_t first, last;
        memcpy(&first, key.p, 4);
        memcpy(&last, key.p + key.n - 4, 4);
        uint64_t rest = (uint64_t)__builtin_bswap32(last) << (8 * (8 - key.n));
        return (uint64_t)__builtin_bswap32(first) << 32 | (uint32_t)rest;
    }
    for (size_t i = 0; i < key.n; i++)
        x = x << 8 | (unsigned char)key.p[i];
    return key.n ? x << (64 - 8 * key.n) : 0;
}

/* The label at v[n]. False if its key is there already; keys hold no NUL. */
static bool insert(struct plain *p)
{
    struct str key = p->v[p->n].key;
    uint64_t prefix = prefix_of(key);
    uint32_t at = p->n;
    for (; at > 0 && p->prefix[at - 1] >= prefix; at--) {
        int c = p->prefix[at - 1] == prefix ? str_cmp(p->v[p->order[at - 1]].key, key) : 1;
        if (c == 0)
            return false;
        if (c < 0)
            break;
        p->prefix[at] = p->prefix[at - 1];
        p->order[at] = p->order[at - 1];
    }
    p->prefix[at] = prefix;
    p->order[at] = (uint8_t)p->n++;
    return true;
}

/* What begins at *at, up to a '&' or the end. */
static struct str next_piece(struct str raw, size_t *at)
{
    const char *from = raw.p + *at, *amp = memchr(from, '&', raw.n - *at);
    size_t n = amp ? (size_t)(amp - from) : raw.n - *at;
    *at += n + 1;
    return str_of(from, n);
}

SPAN_DEFINE(is_plain, (v == '%') | (v == '+') | (v == ';') | (v == 0))

/* Only MACs and UUIDs are ever changed. */
static bool read_plain_label(struct arena *a, struct str piece, struct label *ret)
{
    const char *eq = memchr(piece.p, '=', piece.n);
    size_t n = eq ? (size_t)(eq - piece.p) : piece.n;
    struct str key = str_of(piece.p, n);
    struct str value = eq ? str_of(eq + 1, piece.n - n - 1) : STR("");
    *ret = (struct label){key, value};
    return (n != 3 && n != 4) || model_label_normalise(a, key, value, ret) == ERR_OK;
}

/*
 * What clients really send: nothing encoded, no key twice, a MAC that is one. Whatever is not like
 * that is left to the long way below; what is, is the same there.
 */
static bool read_plain(struct arena *a, struct str raw, struct labels *ret)
{
    struct plain p;
    p.n = 0;
    if (raw.n == 0 || !is_plain(raw))
        return false;
    for (size_t at = 0; at < raw.n;) {
        struct str piece = next_piece(raw, &at);
        if (piece.n && (p.n == PLAIN_MAX || !read_plain_label(a, piece, &p.v[p.n]) || !insert(&p)))
            return false;
    }
    struct label *out = arena_alloc(a, p.n * sizeof *out);
    if (!out)
        return false;
    for (uint32_t i = 0; i < p.n; i++)
        out[i] = p.v[p.order[i]];
    *ret = (struct labels){out, p.n};
    return true;
}

/* --- junk --- */

static bool is_junk(const struct labels *l, struct str key)
{
    const struct str *value = model_label_get(l, key);
    return value && model_label_is_junk(key, *value);
}

static bool note_ignored(struct arena *a, enum service_ignored_why why, const struct label *l,
                         struct service_labels *ret)
{
    struct service_ignored *v = arena_calloc(a, ret->ignored_n + 1, sizeof *v);
    if (!v)
        return false;
    if (ret->ignored_n)
        memcpy(v, ret->ignored, ret->ignored_n * sizeof *v);
    v[ret->ignored_n++] = (struct service_ignored){.why = why, .key = l->key, .value = l->value};
    ret->ignored = v;
    return true;
}

/* What identifies no machine is not matched by. */
static err_code set_junk_apart(struct arena *a, struct service_labels *ret, struct err *e)
{
    ret->sent = ret->labels;
    if (!is_junk(&ret->sent, STR("uuid")) && !is_junk(&ret->sent, STR("serial")))
        return ERR_OK;
    struct label *kept = arena_alloc(a, ret->sent.n * sizeof *kept);
    if (!kept)
        return nomem(e);
    uint32_t n = 0;
    for (uint32_t i = 0; i < ret->sent.n; i++) {
        const struct label *l = &ret->sent.v[i];
        if (!model_label_is_junk(l->key, l->value))
            kept[n++] = *l;
        else if (!note_ignored(a, SERVICE_IGNORED_JUNK, l, ret))
            return nomem(e);
    }
    ret->labels = (struct labels){kept, n};
    return ERR_OK;
}

static err_code read_any(struct arena *a, struct str raw_query, struct service_labels *ret,
                         struct err *e)
{
    struct query_pair *pairs;
    uint32_t n;
    struct service_labels out = {.labels = {NULL, 0}};
    err_code c = query_read(a, raw_query, SERVICE_PAIRS_MAX, &pairs, &n, &out.undecodable, e);
    if (c)
        return c;
    struct label *v = n ? arena_alloc(a, 2 * n * sizeof *v) : NULL;
    if (n && !v)
        return nomem(e);
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct label){pairs[i].key, pairs[i].value};
    struct labels first = {v, model_labels_sort(v, n)};
    struct label *taken = v + n;
    for (uint32_t i = 0; i < first.n; i++) {
        c = model_label_normalise(a, v[i].key, v[i].value, &taken[out.labels.n]);
        if (c == ERR_NOMEM)
            return nomem(e);
        out.labels.n += c == ERR_OK;
    }
    c = ERR_OK;
    out.labels.v = taken;
    if (out.labels.n < n)
        c = collect_ignored(a, pairs, n, &first, &out, e);
    if (!c)
        *ret = out;
    return c;
}

err_code service_labels_read(struct arena *a, struct str raw_query, struct service_labels *ret,
                             struct err *e)
{
    struct service_labels out = {.labels = {NULL, 0}};
    err_code c = ERR_OK;
    if (!read_plain(a, raw_query, &out.labels))
        c = read_any(a, raw_query, &out, e);
    if (!c)
        c = set_junk_apart(a, &out, e);
    if (!c)
        *ret = out;
    return c;
}

/* --- what the connection says --- */

/* The labels without any of that key, or with this value of it, sorted; NULL without memory. */
static struct label *replace(struct arena *a, const struct labels *l, struct label with,
                             uint32_t *ret_n)
{
    struct label *v = arena_alloc(a, ((size_t)l->n + 1) * sizeof *v);
    uint32_t n = 0;
    bool due = with.value.p != NULL;
    for (uint32_t i = 0; v && i < l->n; i++) {
        int c = str_cmp(l->v[i].key, with.key);
        if (due && c > 0)
            v[n++] = with;
        due &= c <= 0;
        if (c != 0)
            v[n++] = l->v[i];
    }
    if (v && due)
        v[n++] = with;
    *ret_n = n;
    return v;
}

err_code service_labels_certify(struct arena *a, struct str subject, struct service_labels *l,
                                struct err *e)
{
    struct label own = {STR("tls_subject"), subject};
    const struct str *claimed = model_label_get(&l->sent, own.key);
    if (!claimed && !subject.p)
        return ERR_OK;
    struct service_labels out = *l;
    struct label *labels = replace(a, &l->labels, own, &out.labels.n);
    struct label *sent = replace(a, &l->sent, own, &out.sent.n);
    struct label claim = {own.key, claimed ? *claimed : STR("")};
    if (!labels || !sent || (claimed && !note_ignored(a, SERVICE_IGNORED_CLAIM, &claim, &out)))
        return nomem(e);
    out.labels.v = labels;
    out.sent.v = sent;
    *l = out;
    return ERR_OK;
}
