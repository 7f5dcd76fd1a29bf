/*
 * Lists, a page at a time. `next` is the place where a page ended: the last name, in base64url (RFC
 * 4648, 5) so that nobody builds on its form. A page ends at `limit` items, or before when they are
 * large, so its length says nothing of whether there is more: an empty `next` does.
 */
#include "base/enc.h"
#include "base/query.h"
#include "rest/route.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define PAIRS_MAX     STORE_LIST_LABELS
#define PAGE_MAX      (8u << 20) /* bytes after which a page ends */
#define ITEM_MAX      (4u << 20) /* bytes of one item, more than any has */
#define CURSOR_MAX    4096

/* --- the cursor ------------------------------------------------------------------------------- */

static void write_cursor(struct buf *dst, struct str last)
{
    size_t from = dst->n;
    enc_base64(dst, last);
    while (dst->n > from && dst->p[dst->n - 1] == '=')
        dst->n--;
    for (size_t i = from; i < dst->n; i++)
        dst->p[i] = dst->p[i] == '+' ? '-' : dst->p[i] == '/' ? '_' : dst->p[i];
}

static bool read_cursor(struct arena *a, struct str cursor, struct str *ret)
{
    struct buf text, name;
    buf_in_arena(&text, a, CURSOR_MAX);
    buf_in_arena(&name, a, CURSOR_MAX);
    for (size_t i = 0; i < cursor.n; i++) {
        char ch = cursor.p[i];
        if (ch == '+' || ch == '/' || ch == '=')
            return false;
        buf_add_byte(&text, ch == '-' ? '+' : ch == '_' ? '/' : ch);
    }
    while (!text.failed && text.n % 4)
        buf_add_byte(&text, '=');
    if (text.failed || !enc_base64_decode(&name, buf_str(&text)))
        return false;
    *ret = buf_str(&name);
    return true;
}

/* --- the question ----------------------------------------------------------------------------- */

/* What is wrong with a query, all of it; one sentence each. */
__attribute__((format(printf, 2, 3))) static void wrong(struct buf *why, const char *fmt, ...)
{
    if (why->n)
        buf_add_lit(why, "; ");
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(why, fmt, ap);
    va_end(ap);
}

static void read_limit(struct str text, struct store_list *l, struct buf *why)
{
    uint64_t n = 0;
    if (str_to_u64(text, LIMIT_MAX, &n) && n > 0)
        l->limit = n;
    else
        wrong(why, "limit must be a number from 1 to %d", LIMIT_MAX);
}

/* "KIND/NAME" for templates, else a name. The empty cursor is the start. */
static void read_after(struct arena *a, struct str text, struct store_list *l, struct buf *why)
{
    if (!text.n)
        return;
    struct str name = STR("");
    bool good = read_cursor(a, text, &name);
    if (good && l->type == STORE_TEMPLATE) {
        struct str kind = str_cut(name, '/', &name);
        good = model_kind_from_name(kind, &l->after_kind) && name.p &&
               (!l->one_kind || l->after_kind == l->kind);
    }
    l->after = name;
    l->has_after = good;
    if (!good)
        wrong(why, "after must be the \"next\" of a page of this list");
}

struct question {
    struct store_list *list;
    struct label labels[PAIRS_MAX];
};

/* Every key that is no parameter is a label that the selector must have. */
static void read_label(struct arena *a, const struct query_pair *p, struct question *q,
                       struct buf *why)
{
    err_code c = model_label_normalise(a, p->key, p->value, &q->labels[q->list->labels.n]);
    if (c == ERR_OK)
        q->list->labels.n++;
    else if (c == ERR_NOMEM)
        why->failed = true;
    else
        wrong(why, "\"%.*s\" is no MAC address, so no group has it",
              (int)(p->value.n > 80 ? 80 : p->value.n), p->value.n ? p->value.p : "");
}

static void read_parameter(struct arena *a, const struct query_pair *p, struct question *q,
                           struct buf *why)
{
    struct store_list *l = q->list;
    if (str_is(p->key, "limit"))
        read_limit(p->value, l, why);
    else if (str_is(p->key, "after"))
        read_after(a, p->value, l, why);
    else if (str_is(p->key, "prefix"))
        l->prefix = p->value;
    else if (str_is(p->key, "profile") && l->type == STORE_GROUP)
        l->profile = p->value.p ? p->value : STR("");
    else if (l->type == STORE_GROUP)
        read_label(a, p, q, why);
    else
        wrong(why, "there is no parameter \"%.*s\" here; there are limit, after, prefix",
              (int)(p->key.n > 80 ? 80 : p->key.n), p->key.n ? p->key.p : "");
}

static bool given_before(const struct query_pair *pairs, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++)
        if (str_eq(pairs[k].key, pairs[i].key))
            return true;
    return false;
}

/* False after it has answered. */
static bool read_question(struct rest_call *c, struct question *q)
{
    struct query_pair *pairs;
    uint32_t n, dropped;
    struct err e = ERR_INIT;
    err_code code = query_read(c->q->arena, c->q->raw_query, PAIRS_MAX, &pairs, &n, &dropped, &e);
    if (code == ERR_LIMIT)
        problem(c, 422, "%s", e.msg);
    else if (code)
        problem_err(c, &e, NULL);
    if (code)
        return false;
    struct buf why;
    buf_in_arena(&why, c->q->arena, 64 * 1024);
    if (dropped)
        wrong(&why, "a parameter is not percent-encoded as it should be");
    for (uint32_t i = 0; i < n; i++) {
        if (given_before(pairs, i))
            wrong(&why, "a parameter is given more than once");
        else
            read_parameter(c->q->arena, &pairs[i], q, &why);
    }
    if (why.failed)
        problem(c, 500, "out of memory for the list");
    else if (why.n)
        problem(c, 422, "%.*s", STR_FMT(buf_str(&why)));
    return why.n == 0 && !why.failed;
}

/* --- the page --------------------------------------------------------------------------------- */

struct page {
    struct buf json;
    struct buf last; /* where it ends, as the cursor has it */
    uint64_t limit, n;
    bool more;
};

static bool template_item(struct page *p, const struct store_resource *r)
{
    ARENA_LOCAL(a, 64 * 1024);
    char etag[SERVICE_ETAG_MAX];
    service_etag(&r->key, r->body, etag);
    struct value v;
    if (!resource_template_value(&a, &r->key, etag, r->body.n, 0, &v))
        return false;
    value_to_json(&p->json, &v, 0);
    return true;
}

/* Ends the list with any error once the page is full. */
static err_code add_item(void *arg, const struct store_resource *r, struct err *e)
{
    struct page *p = arg;
    bool template = r->key.type == STORE_TEMPLATE;
    size_t size = template ? 0 : r->body.n;
    if (p->n == p->limit || (p->n && p->json.n + size > PAGE_MAX)) {
        p->more = true;
        return ERR_LIMIT;
    }
    if (p->n++)
        buf_add_byte(&p->json, ',');
    bool added = !template || template_item(p, r);
    if (!template)
        buf_add_str(&p->json, r->body);
    buf_clear(&p->last);
    if (template)
        buf_addf(&p->last, "%s/", model_kind_name(r->key.kind));
    buf_add_str(&p->last, r->key.name);
    if (!added || p->json.failed || p->last.failed)
        return err_set(e, ERR_NOMEM, "out of memory for a list");
    return ERR_OK;
}

static void answer_list(struct rest_call *c, struct store_list *l)
{
    struct question q = {.list = l};
    l->limit = LIMIT_DEFAULT;
    l->labels.v = q.labels;
    if (!read_question(c, &q))
        return;
    struct page p = {.limit = l->limit};
    buf_in_arena(&p.json, c->q->arena, PAGE_MAX + ITEM_MAX);
    buf_in_arena(&p.last, c->q->arena, CURSOR_MAX);
    buf_add_lit(&p.json, "{\"items\":[");
    l->limit++; /* one more says whether there is more */
    struct err e = ERR_INIT;
    err_code code = service_list(c->service, l, add_item, &p, &e);
    if (code && !p.more) {
        problem_err(c, &e, NULL);
        return;
    }
    struct buf next;
    buf_in_arena(&next, c->q->arena, 2 * CURSOR_MAX);
    if (p.more)
        write_cursor(&next, buf_str(&p.last));
    buf_add_lit(&p.json, "],\"next\":");
    value_json_string(&p.json, buf_str(&next), 0);
    buf_add_byte(&p.json, '}');
    if (next.failed || p.json.failed)
        problem(c, 500, "out of memory for the answer");
    else
        answer_json(c, 200, buf_str(&p.json));
}

void list_resources(struct rest_call *c)
{
    struct store_list l = {.type = c->route->type};
    answer_list(c, &l);
}

void list_templates_of_kind(struct rest_call *c)
{
    struct store_list l = {.type = STORE_TEMPLATE, .one_kind = true};
    if (resource_kind(c, c->param[0], &l.kind))
        answer_list(c, &l);
}
