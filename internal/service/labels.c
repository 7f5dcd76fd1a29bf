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

/* Labels of a query that is read on the stack: as many as have a number in PLACE. */
#define PLAIN_MAX 32
#define PLACE     ((uint64_t)PLAIN_MAX - 1)
#define MARKS_MAX (2 * PLAIN_MAX)

/* Places in a query. */
struct marks {
    const char *at[MARKS_MAX + SPAN + 1];
    uint32_t n;
};

/* Those of v, whose first byte is at `from`; of them only what `of` has a bit for. */
static inline void note_marks(span_bytes v, unsigned of, const char *from, struct marks *m)
{
    unsigned marks = span_mask(SPAN_IS(v, '&') | SPAN_IS(v, '=')) & of;
    for (; marks; marks &= marks - 1)
        m->at[m->n++] = from + (unsigned)__builtin_ctz(marks);
}

static inline span_bytes not_plain(span_bytes v)
{
    return SPAN_IS(v, '%') | SPAN_IS(v, '+') | SPAN_IS(v, ';') | SPAN_IS(v, 0);
}

/*
 * Where the '&' and '=' of a query are, with an '&' at its end that is not there. False when
 * something is encoded, and for a query that is very short or has very many.
 */
static inline bool find_marks(struct str raw, struct marks *m)
{
    m->n = 0;
    if (raw.n < SPAN)
        return false;
    const char *at = raw.p, *end = raw.p + raw.n;
    span_bytes last = span_load(end - SPAN), odd = not_plain(last);
    for (; end - at >= SPAN && m->n <= MARKS_MAX; at += SPAN) {
        span_bytes v = span_load(at);
        odd |= not_plain(v);
        note_marks(v, 0xFFFF, at, m);
    }
    if (m->n <= MARKS_MAX) /* what of the last sixteen was not in the loop */
        note_marks(last, ~0u << (SPAN - (end - at)), end - SPAN, m);
    if (m->n > MARKS_MAX || span_mask(odd))
        return false;
    m->at[m->n++] = end;
    return true;
}

/* Sorted as they come: what moves is one number for each. */
struct plain {
    uint64_t
        order[PLAIN_MAX]; /* str_word of the key, but for the bits of PLACE: which of v it is */
    struct label v[PLAIN_MAX];
    uint32_t n;
    uint64_t bits; /* as in struct labels */
    bool junk;     /* there is some */
};

/* The label at v[n], whose key has that str_word. False if its key is there already; keys hold no
   NUL. */
static inline bool insert(struct plain *p, uint64_t word)
{
    uint64_t own = (word & ~PLACE) | p->n, *at = p->order + p->n;
    for (; at > p->order; at--) {
        uint64_t other = at[-1];
        if (other < own) {
            int c = -1;
            if ((other ^ own) <= PLACE)
                c = str_cmp(p->v[other & PLACE].key, p->v[p->n].key);
            if (c == 0)
                return false;
            if (c < 0)
                break;
        }
        *at = other;
    }
    *at = own;
    p->n++;
    return true;
}

static inline bool add_plain(struct arena *a, struct str key, struct str value, struct plain *p)
{
    struct label l = {key, value};
    uint64_t word = str_word(key);
    if (p->n == PLAIN_MAX)
        return false;
    /* Only MACs, UUIDs and architectures are ever changed. */
    if ((key.n == 3 || key.n == 4) && model_label_normalise(a, key, value, &l) != ERR_OK)
        return false;
    if ((key.n == 4 && word == str_word(STR("uuid"))) ||
        (key.n == 6 && word == str_word(STR("serial"))))
        p->junk |= model_label_is_junk(key, l.value);
    if (value.n)
        p->bits |= model_key_bit(key, word);
    p->v[p->n] = l;
    return insert(p, word);
}

static bool add_all_plain(struct arena *a, struct str raw, const struct marks *m, struct plain *p)
{
    const char *from = raw.p, *end = raw.p + raw.n;
    for (const char *const *mark = m->at; from <= end; mark++) {
        const char *eq = *mark, *to = eq;
        while (to < end && *to == '=') /* after the first they are part of the value */
            to = *++mark;
        const char *value = eq + (eq < to);
        if (from < to && !add_plain(a, str_of(from, (size_t)(eq - from)),
                                    str_of(value, (size_t)(to - value)), p))
            return false;
        from = to + 1;
    }
    return true;
}

/*
 * What clients really send: nothing encoded, no key twice, a MAC that is one. Whatever is not like
 * that is left to the long way below; what is, is the same there.
 */
static bool read_plain(struct arena *a, struct str raw, struct labels *ret, bool *ret_junk)
{
    struct marks marks;
    struct plain p;
    p.n = 0;
    p.bits = 0;
    p.junk = false;
    if (!find_marks(raw, &marks) || !add_all_plain(a, raw, &marks, &p))
        return false;
    struct label *out = arena_alloc(a, p.n * sizeof *out);
    if (!out)
        return false;
    for (uint32_t i = 0; i < p.n; i++)
        out[i] = p.v[p.order[i] & PLACE];
    *ret = (struct labels){out, p.n, p.bits};
    *ret_junk = p.junk;
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
    ret->labels = (struct labels){.v = kept, .n = n};
    return ERR_OK;
}

static err_code read_any(struct arena *a, struct str raw_query, struct service_labels *ret,
                         struct err *e)
{
    struct query_pair *pairs;
    uint32_t n;
    struct service_labels out = {.labels = {.v = NULL}};
    err_code c = query_read(a, raw_query, SERVICE_PAIRS_MAX, &pairs, &n, &out.undecodable, e);
    if (c)
        return c;
    struct label *v = n ? arena_alloc(a, 2 * n * sizeof *v) : NULL;
    if (n && !v)
        return nomem(e);
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct label){pairs[i].key, pairs[i].value};
    struct labels first = {.v = v, .n = model_labels_sort(v, n)};
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
    struct service_labels out = {.labels = {.v = NULL}};
    err_code c = ERR_OK;
    bool junk;
    if (!read_plain(a, raw_query, &out.labels, &junk)) {
        c = read_any(a, raw_query, &out, e);
        junk = !c && (is_junk(&out.labels, STR("uuid")) || is_junk(&out.labels, STR("serial")));
    }
    out.sent = out.labels;
    if (junk)
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
    out.labels.bits = out.sent.bits = 0;
    struct label claim = {own.key, claimed ? *claimed : STR("")};
    if (!labels || !sent || (claimed && !note_ignored(a, SERVICE_IGNORED_CLAIM, &claim, &out)))
        return nomem(e);
    out.labels.v = labels;
    out.sent.v = sent;
    *l = out;
    return ERR_OK;
}
