#include <stdio.h>
#include <string.h>

#include "base/diff.h"
#include "service/affected.h"
#include "service/planning.h"

#define DIFF_MAX  (32u << 20)
#define DIFF_TOLD (256u << 10) /* bytes of one difference that are told */

/* --- the site as it would be -------------------------------------------------------------------
 */

static err_code over(void *ctx, const struct store_key *k, struct arena *a, bool *ret_decides,
                     struct str *ret_body, struct err *e)
{
    struct planning *p = ctx;
    const struct bundle_entry *x = bundle_find(&p->bundle, k);
    struct store_resource r;
    *ret_decides = x ? plan_changes(x) : p->options->prune;
    *ret_body = (struct str){NULL, 0};
    if (!x || !*ret_decides)
        return ERR_OK;
    err_code c = bundle_resource(&p->bundle, x, a, NULL, &r, e);
    if (!c)
        *ret_body = r.body;
    return c;
}

static void over_files(void *ctx, struct str prefix, state_name *add, void *arg)
{
    struct planning *p = ctx;
    struct store_key first = {STORE_TEMPLATE, MODEL_FILES, prefix};
    for (size_t i = bundle_from(&p->bundle, &first); i < p->bundle.n; i++) {
        const struct bundle_entry *x = &p->bundle.v[i];
        if (x->key.kind != MODEL_FILES || !str_starts(x->key.name, prefix))
            return;
        if (plan_changes(x))
            add(arg, x->key.name);
    }
}

/* --- what differs ------------------------------------------------------------------------------
 */

static struct str name_of(struct buf *dst, const char *side, struct str group,
                          enum render_document d, struct str text)
{
    if (!text.p)
        return STR("/dev/null");
    buf_addf(dst, "%s/%.*s/%s", side, STR_FMT(group), render_name(d));
    return buf_str(dst);
}

/* JSON without line breaks, such as what Butane becomes. */
static bool is_dense(struct str text)
{
    return text.n && strchr("{[", text.p[0]) && str_find(text, STR("\n"), 0) + 1 >= text.n;
}

static err_code diff_texts(struct str before, struct str after, struct str from, struct str to,
                           struct buf *dst, struct err *e)
{
    BUF_LOCAL(old, DIFF_MAX);
    BUF_LOCAL(new, DIFF_MAX);
    if (!is_dense(before) && !is_dense(after))
        return diff_unified(dst, before, after, from, to, e);
    err_code c = diff_unified(dst, service_readable(before, &old), service_readable(after, &new),
                              from, to, e);
    /* They differ in white space only, or in the order of keys. */
    return c || dst->n ? c : diff_unified(dst, before, after, from, to, e);
}

static err_code make_diff(struct str group, enum render_document d, struct str before,
                          struct str after, struct buf *dst, struct err *e)
{
    BUF_LOCAL(from, 4096);
    BUF_LOCAL(to, 4096);
    struct str from_name = name_of(&from, "a", group, d, before);
    struct str to_name = name_of(&to, "b", group, d, after);
    if (diff_is_text(before) && diff_is_text(after))
        return diff_texts(before, after, from_name, to_name, dst, e);
    buf_addf(dst, "Binary files %.*s and %.*s differ\n", STR_FMT(from_name), STR_FMT(to_name));
    return ERR_OK;
}

static err_code tell_document(void *arg, struct str group, enum render_document d,
                              struct str before, struct str after, struct err *e)
{
    struct planning *p = arg;
    BUF_LOCAL(diff, DIFF_MAX);
    struct service_plan_document told = {.group = group, .document = d};
    if (!str_is(group, p->group)) {
        p->result.groups++;
        snprintf(p->group, sizeof p->group, "%.*s", STR_FMT(group));
    }
    if (p->result.documents++ >= SERVICE_PLAN_DOCUMENTS) {
        p->result.documents_left_out++;
        return ERR_OK;
    }
    err_code c = ERR_OK;
    if (p->document_diffs_left)
        c = make_diff(group, d, before, after, &diff, e);
    if (c)
        return c;
    if (p->document_diffs_left && !diff.failed && diff.n <= DIFF_TOLD) {
        told.diff = buf_str(&diff);
        p->document_diffs_left -= diff.n < p->document_diffs_left ? diff.n : p->document_diffs_left;
    } else {
        p->result.diffs_left_out++;
    }
    return p->sink->document(p->sink->arg, &told, e);
}

/* --- which groups ------------------------------------------------------------------------------
 */

static bool in_bundle(void *arg, struct str group)
{
    const struct planning *p = arg;
    struct store_key k = {STORE_GROUP, 0, group};
    return bundle_find(&p->bundle, &k);
}

static err_code touch_all(struct planning *p, struct affected *x, struct err *e)
{
    err_code c = ERR_OK;
    for (size_t i = 0; !c && i < p->bundle.n; i++)
        if (plan_changes(&p->bundle.v[i]))
            c = affected_touch(x, &p->bundle.v[i].key, e);
    for (const struct plan_removed *r = p->removed; !c && r; r = r->next)
        c = affected_touch(x, &r->key, e);
    return c ? c : affected_touched(x, e);
}

static err_code compare_entry(struct planning *p, struct affected *x,
                              const struct bundle_entry *entry, struct err *e)
{
    struct store_resource r, now;
    struct str before = {NULL, 0};
    bool changes = plan_changes(entry);
    if (!changes && !x->profiles_n)
        return ERR_OK;
    arena_reset(&p->scratch);
    err_code c = bundle_resource(&p->bundle, entry, &p->scratch, NULL, &r, e);
    if (c)
        return c;
    if (!changes && !affected_profile(x, r.refs_n ? r.refs[0].name : STR("")))
        return ERR_OK;
    if (!changes)
        before = r.body;
    else if ((entry->mark & PLAN_MARKS) == PLAN_CHANGED) {
        c = store_txn_get(p->txn, &entry->key, &p->scratch, &now, e);
        before = c ? before : now.body;
    }
    return c ? c : affected_compare(x, entry->key.name, before, r.body, e);
}

err_code planning_documents(struct planning *p, struct err *e)
{
    struct state before = {.txn = p->txn};
    struct state after = {.txn = p->txn, .over = over, .files = over_files, .ctx = p};
    struct comparison comparison;
    compare_init(&comparison, p->service, &before, &after, p->findings);
    comparison.differs = tell_document;
    comparison.arg = p;
    if (p->options->boot_url.n)
        comparison.boot_url = p->options->boot_url;
    struct affected x = {.txn = p->txn,
                         .comparison = &comparison,
                         .arena = &p->arena,
                         .left = SERVICE_PLAN_GROUPS,
                         .own = in_bundle,
                         .arg = p};
    err_code c = touch_all(p, &x, e);
    for (size_t i = 0; !c && i < p->bundle.n && p->bundle.v[i].key.type == STORE_GROUP; i++)
        c = compare_entry(p, &x, &p->bundle.v[i], e);
    /* With prune there are no others: they go. */
    if (!c && !p->options->prune)
        c = affected_compare_others(&x, e);
    p->result.groups_left_out = x.passed_over;
    compare_free(&comparison);
    return c;
}
