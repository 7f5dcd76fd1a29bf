/* Revisions: what changed, who did it, when and why; and the way back. */
#include "base/query.h"
#include "rest/route.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define PAIRS_MAX     8
#define ANSWER_FULL   (8u << 20) /* bytes after which no more changes are told */
#define ANSWER_MAX    (32u << 20)
#define DIFF_TOLD     (1u << 20) /* bytes of one difference that are told */
#define DIFF_MAX      (16u << 20)

/* --- questions -------------------------------------------------------------------------------- */

/* A parameter that is a number. */
struct number {
    const char *name;
    uint64_t least, most;
    uint64_t value; /* holds the default before */
    bool optional;  /* an empty one is the default, as everywhere with `after` */
    bool given;
};

static struct number *find_number(struct number *v, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, v[i].name))
            return &v[i];
    return NULL;
}

/* Reads the query. False after it has answered. */
static bool read_numbers(struct rest_call *c, struct number *v, size_t n)
{
    struct query_pair *pairs;
    uint32_t pairs_n, dropped;
    struct err e = ERR_INIT;
    err_code code =
        query_read(c->q->arena, c->q->raw_query, PAIRS_MAX, &pairs, &pairs_n, &dropped, &e);
    if (code == ERR_NOMEM)
        problem_err(c, &e, NULL);
    else if (code || dropped)
        problem(c, 422, "%s", code ? e.msg : "the query is not percent-encoded as it should be");
    if (code || dropped)
        return false;
    for (uint32_t i = 0; i < pairs_n; i++) {
        struct number *x = find_number(v, n, pairs[i].key);
        bool empty = x && x->optional && pairs[i].value.n == 0;
        bool good =
            x && !x->given &&
            (empty || (str_to_u64(pairs[i].value, x->most, &x->value) && x->value >= x->least));
        if (x && good) {
            x->given = true;
            continue;
        }
        int shown = (int)(pairs[i].key.n > 80 ? 80 : pairs[i].key.n);
        problem(c, 422, "the parameter \"%.*s\" is %s", shown, shown ? pairs[i].key.p : "",
                !x         ? "not one that is known here"
                : x->given ? "given more than once"
                           : "not a number that it can be");
        return false;
    }
    return true;
}

/* The revision that the path names. False after it has answered. */
static bool read_revision(struct rest_call *c, uint64_t *ret)
{
    struct str text = c->param[0];
    if (str_to_u64(text, INT64_MAX, ret) && (text.n == 1 || text.p[0] != '0'))
        return true;
    problem(c, 404, "there is no revision \"%.*s\": a revision is a number",
            (int)(text.n > 80 ? 80 : text.n), text.n ? text.p : "");
    return false;
}

/* --- revisions -------------------------------------------------------------------------------- */

static void add_text(struct buf *json, const char *key, struct str s)
{
    buf_addf(json, ",\"%s\":", key);
    value_json_string(json, s, 0);
}

/* Without the brace at the end. */
static bool add_revision(struct buf *json, const struct store_revision *r)
{
    ARENA_LOCAL(a, 4096);
    struct value at;
    if (!answer_time(&a, r->at, &at))
        return false;
    buf_addf(json, "{\"revision\":%llu,\"at\":", (unsigned long long)r->n);
    value_to_json(json, &at, 0);
    add_text(json, "who", r->who);
    add_text(json, "message", r->message);
    return !json->failed;
}

struct page {
    struct buf json;
    uint64_t limit, n, last;
    bool more;
};

static err_code add_to_page(void *arg, const struct store_revision *r, struct err *e)
{
    struct page *p = arg;
    p->more = p->n == p->limit;
    if (p->more)
        return ERR_OK;
    if (p->n++)
        buf_add_byte(&p->json, ',');
    p->last = r->n;
    if (!add_revision(&p->json, r))
        return err_set(e, ERR_NOMEM, "out of memory for a list");
    buf_addf(&p->json, ",\"changes\":%llu}", (unsigned long long)r->changes);
    return ERR_OK;
}

void revisions_list(struct rest_call *c)
{
    struct number numbers[] = {{"limit", 1, LIMIT_MAX, LIMIT_DEFAULT, false, false},
                               {"after", 1, INT64_MAX, 0, true, false}};
    if (!read_numbers(c, numbers, 2))
        return;
    struct page p = {.limit = numbers[0].value};
    struct err e = ERR_INIT;
    buf_in_arena(&p.json, c->q->arena, ANSWER_MAX);
    buf_add_lit(&p.json, "{\"items\":[");
    err_code code =
        service_revisions(c->service, numbers[1].value, p.limit + 1, add_to_page, &p, &e);
    buf_add_lit(&p.json, "],\"next\":\"");
    if (p.more)
        buf_addf(&p.json, "%llu", (unsigned long long)p.last);
    buf_add_lit(&p.json, "\"}");
    if (!code && p.json.failed)
        code = err_set(&e, ERR_NOMEM, "out of memory for a list");
    if (code)
        problem_err(c, &e, NULL);
    else
        answer_json(c, 200, buf_str(&p.json));
}

/* --- changes ---------------------------------------------------------------------------------- */

struct changes {
    struct buf json;
    size_t n;
    bool diffs, truncated;
};

static err_code add_diff(struct buf *json, const struct service_change *x, struct err *e)
{
    BUF_LOCAL(diff, DIFF_MAX);
    err_code code = service_change_diff(x, &diff, e);
    if (code)
        return code;
    if (diff.failed || diff.n > DIFF_TOLD) {
        buf_clear(&diff);
        buf_addf(&diff, "The differences are too large to be shown: from %zu bytes to %zu\n",
                 x->from.n, x->to.n);
    }
    add_text(json, "diff", buf_str(&diff));
    return ERR_OK;
}

static err_code add_change(void *arg, const struct service_change *x, struct err *e)
{
    struct changes *ch = arg;
    struct buf *json = &ch->json;
    if (json->n > ANSWER_FULL) {
        ch->truncated = true;
        return ERR_LIMIT;
    }
    if (ch->n++)
        buf_add_byte(json, ',');
    answer_change(json, &x->key, x->action);
    err_code code = ch->diffs ? add_diff(json, x, e) : ERR_OK;
    buf_add_byte(json, '}');
    if (!code && json->failed)
        code = err_set(e, ERR_NOMEM, "out of memory for the answer");
    return code;
}

/* Ends an object with its changes, and answers with it. */
static void answer_changes(struct rest_call *c, struct changes *ch, uint64_t from, uint64_t to)
{
    struct err e = ERR_INIT;
    buf_add_lit(&ch->json, ",\"changes\":[");
    err_code code = service_changes(c->service, from, to, add_change, ch, &e);
    if (code && !ch->truncated) {
        problem_err(c, &e, NULL);
        return;
    }
    buf_addf(&ch->json, "],\"truncated\":%s}", ch->truncated ? "true" : "false");
    if (ch->json.failed)
        problem(c, 500, "out of memory for the answer");
    else
        answer_json(c, 200, buf_str(&ch->json));
}

void revisions_get(struct rest_call *c)
{
    struct store_revision r;
    struct changes ch = {.diffs = false};
    struct err e = ERR_INIT;
    uint64_t n;
    if (!read_revision(c, &n))
        return;
    if (service_revision(c->service, n, c->q->arena, &r, &e)) {
        problem_err(c, &e, NULL);
        return;
    }
    buf_in_arena(&ch.json, c->q->arena, ANSWER_MAX);
    add_revision(&ch.json, &r);
    answer_changes(c, &ch, n - 1, n);
}

void revisions_diff(struct rest_call *c)
{
    struct number to = {"to", 0, INT64_MAX, 0, false, false};
    struct changes ch = {.diffs = true};
    struct err e = ERR_INIT;
    uint64_t from;
    if (!read_revision(c, &from) || !read_numbers(c, &to, 1))
        return;
    if (!to.given && service_newest(c->service, &to.value, &e)) {
        problem_err(c, &e, NULL);
        return;
    }
    buf_in_arena(&ch.json, c->q->arena, ANSWER_MAX);
    buf_addf(&ch.json, "{\"from\":%llu,\"to\":%llu", (unsigned long long)from,
             (unsigned long long)to.value);
    answer_changes(c, &ch, from, to.value);
}

void revisions_rollback(struct rest_call *c)
{
    struct service_author author = resource_author(c);
    struct findings f;
    struct err e = ERR_INIT;
    uint64_t n, revision;
    if (!read_revision(c, &n))
        return;
    findings_init(&f, c->q->arena);
    if (service_rollback(c->service, n, &author, &f, &revision, &e)) {
        problem_err(c, &e, &f);
        return;
    }
    struct value_pair p[] = {{STR("revision"), value_int((int64_t)revision)}};
    struct value v = value_map(VALUE_MAP, p, 1);
    answer_value(c, 200, &v);
    answer_revision(c, revision);
}
