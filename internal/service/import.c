#include <unistd.h>

#include "ignition/ignition.h"
#include "service/site.h"

#define FILE_ARENA_MAX (128u << 20)

struct importing {
    struct secrets *secrets; /* NULL in a dry run, which makes no key */
    const struct service_import *in;
    struct store_txn *txn; /* NULL: nothing is compared with what is stored */
    struct findings *findings;
    struct service_imported result;
    bool finished;
    uint64_t files;
};

static void count(enum store_type type, size_t *groups, size_t *profiles, size_t *templates)
{
    ++*(type == STORE_GROUP ? groups : type == STORE_PROFILE ? profiles : templates);
}

/* A reference to what is not there is kept, as matchbox keeps it: it may come later. */
static void warn_dangling(struct importing *im, const struct store_resource *r)
{
    for (uint32_t i = 0; i < r->refs_n; i++) {
        const struct store_ref *ref = &r->refs[i];
        struct store_key k = {ref->type, ref->kind, ref->name};
        if (store_txn_exists(im->txn, &k))
            continue;
        if (ref->type == STORE_PROFILE)
            findings_add(im->findings, FINDING_WARNING, "/profile", 0, 0,
                         "there is no profile \"%.*s\": its documents will be 404",
                         STR_FMT(ref->name));
        else
            findings_add(im->findings, FINDING_WARNING, NULL, 0, 0,
                         "there is no %s template \"%.*s\": that document will be 404",
                         model_kind_name(ref->kind), STR_FMT(ref->name));
    }
}

static void warn_shadowed(struct importing *im, const struct store_resource *r, struct arena *a)
{
    struct str other;
    if (r->key.type != STORE_GROUP ||
        store_txn_selector_owner(im->txn, r->selector, r->key.name, a, &other, NULL) != ERR_OK)
        return;
    bool first = str_cmp(r->key.name, other) < 0;
    struct str winner = first ? r->key.name : other;
    struct str loser = first ? other : r->key.name;
    findings_add(im->findings, FINDING_WARNING, "/selector", 0, 0,
                 "groups \"%.*s\" and \"%.*s\" have the same selector: the first is active, the "
                 "second is shadowed and gets no machines",
                 STR_FMT(winner), STR_FMT(loser));
}

/*
 * An Ignition config that is there and broken is answered 500, and the machine asks again until it
 * is repaired; one that is not there would be 404, at which the machine gives up.
 */
static bool kept_though_broken(const struct site_file *f, struct store_resource *ret)
{
    if (f->key.type != STORE_TEMPLATE || f->key.kind != MODEL_IGNITION ||
        !ignition_is_raw(f->key.name) || !model_name_valid(f->key.name))
        return false;
    *ret = (struct store_resource){.key = f->key, .body = f->bytes, .selector = STR("")};
    return true;
}

static err_code import_file(void *arg, const struct site_file *f, struct err *e)
{
    struct importing *im = arg;
    if (im->in->progress && !im->in->progress(im->in->progress_arg, ++im->files, 0))
        return err_set(e, ERR_BUSY, "stopped: nothing was imported");
    ARENA_LOCAL(a, FILE_ARENA_MAX);
    struct store_resource r;
    struct err why = ERR_INIT;
    size_t errors = im->findings->errors;
    err_code c =
        validate_resource(im->secrets, &a, &f->key, f->bytes, MODEL_IMPORT, im->findings, &r, &why);
    if (c == ERR_NOMEM) {
        if (e)
            *e = why;
        return c;
    }
    if (c && im->findings->errors == errors)
        findings_add_err(im->findings, FINDING_ERROR, &why);
    if (c && im->in->skip_invalid && kept_though_broken(f, &r)) {
        findings_add(im->findings, FINDING_WARNING, NULL, 0, 0,
                     "kept as it is; machines that ask for it get a 500 until it is repaired");
        c = ERR_OK;
    }
    if (c) {
        im->result.skipped++;
        return ERR_OK;
    }
    count(f->key.type, &im->result.groups, &im->result.profiles, &im->result.templates);
    if (!im->txn)
        return ERR_OK;
    warn_dangling(im, &r);
    warn_shadowed(im, &r, &a);
    return store_txn_put(im->txn, &r, e);
}

static err_code import_all(struct store_txn *txn, void *arg, struct err *e)
{
    struct importing *im = arg;
    im->txn = txn;
    im->result = (struct service_imported){0};
    findings_init(im->findings, im->findings->arena);
    err_code c = site_walk(im->in->dir, im->findings, import_file, im, e);
    if (c)
        return c;
    if (im->findings->errors && !im->in->skip_invalid)
        return err_set(e, ERR_INVALID,
                       "%zu error%s: nothing was imported. Repair the files, or leave them out "
                       "with --skip-invalid",
                       im->findings->errors, im->findings->errors == 1 ? "" : "s");
    im->finished = true;
    /* A dry run undoes what it did by failing; service_import takes that for success. */
    return im->in->dry_run ? err_set(e, ERR_STALE, "dry run") : ERR_OK;
}

err_code service_import(struct service *s, const struct service_import *in, struct findings *f,
                        struct service_imported *ret, struct err *e)
{
    struct importing im = {.in = in, .findings = f};
    im.secrets = s && !in->dry_run ? s->secrets : NULL;
    err_code c;
    uint64_t revision = 0;
    if (s) {
        struct store_note note = {in->author.who, in->author.message};
        c = store_write(s->store, &note, import_all, &im, &revision, e);
    } else {
        c = import_all(NULL, &im, e);
    }
    if (in->dry_run && im.finished && c == ERR_STALE)
        c = ERR_OK;
    if (!c && s)
        c = follower_wait(s, revision, NULL, e);
    im.result.revision = revision;
    *ret = im.result;
    return c;
}

/* --- export ------------------------------------------------------------------------------------
 */

struct exporting {
    int dir;
    struct secrets *reveal; /* NULL: they stay sealed */
    struct service_exported result;
    store_progress *progress;
    void *arg;
    uint64_t files;
};

static err_code reveal_secrets(const struct exporting *x, const struct store_key *k,
                               struct arena *a, struct value *group, struct err *e)
{
    for (uint32_t i = 0; i < group->n; i++)
        if (str_is(group->map[i].key, "metadata")) {
            struct value metadata = group->map[i].v;
            err_code c = secrets_open(x->reveal, a, k->name, &metadata, e);
            if (c) {
                err_prefix(e, "group \"%.*s\"", STR_FMT(k->name));
                return c;
            }
            struct value_pair *p = arena_alloc(a, group->n * sizeof *p);
            if (!p)
                return err_set(e, ERR_NOMEM, "out of memory while exporting");
            memcpy(p, group->map, group->n * sizeof *p);
            p[i].v = metadata;
            group->map = p;
            return ERR_OK;
        }
    return ERR_OK;
}

static err_code export_resource(void *arg, const struct store_change *c, struct err *e)
{
    struct exporting *x = arg;
    const struct store_resource *r = &c->r;
    if (c->deleted)
        return ERR_OK;
    if (x->progress && !x->progress(x->arg, ++x->files, 0))
        return err_set(e, ERR_BUSY, "stopped: the export is not whole");
    count(r->key.type, &x->result.groups, &x->result.profiles, &x->result.templates);
    if (r->key.type == STORE_TEMPLATE)
        return site_write(x->dir, &r->key, r->body, e);
    ARENA_LOCAL(a, FILE_ARENA_MAX);
    struct value v;
    err_code code = value_from_json(&a, r->body, &v, e);
    if (code)
        return code;
    if (r->key.type == STORE_GROUP && x->reveal)
        code = reveal_secrets(x, &r->key, &a, &v, e);
    if (code)
        return code;
    BUF_LOCAL(text, 8 * MODEL_RESOURCE_MAX);
    value_to_json(&text, &v, VALUE_JSON_PRETTY);
    if (text.failed)
        return err_set(e, ERR_NOMEM, "out of memory while exporting");
    /* Pretty text may be too large to be imported again; what is stored never is. */
    bool fits = text.n <= MODEL_RESOURCE_MAX;
    return site_write(x->dir, &r->key, fits || x->reveal ? buf_str(&text) : r->body, e);
}

err_code service_export(struct service *s, const char *dir, bool reveal, store_progress *progress,
                        void *arg, struct service_exported *ret, struct err *e)
{
    struct exporting x = {
        .dir = -1, .reveal = reveal ? s->secrets : NULL, .progress = progress, .arg = arg};
    err_code c = site_create(dir, &x.dir, e);
    if (c)
        return c;
    uint64_t revision;
    c = store_changes_since(s->store, 0, export_resource, &x, &revision, e);
    close(x.dir);
    if (!c)
        *ret = x.result;
    return c;
}
