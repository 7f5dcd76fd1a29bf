/*
 * POST /plan and /apply. The answer is written while the plan is computed, and lists every change,
 * so it may be large: it goes to a file without a name from a size on, as large bodies do.
 */
#include <stdlib.h>

#include "base/query.h"
#include "http/body.h"
#include "rest/route.h"

#define PARAMETERS_MAX 8
#define ITEM_MAX       (16u << 20) /* bytes of one change or document as JSON */
#define PIECE          (64u << 10) /* bytes that are written at once */
#define ANSWER_MAX     ((uint64_t)2 << 30)
#define IN_MEMORY_MAX  (256u << 10) /* bytes of an answer that is compressed if the client likes */

struct writing {
    const struct rest_call *call;
    struct body *answer; /* on the heap: the response may outlive the handler */
    struct buf item;
    bool documents; /* the list that is being written */
    bool more;      /* something is in it */
};

/* --- the question ------------------------------------------------------------------------------
 */

static bool read_parameter(struct str key, struct str value, struct service_plan_options *o)
{
    if (str_is(key, "prune")) {
        o->prune = str_is(value, "true");
        return o->prune || str_is(value, "false");
    }
    if (!str_is(key, "base") || o->has_base)
        return false;
    o->has_base = true;
    return str_to_u64(value, INT64_MAX, &o->base);
}

/* False after it has answered. */
static bool read_options(struct rest_call *c, struct service_plan_options *ret)
{
    struct query_pair *pairs;
    uint32_t n, dropped;
    struct err e = ERR_INIT;
    *ret = (struct service_plan_options){.boot_url = c->rest->boot_url};
    err_code code =
        query_read(c->q->arena, c->q->raw_query, PARAMETERS_MAX, &pairs, &n, &dropped, &e);
    if (code || dropped) {
        problem(c, code == ERR_NOMEM ? 500 : 422, "%s",
                code ? e.msg : "the query is not percent-encoded as it should be");
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (read_parameter(pairs[i].key, pairs[i].value, ret))
            continue;
        int shown = (int)(pairs[i].key.n > 80 ? 80 : pairs[i].key.n);
        problem(c, 422,
                "the parameter \"%.*s\" is not one that is taken here: prune=true and "
                "base=REVISION are, once each",
                shown, shown ? pairs[i].key.p : "");
        return false;
    }
    return true;
}

/* --- the answer --------------------------------------------------------------------------------
 */

/* Unless it is so little that more should come first. */
static err_code flush(struct writing *w, size_t least, struct err *e)
{
    if (w->item.failed)
        return err_set(e, ERR_NOMEM, "out of memory for the answer");
    if (w->item.n < least)
        return ERR_OK;
    struct body_trouble t = body_add(w->answer, w->item.p, w->item.n);
    buf_clear(&w->item);
    if (t.status == 413)
        return err_set(e, ERR_LIMIT, "the answer would be larger than %llu bytes",
                       (unsigned long long)ANSWER_MAX);
    return t.status ? err_set(e, t.status == 507 ? ERR_IO : ERR_NOMEM,
                              "the answer cannot be kept: %s", t.why)
                    : ERR_OK;
}

static void begin(void *arg)
{
    struct writing *w = arg;
    body_free(w->answer);
    body_init(w->answer, ANSWER_MAX, w->call->rest->spool_dir);
    buf_clear(&w->item);
    w->documents = w->more = false;
    buf_add_lit(&w->item, "{\"changes\":[");
}

static void begin_documents(struct writing *w)
{
    if (!w->documents)
        buf_add_lit(&w->item, "],\"documents\":[");
    w->more = w->more && w->documents;
    w->documents = true;
}

static void add_text(struct buf *json, const char *key, struct str s)
{
    buf_addf(json, ",\"%s\":", key);
    value_json_string(json, s, 0);
}

static err_code add_change(void *arg, const struct service_plan_change *x, struct err *e)
{
    struct writing *w = arg;
    if (w->more)
        buf_add_byte(&w->item, ',');
    w->more = true;
    answer_change(&w->item, &x->key, x->action);
    if (x->diff.p)
        add_text(&w->item, "diff", x->diff);
    buf_add_byte(&w->item, '}');
    return flush(w, PIECE, e);
}

static err_code add_document(void *arg, const struct service_plan_document *x, struct err *e)
{
    struct writing *w = arg;
    begin_documents(w);
    if (w->more)
        buf_add_byte(&w->item, ',');
    w->more = true;
    buf_addf(&w->item, "{\"group\":\"%.*s\",\"kind\":\"%s\"", STR_FMT(x->group),
             render_name(x->document));
    if (x->diff.p)
        add_text(&w->item, "diff", x->diff);
    buf_add_byte(&w->item, '}');
    return flush(w, PIECE, e);
}

static void add_count(struct buf *json, const char *key, uint64_t n)
{
    buf_addf(json, "\"%s\":%llu", key, (unsigned long long)n);
}

static err_code end(struct writing *w, const struct service_planned *p, const struct findings *f,
                    struct err *e)
{
    const struct {
        const char *key;
        uint64_t n;
    } counts[] = {{"added", p->added},
                  {"changed", p->changed},
                  {"removed", p->removed},
                  {"unchanged", p->unchanged},
                  {"groups", p->groups},
                  {"groups_left_out", p->groups_left_out},
                  {"documents", p->documents},
                  {"documents_left_out", p->documents_left_out},
                  {"diffs_left_out", p->diffs_left_out}};
    struct value findings;
    if (!problem_findings(w->call->q->arena, f, &findings))
        return err_set(e, ERR_NOMEM, "out of memory for the answer");
    begin_documents(w);
    buf_add_lit(&w->item, "],\"findings\":");
    value_to_json(&w->item, &findings, 0);
    buf_add_lit(&w->item, ",\"summary\":{");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (i)
            buf_add_byte(&w->item, ',');
        add_count(&w->item, counts[i].key, counts[i].n);
    }
    buf_add_lit(&w->item, "},");
    add_count(&w->item, "revision", p->revision);
    buf_add_byte(&w->item, '}');
    return flush(w, 0, e);
}

static void release(void *answer)
{
    body_free(answer);
    free(answer);
}

/* Hands the answer over; w->answer is gone afterwards. */
static void send_answer(struct rest_call *c, struct writing *w)
{
    struct str whole, copy;
    struct body_trouble t = body_whole(w->answer, &whole);
    if (t.status) {
        problem(c, 503, "the answer cannot be read back: %s", t.why);
        release(w->answer);
    } else if (whole.n <= IN_MEMORY_MAX && arena_str(c->q->arena, whole, &copy)) {
        release(w->answer);
        answer_json(c, 200, copy);
    } else {
        answer_json(c, 200, whole);
        c->json = false; /* it is sent as it is, not compressed */
        c->r->kind = HTTP_BODY_HELD;
        c->r->release = release;
        c->r->held = w->answer;
    }
    w->answer = NULL;
}

/* --- the calls ---------------------------------------------------------------------------------
 */

static void run(struct rest_call *c, struct writing *w, bool apply)
{
    struct service_plan_options o;
    struct service_planned done;
    struct findings f;
    struct err e = ERR_INIT;
    if (!read_options(c, &o))
        return;
    const struct service_plan_sink sink = {begin, add_change, add_document, w};
    struct service_author author = resource_author(c);
    struct service_bundle b = {c->q->body.p ? c->q->body : STR(""),
                               str_ieq(body_type(c), STR("application/x-ndjson"))};
    findings_init(&f, c->q->arena);
    err_code code = apply ? service_apply(c->service, &b, &o, &author, &sink, &f, &done, &e)
                          : service_plan(c->service, &b, &o, &sink, &f, &done, &e);
    if (!code)
        code = end(w, &done, &f, &e);
    if (code) {
        problem_err(c, &e, &f);
        return;
    }
    send_answer(c, w);
    answer_revision(c, done.revision);
}

static void plan_or_apply(struct rest_call *c, bool apply)
{
    struct writing w = {.call = c, .answer = malloc(sizeof *w.answer)};
    if (!w.answer) {
        problem(c, 500, "out of memory for the answer");
        return;
    }
    body_init(w.answer, ANSWER_MAX, NULL);
    buf_init(&w.item, ITEM_MAX);
    run(c, &w, apply);
    buf_free(&w.item);
    if (w.answer)
        release(w.answer);
}

void plan_bundle(struct rest_call *c)
{
    plan_or_apply(c, false);
}

void apply_bundle(struct rest_call *c)
{
    plan_or_apply(c, true);
}
