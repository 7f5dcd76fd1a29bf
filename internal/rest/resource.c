#include "base/utf8.h"
#include "rest/route.h"

#define MESSAGE_MAX 500

/* --- what a request is about ------------------------------------------------------------------ */

bool resource_kind(struct rest_call *c, struct str name, enum model_kind *ret)
{
    if (model_kind_from_name(name, ret))
        return true;
    struct buf known;
    buf_in_arena(&known, c->q->arena, 1024);
    for (int k = 0; k < MODEL_KINDS; k++)
        buf_addf(&known, "%s%s", k ? ", " : "", model_kind_name((enum model_kind)k));
    problem(c, 404, "there is no kind of template \"%.*s\"; there are %.*s", STR_FMT(name),
            STR_FMT(buf_str(&known)));
    return false;
}

/* False after it has answered. */
static bool key_of(struct rest_call *c, struct store_key *ret)
{
    struct store_key k = {.type = c->route->type, .name = c->param[0]};
    if (k.type == STORE_TEMPLATE) {
        if (!resource_kind(c, c->param[0], &k.kind))
            return false;
        k.name = c->param[1];
    }
    *ret = k;
    return true;
}

struct service_author resource_author(const struct rest_call *c)
{
    struct str message = http_header(c->q, "Vesta-Message");
    bool good = message.n <= MESSAGE_MAX && utf8_valid(message);
    return (struct service_author){c->note->who, good && message.n ? message : STR("")};
}

/* --- answers ---------------------------------------------------------------------------------- */

bool resource_template_value(struct arena *a, const struct store_key *k, const char *etag,
                             size_t size, uint64_t revision, struct value *ret)
{
    struct value_pair *p = arena_calloc(a, 5, sizeof *p);
    struct str tag;
    if (!p || !arena_str(a, str_c(etag), &tag))
        return false;
    uint32_t n = 0;
    p[n++] = (struct value_pair){STR("kind"), value_str(str_c(model_kind_name(k->kind)))};
    p[n++] = (struct value_pair){STR("name"), value_str(k->name)};
    p[n++] = (struct value_pair){STR("etag"), value_str(tag)};
    p[n++] = (struct value_pair){STR("size"), value_int((int64_t)size)};
    if (revision)
        p[n++] = (struct value_pair){STR("revision"), value_int((int64_t)revision)};
    *ret = value_map(VALUE_MAP, p, n);
    return true;
}

static void answer_template(struct rest_call *c, int status, const struct store_key *k,
                            const struct service_resource *s)
{
    struct value v;
    if (!resource_template_value(c->q->arena, k, s->etag, s->body.n, s->revision, &v)) {
        problem(c, 500, "out of memory for the answer");
        return;
    }
    answer_value(c, status, &v);
    answer_version(c, s->etag, s->revision);
}

static void answer_written(struct rest_call *c, const struct store_key *k,
                           const struct service_written *w, const struct findings *f)
{
    answer_findings(c, f);
    int status = w->created ? 201 : 200;
    if (k->type == STORE_TEMPLATE) {
        answer_template(c, status, k, &w->stored);
        return;
    }
    answer_json(c, status, w->stored.body);
    answer_version(c, w->stored.etag, w->stored.revision);
}

/* --- the methods ------------------------------------------------------------------------------ */

void resource_get(struct rest_call *c)
{
    struct store_key k;
    if (!key_of(c, &k))
        return;
    struct service_resource s;
    struct err e = ERR_INIT;
    if (service_get(c->service, &k, c->q->arena, &s, &e)) {
        problem_err(c, &e, NULL);
        return;
    }
    int status = condition_of_read(c->q, s.etag);
    if (status == 412) {
        problem(c, 412, "it is not the version that If-Match names");
        return;
    }
    answer_json(c, status, s.body);
    if (k.type == STORE_TEMPLATE)
        c->r->content_type = STR("application/octet-stream");
    answer_version(c, s.etag, s.revision);
}

typedef err_code write_call(struct service *s, const struct store_key *k, struct str body,
                            const struct service_condition *cond,
                            const struct service_author *author, struct findings *f,
                            struct service_written *ret, struct err *e);

static void write_with(struct rest_call *c, write_call *call)
{
    struct store_key k;
    struct service_condition cond;
    if (!key_of(c, &k) || !condition_of_write(c, &cond))
        return;
    struct service_author author = resource_author(c);
    struct service_written w;
    struct findings f;
    struct err e = ERR_INIT;
    findings_init(&f, c->q->arena);
    if (call(c->service, &k, c->q->body, &cond, &author, &f, &w, &e))
        problem_err(c, &e, &f);
    else
        answer_written(c, &k, &w, &f);
}

void resource_put(struct rest_call *c)
{
    write_with(c, service_put);
}

void resource_patch(struct rest_call *c)
{
    write_with(c, service_patch);
}

void resource_delete(struct rest_call *c)
{
    struct store_key k;
    struct service_condition cond;
    if (!key_of(c, &k) || !condition_of_write(c, &cond))
        return;
    struct service_author author = resource_author(c);
    uint64_t revision;
    struct err e = ERR_INIT;
    if (service_delete(c->service, &k, &cond, &author, &revision, &e)) {
        problem_err(c, &e, NULL);
        return;
    }
    c->r->status = 204;
    answer_revision(c, revision);
}
