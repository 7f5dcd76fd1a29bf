/* Tokens: made, listed and revoked by admins. A secret is in one answer, once. */
#include "rest/route.h"

#define LIST_MAX     (4u << 20)
#define TOKEN_FIELDS 7

static const char *const role_names[] = {
    [STORE_ROLE_READ] = "read", [STORE_ROLE_WRITE] = "write", [STORE_ROLE_ADMIN] = "admin"};

const char *rest_role_name(int role)
{
    return role >= STORE_ROLE_READ && role <= STORE_ROLE_ADMIN ? role_names[role] : "none";
}

/* --- what is answered ------------------------------------------------------------------------- */

/* secret: absent but for the one answer that has it. */
static bool token_value(struct arena *a, const struct store_token *t, struct str secret,
                        struct value *ret)
{
    struct value_pair *p = arena_calloc(a, TOKEN_FIELDS, sizeof *p);
    struct value created, expires, used;
    if (!p || !answer_time(a, t->created, &created) || !answer_time(a, t->expires, &expires) ||
        !answer_time(a, t->used, &used))
        return false;
    uint32_t n = 0;
    p[n++] = (struct value_pair){STR("id"), value_str(t->id)};
    p[n++] = (struct value_pair){STR("name"), value_str(t->name)};
    p[n++] = (struct value_pair){STR("role"), value_str(str_c(rest_role_name((int)t->role)))};
    p[n++] = (struct value_pair){STR("created"), created};
    p[n++] = (struct value_pair){STR("expires"), expires};
    p[n++] = (struct value_pair){STR("last_used"), used};
    if (secret.p)
        p[n++] = (struct value_pair){STR("token"), value_str(secret)};
    *ret = value_map(VALUE_MAP, p, n);
    return true;
}

struct list {
    struct buf json;
    size_t n;
};

static err_code add_token(void *arg, const struct store_token *t, struct err *e)
{
    struct list *l = arg;
    ARENA_LOCAL(a, 64 * 1024);
    struct value v;
    if (!token_value(&a, t, (struct str){NULL, 0}, &v))
        return err_set(e, ERR_NOMEM, "out of memory for a list");
    if (l->n++)
        buf_add_byte(&l->json, ',');
    value_to_json(&l->json, &v, 0);
    return ERR_OK;
}

void tokens_list(struct rest_call *c)
{
    struct list l = {.n = 0};
    struct err e = ERR_INIT;
    buf_in_arena(&l.json, c->q->arena, LIST_MAX);
    buf_add_lit(&l.json, "{\"items\":[");
    err_code code = service_tokens(c->service, add_token, &l, &e);
    buf_add_lit(&l.json, "],\"next\":\"\"}");
    if (!code && l.json.failed)
        code = err_set(&e, ERR_NOMEM, "out of memory for a list");
    if (code)
        problem_err(c, &e, NULL);
    else
        answer_json(c, 200, buf_str(&l.json));
}

/* --- what is asked for ------------------------------------------------------------------------ */

static void read_name(const struct value *v, struct service_new_token *t, struct findings *f)
{
    t->name = v && v->kind == VALUE_STRING ? value_as_str(*v) : STR("");
    if (!model_id_valid(t->name))
        findings_add(f, FINDING_ERROR, "/name", 0, 0,
                     "the name must be a string of 1 to %d bytes of A-Z a-z 0-9 . _ ~ - and not . "
                     "or ..",
                     MODEL_ID_MAX);
}

static void read_role(const struct value *v, struct service_new_token *t, struct findings *f)
{
    struct str name = v && v->kind == VALUE_STRING ? value_as_str(*v) : STR("");
    for (int role = STORE_ROLE_READ; role <= STORE_ROLE_ADMIN; role++)
        if (str_is(name, role_names[role]))
            t->role = (enum store_role)role;
    if (!t->role)
        findings_add(f, FINDING_ERROR, "/role", 0, 0, "the role must be read, write or admin");
}

static void read_lifetime(const struct value *v, struct service_new_token *t, struct findings *f)
{
    if (!v || v->kind == VALUE_NIL)
        return;
    bool good = v->kind == VALUE_FLOAT && v->f >= 1 && v->f <= SERVICE_TOKEN_LIFETIME_MAX &&
                v->f == (double)(uint64_t)v->f;
    if (good)
        t->lifetime = (uint64_t)v->f;
    else
        findings_add(f, FINDING_ERROR, "/expires_in", 0, 0,
                     "expires_in is a whole number of seconds, from 1 to %u; leave it out for a "
                     "token that never expires",
                     SERVICE_TOKEN_LIFETIME_MAX);
}

static void refuse_unknown(const struct value *v, struct findings *f)
{
    for (uint32_t i = 0; i < v->n; i++) {
        struct str key = v->map[i].key;
        if (str_is(key, "name") || str_is(key, "role") || str_is(key, "expires_in"))
            continue;
        int n = (int)(key.n > 80 ? 80 : key.n);
        findings_add(f, FINDING_ERROR, "", 0, 0,
                     "there is no key \"%.*s\" here; there are name, role and expires_in", n,
                     key.n ? key.p : "");
    }
}

/* Every finding is in f. */
static err_code read_request(struct rest_call *c, struct service_new_token *ret, struct findings *f,
                             struct err *e)
{
    struct value v;
    err_code code = value_from_json(c->q->arena, c->q->body, &v, e);
    if (code) {
        findings_add_err(f, FINDING_ERROR, e);
        return code;
    }
    if (v.kind != VALUE_MAP) {
        findings_add(f, FINDING_ERROR, "", 0, 0, "it must be an object");
    } else {
        read_name(value_get(&v, STR("name")), ret, f);
        read_role(value_get(&v, STR("role")), ret, f);
        read_lifetime(value_get(&v, STR("expires_in")), ret, f);
        refuse_unknown(&v, f);
    }
    return f->errors ? err_set(e, ERR_INVALID, "no token can be made from this") : ERR_OK;
}

void tokens_create(struct rest_call *c)
{
    struct service_new_token t = {.lifetime = 0};
    struct service_created_token made;
    struct findings f;
    struct err e = ERR_INIT;
    struct value v;
    findings_init(&f, c->q->arena);
    err_code code = read_request(c, &t, &f, &e);
    if (!code)
        code = service_token_create(c->service, &t, c->q->arena, &made, &e);
    if (!code && !token_value(c->q->arena, &made.token, made.secret, &v))
        code = err_set(&e, ERR_NOMEM, "out of memory for the answer");
    if (code) {
        problem_err(c, &e, &f);
        return;
    }
    answer_value(c, 201, &v);
    http_add_header(c->r, "Cache-Control", "no-store");
}

void tokens_delete(struct rest_call *c)
{
    struct err e = ERR_INIT;
    if (service_token_delete(c->service, c->param[0], &e))
        problem_err(c, &e, NULL);
    else
        c->r->status = 204;
}
