#include "service/history.h"

#include "base/diff.h"
#include "service/parts.h"
#include "service/site.h"
#include "value/value.h"

#define TEXT_MAX (16u << 20) /* bytes of a resource, pretty-printed */

/* --- revisions ---------------------------------------------------------------------------------
 */

err_code service_revisions(struct service *s, uint64_t before, uint64_t limit,
                           store_each_revision *each, void *arg, struct err *e)
{
    return store_revisions(s->store, before, limit, each, arg, e);
}

err_code service_newest(struct service *s, uint64_t *ret, struct err *e)
{
    return store_revision(s->store, ret, e);
}

struct one_revision {
    uint64_t n;
    struct arena *arena;
    struct store_revision *ret;
    bool found;
};

static err_code keep_revision(void *arg, const struct store_revision *r, struct err *e)
{
    struct one_revision *x = arg;
    struct store_revision kept = *r;
    if (r->n != x->n)
        return ERR_OK;
    if (!arena_str(x->arena, r->who, &kept.who) || !arena_str(x->arena, r->message, &kept.message))
        return err_set(e, ERR_NOMEM, "out of memory");
    *x->ret = kept;
    x->found = true;
    return ERR_OK;
}

err_code service_revision(struct service *s, uint64_t n, struct arena *a,
                          struct store_revision *ret, struct err *e)
{
    struct one_revision x = {n, a, ret, false};
    err_code c = n < INT64_MAX ? store_revisions(s->store, n + 1, 1, keep_revision, &x, e) : ERR_OK;
    if (!c && !x.found)
        return err_set(e, ERR_NOT_FOUND,
                       "there is no revision %llu: it is not made yet, or no longer kept",
                       (unsigned long long)n);
    return c;
}

/* --- changes -----------------------------------------------------------------------------------
 */

struct changing {
    service_each_change *each;
    void *arg;
};

static err_code tell_change(void *arg, const struct store_difference *d, struct err *e)
{
    const struct changing *x = arg;
    struct service_change c = {.key = d->key, .from = d->from, .to = d->to};
    c.action = !d->from.p ? SERVICE_ADD : !d->to.p ? SERVICE_REMOVE : SERVICE_CHANGE;
    return x->each(x->arg, &c, e);
}

err_code service_changes(struct service *s, uint64_t from, uint64_t to, service_each_change *each,
                         void *arg, struct err *e)
{
    struct changing x = {each, arg};
    return store_differences(s->store, from, to, tell_change, &x, e);
}

struct str service_readable(struct str text, struct buf *dst)
{
    ARENA_LOCAL(a, 16 * TEXT_MAX);
    struct value v;
    if (!text.p || value_from_json(&a, text, &v, NULL) != ERR_OK)
        return text;
    value_to_json(dst, &v, VALUE_JSON_PRETTY);
    return dst->failed ? text : buf_str(dst);
}

/* A body as an exported site has it. */
static struct str readable(const struct store_key *k, struct str body, struct buf *dst)
{
    return k->type == STORE_TEMPLATE ? body : service_readable(body, dst);
}

err_code service_change_diff(const struct service_change *c, struct buf *dst, struct err *e)
{
    BUF_LOCAL(from, TEXT_MAX);
    BUF_LOCAL(to, TEXT_MAX);
    BUF_LOCAL(from_name, 4096);
    BUF_LOCAL(to_name, 4096);
    buf_add_lit(&from_name, "a/");
    buf_add_lit(&to_name, "b/");
    site_name(&c->key, &from_name);
    site_name(&c->key, &to_name);
    if (from_name.failed || to_name.failed)
        return err_set(e, ERR_NOMEM, "out of memory while comparing");
    struct str old_name = c->from.p ? buf_str(&from_name) : STR("/dev/null");
    struct str new_name = c->to.p ? buf_str(&to_name) : STR("/dev/null");
    if (!diff_is_text(c->from) || !diff_is_text(c->to)) {
        buf_addf(dst, "Binary files %.*s and %.*s differ\n", STR_FMT(old_name), STR_FMT(new_name));
        return ERR_OK;
    }
    return diff_unified(dst, readable(&c->key, c->from, &from), readable(&c->key, c->to, &to),
                        old_name, new_name, e);
}
