/* Why a machine gets what it gets, and what it gets. The query is the machine's labels. */
#include "base/enc.h"
#include "rest/route.h"

/* False after it has answered. */
static bool read_labels(struct rest_call *c, struct service_labels *ret)
{
    struct err e = ERR_INIT;
    err_code code = service_labels_read(c->q->arena, c->q->raw_query, ret, &e);
    if (code == ERR_LIMIT)
        problem(c, 422, "%s", e.msg);
    else if (code)
        problem_err(c, &e, NULL);
    return !code;
}

/* As a machine without a name for itself would ask on the boot plane. */
static struct service_question question_of(struct rest_call *c, const struct service_labels *l)
{
    return (struct service_question){
        .labels = &l->labels,
        .sent = &l->sent,
        .raw_query = c->q->raw_query.p ? c->q->raw_query : STR(""),
        .base = c->rest->boot_url,
        .grub_of_matchbox = !c->rest->boot_url_public,
    };
}

/* --- explain ---------------------------------------------------------------------------------- */

#define OBJECT_MAX 9

/* Memory for the answer; once it is out, what is made is not complete. */
struct making {
    struct arena *arena;
    bool failed;
};

struct object {
    struct value_pair *pairs; /* NULL: memory is out */
    uint32_t n;
};

static struct object object(struct making *m)
{
    struct object o = {arena_calloc(m->arena, OBJECT_MAX, sizeof *o.pairs), 0};
    m->failed |= !o.pairs;
    return o;
}

static void put(struct object *o, struct str key, struct value v)
{
    if (o->pairs)
        o->pairs[o->n++] = (struct value_pair){key, v};
}

static struct value object_value(const struct object *o)
{
    return value_map(VALUE_MAP, o->pairs, o->n);
}

/* Room for n items, NULL when memory is out. */
static struct value *items(struct making *m, uint32_t n)
{
    struct value *v = arena_calloc(m->arena, (size_t)n + 1, sizeof *v);
    m->failed |= !v;
    return v;
}

static struct value list_value(const struct value *v, uint32_t n)
{
    return (struct value){.kind = VALUE_LIST, .n = v ? n : 0, .list = v};
}

static struct value text_or_null(struct str s)
{
    return s.p ? value_str(s) : value_nil();
}

static struct value labels_value(struct making *m, const struct labels *l)
{
    struct value_pair *p = arena_calloc(m->arena, (size_t)l->n + 1, sizeof *p);
    m->failed |= !p;
    for (uint32_t i = 0; p && i < l->n; i++)
        p[i] = (struct value_pair){l->v[i].key, value_str(l->v[i].value)};
    return value_map(VALUE_MAP, p, p ? l->n : 0);
}

static struct str ignored_reason(enum service_ignored_why why)
{
    switch (why) {
    case SERVICE_IGNORED_REPEATED: return STR("the key is repeated: its first value counts");
    case SERVICE_IGNORED_MAC: return STR("it is not a MAC address");
    case SERVICE_IGNORED_JUNK:
        return STR("many machines have this value, so it identifies none and matches no group");
    case SERVICE_IGNORED_CLAIM: return STR("only a client certificate tells it");
    }
    return STR("it was not taken");
}

static struct value ignored_value(struct making *m, const struct service_labels *l)
{
    struct value *v = items(m, l->ignored_n + 1);
    uint32_t n = l->ignored_n;
    for (uint32_t i = 0; v && i < n; i++) {
        const struct service_ignored *x = &l->ignored[i];
        struct object o = object(m);
        put(&o, STR("key"), value_str(x->key));
        put(&o, STR("value"), value_str(x->value));
        put(&o, STR("reason"), value_str(ignored_reason(x->why)));
        v[i] = object_value(&o);
    }
    if (v && l->undecodable) {
        struct object o = object(m);
        put(&o, STR("reason"),
            value_str(STR("parts of the query have a ';' or are not percent-encoded")));
        v[n++] = object_value(&o);
    }
    return list_value(v, n);
}

/* What is wanted: a string, or a list of which one is. */
static struct value want_value(struct making *m, const struct service_predicate *x)
{
    if (!x->any)
        return value_str(x->want);
    struct value *v = items(m, x->any_n);
    for (uint32_t i = 0; v && i < x->any_n; i++)
        v[i] = value_str(x->any[i]);
    return list_value(v, x->any_n);
}

static struct value predicate_value(struct making *m, const struct service_predicate *x)
{
    struct object o = object(m);
    put(&o, STR("key"), value_str(x->key));
    put(&o, STR("want"), want_value(m, x));
    put(&o, STR("got"), text_or_null(x->got));
    put(&o, STR("held"), value_bool(x->held));
    return object_value(&o);
}

static struct value group_value(struct making *m, const struct service_ranked *g)
{
    struct value *v = items(m, g->predicates_n);
    for (uint32_t i = 0; v && i < g->predicates_n; i++)
        v[i] = predicate_value(m, &g->predicates[i]);
    struct object o = object(m);
    put(&o, STR("id"), value_str(g->id));
    put(&o, STR("matched"), value_bool(g->matched));
    put(&o, STR("predicates"), list_value(v, g->predicates_n));
    put(&o, STR("reason"), value_str(g->reason));
    if (g->shadowed_by.p)
        put(&o, STR("shadowed_by"), value_str(g->shadowed_by));
    return object_value(&o);
}

/* What the boot plane answers with. */
static int status_for_machine(err_code code)
{
    return code == ERR_OK ? 200 : code == ERR_NOT_FOUND ? 404 : code == ERR_BUSY ? 503 : 500;
}

static struct value error_text(struct making *m, const struct err *e)
{
    char text[sizeof *e];
    struct str kept = {NULL, 0};
    err_format(e, text, sizeof text);
    m->failed |= !arena_str(m->arena, str_c(text), &kept);
    return value_str(kept);
}

static struct value sum_value(struct making *m, const unsigned char sha256[32])
{
    struct buf sum;
    buf_in_arena(&sum, m->arena, 64);
    enc_hex(&sum, str_of((const char *)sha256, 32));
    m->failed |= sum.failed;
    return value_str(buf_str(&sum));
}

static struct value document_value(struct making *m, const struct service_explained_document *d)
{
    bool made = d->error.code == ERR_OK;
    struct object o = object(m);
    put(&o, STR("kind"), value_str(str_c(render_name(d->document))));
    put(&o, STR("template"), text_or_null(d->template));
    put(&o, STR("status"), value_int(status_for_machine(d->error.code)));
    put(&o, STR("sha256"), made ? sum_value(m, d->sha256) : value_nil());
    if (d->builtin)
        put(&o, STR("builtin"), value_bool(true));
    if (!made)
        put(&o, STR("error"), error_text(m, &d->error));
    return object_value(&o);
}

static struct value variable_value(struct making *m, const struct service_variable *x)
{
    static const struct str from[] = {[SERVICE_FROM_METADATA] = STR_INIT("metadata"),
                                      [SERVICE_FROM_SELECTOR] = STR_INIT("selector"),
                                      [SERVICE_FROM_REQUEST] = STR_INIT("request")};
    struct object o = object(m);
    put(&o, STR("name"), value_str(x->name));
    put(&o, STR("from"), value_str(from[x->from]));
    return object_value(&o);
}

static struct value explanation_value(struct making *m, const struct service_labels *l,
                                      const struct service_explanation *x)
{
    struct value *groups = items(m, x->groups_n);
    struct value *documents = items(m, x->documents_n);
    struct value *variables = items(m, x->variables_n);
    for (uint32_t i = 0; groups && i < x->groups_n; i++)
        groups[i] = group_value(m, &x->groups[i]);
    for (uint32_t i = 0; documents && i < x->documents_n; i++)
        documents[i] = document_value(m, &x->documents[i]);
    for (uint32_t i = 0; variables && i < x->variables_n; i++)
        variables[i] = variable_value(m, &x->variables[i]);
    struct object o = object(m);
    put(&o, STR("labels"), labels_value(m, &l->labels));
    put(&o, STR("ignored"), ignored_value(m, l));
    put(&o, STR("winner"), text_or_null(x->winner));
    put(&o, STR("groups"), list_value(groups, x->groups_n));
    put(&o, STR("profile"), text_or_null(x->profile));
    put(&o, STR("documents"), list_value(documents, x->documents_n));
    put(&o, STR("variables"), list_value(variables, x->variables_n));
    if (!x->groups_whole)
        put(&o, STR("partial"), value_bool(true));
    return object_value(&o);
}

void explain_labels(struct rest_call *c)
{
    struct service_labels l;
    struct service_explanation x;
    struct err e = ERR_INIT;
    if (!read_labels(c, &l))
        return;
    struct service_question q = question_of(c, &l);
    if (service_explain(c->service, &q, c->q->arena, &x, &e)) {
        problem_err(c, &e, NULL);
        return;
    }
    struct making m = {.arena = c->q->arena};
    struct value v = explanation_value(&m, &l, &x);
    if (m.failed) {
        problem(c, 500, "out of memory for the answer");
        return;
    }
    answer_value(c, 200, &v);
    answer_revision(c, x.revision);
}

/* --- render ----------------------------------------------------------------------------------- */

/*
 * A machine is told 500, so that it tries again. Here the server has done what it was asked: it is
 * the content that is not valid, and the findings say where.
 */
static void not_rendered(struct rest_call *c, struct err *e)
{
    struct findings f;
    findings_init(&f, c->q->arena);
    bool content = e->code != ERR_NOT_FOUND && e->code != ERR_BUSY && e->code != ERR_NOMEM;
    if (content) {
        findings_add_err(&f, FINDING_ERROR, e);
        e->code = ERR_INVALID;
    }
    problem_err(c, e, content ? &f : NULL);
}

static void answer_rendered(struct rest_call *c, enum render_document d,
                            const struct service_answer *a)
{
    c->r->status = 200;
    c->r->content_type = str_c(render_content_type(d));
    c->r->kind = a->held ? HTTP_BODY_HELD : HTTP_BODY_COPY;
    c->r->body = a->bytes;
    c->r->held = a->held;
    c->r->release = catalog_doc_release;
    struct buf match;
    buf_in_arena(&match, c->q->arena, 256);
    buf_addf(&match, "group=%.*s; revision=%llu", STR_FMT(a->group),
             (unsigned long long)a->revision);
    const char *text = buf_c(&match);
    if (text)
        http_add_header(c->r, "Vesta-Match", text);
    http_add_header(c->r, "X-Content-Type-Options", "nosniff");
    answer_revision(c, a->revision);
}

void explain_render(struct rest_call *c)
{
    struct service_labels l;
    struct service_answer a;
    struct err e = ERR_INIT;
    enum render_document d;
    if (!render_from_name(c->param[0], &d)) {
        problem(c, 404, "there is no kind of document \"%.*s\"", STR_FMT(c->param[0]));
        return;
    }
    if (!read_labels(c, &l))
        return;
    struct service_question q = question_of(c, &l);
    q.document = d;
    q.hide_secrets = !c->note->admin;
    if (service_answer(c->service, &q, c->q->arena, &a, &e))
        not_rendered(c, &e);
    else
        answer_rendered(c, d, &a);
}
