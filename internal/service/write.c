#include <stdio.h>

#include "base/etag.h"
#include "service/state.h"
#include "value/value.h"

#define JOB_ARENA_MAX (64u << 20)

/* One put or patch, on the caller's stack while another thread may run it. */
struct put_job {
    struct service *service;
    const struct store_key *key;
    struct str body; /* the new text; for a patch, what is merged in */
    bool patch;
    const struct service_condition *cond;
    struct findings *findings;
    struct arena *arena;
    struct store_resource checked; /* of a put: found valid before the job runs */
    struct findings found;         /* by that */
    bool changed;                  /* it has made a revision */
    struct service_written result;
};

static const char *type_name(enum store_type t)
{
    return t == STORE_GROUP ? "group" : t == STORE_PROFILE ? "profile" : "template";
}

static err_code check_condition(const struct service_condition *cond, const struct store_key *k,
                                bool there, const char *etag, struct err *e)
{
    if (cond->none_match && there)
        return err_set(e, ERR_STALE, "the %s \"%.*s\" is there already", type_name(k->type),
                       STR_FMT(k->name));
    if (cond->match.p && !there)
        return err_set(e, ERR_STALE, "the %s \"%.*s\" is not there", type_name(k->type),
                       STR_FMT(k->name));
    if (cond->match.p && !etag_in_list(cond->match, etag, true))
        return err_set(e, ERR_STALE,
                       "the %s \"%.*s\" was changed by somebody else: read it again and repeat "
                       "your change",
                       type_name(k->type), STR_FMT(k->name));
    return ERR_OK;
}

void add_dangling(const struct store_ref *ref, struct findings *f)
{
    char pointer[40] = "/profile";
    if (ref->type == STORE_TEMPLATE)
        snprintf(pointer, sizeof pointer, "/%s", model_kind_key(ref->kind));
    findings_add(f, FINDING_ERROR, pointer, 0, 0, "there is no %s%s%s \"%.*s\": create it first",
                 ref->type == STORE_TEMPLATE ? model_kind_name(ref->kind) : "",
                 ref->type == STORE_TEMPLATE ? " " : "", type_name(ref->type), STR_FMT(ref->name));
}

void check_references(struct store_txn *t, const struct store_resource *r, struct findings *f)
{
    for (uint32_t i = 0; i < r->refs_n; i++) {
        const struct store_ref *ref = &r->refs[i];
        struct store_key k = {ref->type, ref->kind, ref->name};
        if (!store_txn_exists(t, &k))
            add_dangling(ref, f);
    }
}

err_code check_selector(struct store_txn *t, const struct store_resource *r, struct arena *a,
                        struct err *e)
{
    if (r->key.type != STORE_GROUP)
        return ERR_OK;
    struct str other;
    err_code c = store_txn_selector_owner(t, r->selector, r->key.name, a, &other, e);
    if (c == ERR_NOT_FOUND)
        return ERR_OK;
    if (c)
        return c;
    return err_set(e, ERR_CONFLICT,
                   "group \"%.*s\" has the same selector: a machine could not tell them apart. "
                   "Change the selector, or change that group",
                   STR_FMT(other));
}

static err_code found_one(void *arg, const struct store_resource *r, struct err *e)
{
    (void)r;
    (void)e;
    *(bool *)arg = true;
    return ERR_OK;
}

/* In a site directory a name cannot be a file and a folder at once. */
static err_code check_name(struct store_txn *t, const struct store_key *k, struct arena *a,
                           struct err *e)
{
    if (k->type != STORE_TEMPLATE)
        return ERR_OK;
    for (size_t i = 0; i < k->name.n; i++) {
        struct store_key folder = {STORE_TEMPLATE, k->kind, str_sub(k->name, 0, i)};
        if (k->name.p[i] == '/' && store_txn_exists(t, &folder))
            return err_set(
                e, ERR_CONFLICT,
                "the template \"%.*s\" is there: in a site directory it cannot be a file "
                "and a folder at once",
                STR_FMT(folder.name));
    }
    struct buf prefix;
    buf_in_arena(&prefix, a, MODEL_NAME_PARTS * (MODEL_ID_MAX + 1));
    buf_add_str(&prefix, k->name);
    buf_add_byte(&prefix, '/');
    struct store_list l = {.type = STORE_TEMPLATE,
                           .one_kind = true,
                           .kind = k->kind,
                           .prefix = buf_str(&prefix),
                           .limit = 1};
    bool found = false;
    err_code c = store_txn_for_each(t, &l, found_one, &found, e);
    if (!c && found)
        c = err_set(
            e, ERR_CONFLICT,
            "templates below \"%.*s/\" are there: in a site directory it cannot be a file and "
            "a folder at once",
            STR_FMT(k->name));
    return c;
}

/* RFC 7396, 2. */
static err_code merge(struct arena *a, const struct value *target, const struct value *patch,
                      int depth, struct value *ret, struct err *e)
{
    if (patch->kind != VALUE_MAP || depth > 512) {
        *ret = *patch;
        return ERR_OK;
    }
    uint32_t had = target && target->kind == VALUE_MAP ? target->n : 0;
    struct value_pair *p = arena_calloc(a, (size_t)had + patch->n + 1, sizeof *p);
    if (!p)
        return err_set(e, ERR_NOMEM, "out of memory while merging");
    uint32_t n = 0;
    for (uint32_t i = 0; i < had; i++)
        if (!value_get(patch, target->map[i].key))
            p[n++] = target->map[i];
    for (uint32_t i = 0; i < patch->n; i++) {
        if (patch->map[i].v.kind == VALUE_NIL)
            continue;
        p[n].key = patch->map[i].key;
        const struct value *old = had ? value_get(target, p[n].key) : NULL;
        err_code c = merge(a, old, &patch->map[i].v, depth + 1, &p[n].v, e);
        if (c)
            return c;
        n++;
    }
    *ret = value_map(VALUE_MAP, p, n);
    return ERR_OK;
}

static err_code merged_body(struct put_job *j, struct str current, struct str *ret, struct err *e)
{
    struct value target, patch, merged;
    struct err syntax = ERR_INIT;
    err_code c = value_from_json(j->arena, current, &target, e);
    if (c)
        return c;
    c = value_from_json(j->arena, j->body, &patch, &syntax);
    if (c) {
        findings_add_err(j->findings, FINDING_ERROR, &syntax);
        if (e)
            *e = syntax;
        return c;
    }
    c = merge(j->arena, &target, &patch, 0, &merged, e);
    if (c)
        return c;
    struct buf text;
    buf_in_arena(&text, j->arena, 4 * MODEL_RESOURCE_MAX);
    value_to_json(&text, &merged, 0);
    if (text.failed)
        return err_set(e, ERR_LIMIT, "the merged resource is too large");
    *ret = buf_str(&text);
    return ERR_OK;
}

/* --- the site before a put, in the transaction that has it ---- */

/* Adds a finding if a key of the body refers to what is not there. */
static void check_key(const struct put_job *j, struct store_txn *t, const struct value *body,
                      const char *key, struct store_ref ref)
{
    const struct value *name = value_get(body, str_c(key));
    if (!name || name->kind != VALUE_STRING)
        return;
    ref.name = value_as_str(*name);
    bool one = ref.type == STORE_PROFILE;
    if (!(one ? model_id_valid(ref.name) : model_name_valid(ref.name)))
        return;
    struct store_key k = {ref.type, ref.kind, ref.name};
    struct store_resource r;
    bool there = t ? store_txn_exists(t, &k)
                   : store_get(j->service->store, &k, j->arena, &r, NULL) != ERR_NOT_FOUND;
    if (!there)
        add_dangling(&ref, j->findings);
}

/*
 * validate_resource, which looks no further than the body. What it refuses may refer to what is not
 * there, too: that is told at once, and not when the rest is mended. t may be NULL.
 */
static err_code validate(const struct put_job *j, struct store_txn *t, struct str text,
                         struct store_resource *ret, struct err *e)
{
    err_code c = validate_resource(j->service->secrets, j->arena, j->key, text, MODEL_STRICT,
                                   j->findings, ret, e);
    struct value body;
    if (c != ERR_INVALID || j->key->type == STORE_TEMPLATE ||
        value_from_json(j->arena, text, &body, NULL) != ERR_OK)
        return c;
    size_t before = j->findings->errors;
    if (j->key->type == STORE_GROUP)
        check_key(j, t, &body, "profile", (struct store_ref){.type = STORE_PROFILE});
    for (int k = 0; k < MODEL_PROFILE_KINDS && j->key->type == STORE_PROFILE; k++)
        check_key(j, t, &body, model_kind_key((enum model_kind)k),
                  (struct store_ref){STORE_TEMPLATE, (enum model_kind)k, {NULL, 0}});
    if (j->findings->errors > before)
        err_set(e, c, "%s %.*s is not valid: %zu findings", type_name(j->key->type),
                STR_FMT(j->key->name), j->findings->errors);
    return c;
}

struct before_put {
    const struct store_key *key;
    struct str body; /* absent: it was not there */
};

static err_code over_put(void *ctx, const struct store_key *k, struct arena *a, bool *ret_decides,
                         struct str *ret_body, struct err *e)
{
    const struct before_put *b = ctx;
    (void)a;
    (void)e;
    *ret_decides = k->type == b->key->type && str_eq(k->name, b->key->name) &&
                   (k->type != STORE_TEMPLATE || k->kind == b->key->kind);
    *ret_body = b->body;
    return ERR_OK;
}

static void over_put_files(void *ctx, struct str prefix, state_name *add, void *arg)
{
    const struct before_put *b = ctx;
    bool file = b->key->type == STORE_TEMPLATE && b->key->kind == MODEL_FILES;
    if (file && b->body.p && str_starts(b->key->name, prefix))
        add(arg, b->key->name);
}

static err_code check_put(struct store_txn *t, struct put_job *j, struct str was, struct err *e)
{
    struct before_put before = {j->key, was};
    struct state state = {.txn = t, .over = over_put, .files = over_put_files, .ctx = &before};
    err_code c = check_documents(j->service, t, &state, j->key, 1, j->findings, e);
    if (!c && j->findings->errors)
        c = err_set(e, ERR_INVALID, "with this %s \"%.*s\" machines would get no config",
                    type_name(j->key->type), STR_FMT(j->key->name));
    return c;
}

static err_code run_put(struct store_txn *t, void *arg, struct err *e)
{
    struct put_job *j = arg;
    struct store_resource now = {0}, next = j->checked;
    char etag[SERVICE_ETAG_MAX] = "";
    err_code c = store_txn_get(t, j->key, j->arena, &now, e);
    if (c && c != ERR_NOT_FOUND)
        return c;
    bool there = !c;
    if (there)
        service_etag(j->key, now.body, etag);
    if (j->patch && !there)
        return err_set(e, ERR_NOT_FOUND, "there is no %s \"%.*s\"", type_name(j->key->type),
                       STR_FMT(j->key->name));
    c = check_condition(j->cond, j->key, there, etag, e);
    if (c)
        return c;
    findings_restore(j->findings, &j->found);
    if (j->patch) {
        struct str body;
        c = merged_body(j, now.body, &body, e);
        if (!c)
            c = validate(j, t, body, &next, e);
        if (c)
            return c;
    }
    check_references(t, &next, j->findings);
    if (j->findings->errors)
        return err_set(e, ERR_INVALID, "the %s \"%.*s\" is not valid", type_name(j->key->type),
                       STR_FMT(j->key->name));
    c = check_selector(t, &next, j->arena, e);
    if (!c && !there)
        c = check_name(t, j->key, j->arena, e);
    uint64_t before = store_txn_revision(t);
    if (!c)
        c = store_txn_put(t, &next, e);
    if (!c)
        c = check_put(t, j, there ? now.body : (struct str){NULL, 0}, e);
    if (c)
        return c;
    j->changed = store_txn_revision(t) > before;
    j->result = (struct service_written){.created = !there};
    service_etag(j->key, next.body, j->result.stored.etag);
    /* The same text again keeps the revision that it has; a new one is known after the commit. */
    if (there && str_eq(now.body, next.body))
        j->result.stored.revision = now.revision;
    if (!arena_str(j->findings->arena, next.body, &j->result.stored.body))
        return err_set(e, ERR_NOMEM, "out of memory while writing");
    return ERR_OK;
}

static err_code write_resource(struct service *s, struct put_job *j,
                               const struct service_author *author, struct service_written *ret,
                               struct err *e)
{
    ARENA_LOCAL(arena, JOB_ARENA_MAX);
    // cppcheck-suppress autoVariables ; the job is the caller's, and does not outlive this call
    j->arena = &arena;
    err_code c = ERR_OK;
    if (!j->patch)
        c = validate(j, NULL, j->body, &j->checked, e);
    if (c)
        return c;
    j->found = *j->findings;
    struct store_note note = {author->who, author->message};
    uint64_t revision = 0;
    c = store_write(s->store, &note, run_put, j, &revision, e);
    struct store_change own = {revision, false, {.key = *j->key, .body = j->result.stored.body}};
    if (!c)
        c = follower_wait(s, revision, j->changed ? &own : NULL, e);
    if (c)
        return c;
    if (!j->result.stored.revision)
        j->result.stored.revision = revision;
    *ret = j->result;
    return ERR_OK;
}

err_code service_put(struct service *s, const struct store_key *k, struct str body,
                     const struct service_condition *cond, const struct service_author *author,
                     struct findings *f, struct service_written *ret, struct err *e)
{
    struct put_job j = {.service = s, .key = k, .body = body, .cond = cond, .findings = f};
    return write_resource(s, &j, author, ret, e);
}

err_code service_patch(struct service *s, const struct store_key *k, struct str patch,
                       const struct service_condition *cond, const struct service_author *author,
                       struct findings *f, struct service_written *ret, struct err *e)
{
    if (k->type == STORE_TEMPLATE)
        return err_set(e, ERR_UNSUPPORTED, "a template is bytes: replace it as a whole");
    struct put_job j = {
        .service = s, .key = k, .body = patch, .patch = true, .cond = cond, .findings = f};
    return write_resource(s, &j, author, ret, e);
}

/* --- delete ------------------------------------------------------------------------------------
 */

#define USERS_SHOWN 5

struct delete_job {
    const struct store_key *key;
    const struct service_condition *cond;
};

err_code check_users(struct store_txn *t, const struct store_key *k, struct arena *a, struct err *e)
{
    struct store_key users[USERS_SHOWN + 1];
    uint32_t n = 0;
    err_code c = store_txn_users(t, k, a, users, USERS_SHOWN + 1, &n, e);
    if (c || n == 0)
        return c;
    BUF_LOCAL(names, 4096);
    for (uint32_t i = 0; i < n && i < USERS_SHOWN; i++)
        buf_addf(&names, "%s%s \"%.*s\"", i ? ", " : "", type_name(users[i].type),
                 STR_FMT(users[i].name));
    if (n > USERS_SHOWN)
        buf_add_lit(&names, " and more");
    const char *text = buf_c(&names);
    return err_set(e, ERR_CONFLICT, "the %s \"%.*s\" is used by %s: change or delete them first",
                   type_name(k->type), STR_FMT(k->name), text ? text : "others");
}

static err_code run_delete(struct store_txn *t, void *arg, struct err *e)
{
    struct delete_job *j = arg;
    ARENA_LOCAL(a, JOB_ARENA_MAX);
    struct store_resource now;
    err_code c = store_txn_get(t, j->key, &a, &now, e);
    if (c == ERR_NOT_FOUND)
        return err_set(e, ERR_NOT_FOUND, "there is no %s \"%.*s\"", type_name(j->key->type),
                       STR_FMT(j->key->name));
    if (c)
        return c;
    char etag[SERVICE_ETAG_MAX];
    service_etag(j->key, now.body, etag);
    c = check_condition(j->cond, j->key, true, etag, e);
    if (!c)
        c = check_users(t, j->key, &a, e);
    return c ? c : store_txn_delete(t, j->key, e);
}

err_code service_delete(struct service *s, const struct store_key *k,
                        const struct service_condition *cond, const struct service_author *author,
                        uint64_t *ret_revision, struct err *e)
{
    struct delete_job j = {k, cond};
    struct store_note note = {author->who, author->message};
    uint64_t revision = 0;
    err_code c = store_write(s->store, &note, run_delete, &j, &revision, e);
    struct store_change own = {revision, true, {.key = *k}};
    if (!c)
        c = follower_wait(s, revision, &own, e);
    if (!c)
        *ret_revision = revision;
    return c;
}

/* --- reading -----------------------------------------------------------------------------------
 */

err_code service_get(struct service *s, const struct store_key *k, struct arena *a,
                     struct service_resource *ret, struct err *e)
{
    struct store_resource r;
    err_code c = store_get(s->store, k, a, &r, e);
    if (c == ERR_NOT_FOUND)
        return err_set(e, c, "there is no %s \"%.*s\"", type_name(k->type), STR_FMT(k->name));
    if (c)
        return c;
    ret->body = r.body;
    ret->revision = r.revision;
    service_etag(k, r.body, ret->etag);
    return ERR_OK;
}

err_code service_list(struct service *s, const struct store_list *l, store_each *each, void *arg,
                      struct err *e)
{
    return store_for_each(s->store, l, each, arg, e);
}
