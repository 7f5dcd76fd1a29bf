#include <sodium.h>

#include "service/parts.h"

#define DOCUMENT_ARENA (64u << 20)
/* A selector may have a mebibyte: so much of one is shown in a sentence, and of all in the list. */
#define TEXT_SHOWN    200
#define SELECTORS_MAX (1u << 20)

struct explaining {
    struct service *service;
    const struct catalog_view *view;
    const struct labels *labels;
    struct service_question question; /* for each document in turn */
    struct arena *arena;
};

/* --- groups ----------------------------------------------------------------------------------- */

/* The values of a list, copied. */
static bool add_any(struct arena *a, const struct model_any *any, struct service_predicate *ret)
{
    struct str *values = any ? arena_calloc(a, any->n, sizeof *values) : NULL;
    if (any && !values)
        return false;
    for (uint32_t i = 0; any && i < any->n; i++)
        if (!arena_str(a, any->values[i], &values[i]))
            return false;
    ret->any = values;
    ret->any_n = any ? any->n : 0;
    return true;
}

static bool add_predicates(struct arena *a, const struct model_group *g,
                           const struct labels *machine, struct service_ranked *ret)
{
    const struct labels *selector = &g->selector;
    struct service_predicate *p = arena_calloc(a, (size_t)selector->n + 1, sizeof *p);
    if (!p)
        return false;
    ret->predicates = p;
    ret->predicates_n = selector->n;
    for (uint32_t i = 0; i < selector->n; i++, p++) {
        const struct str *got = model_label_get(machine, selector->v[i].key);
        p->held = model_group_pair_holds(g, i, got ? *got : STR(""));
        if (!add_any(a, model_group_any(g, selector->v[i].key), p) ||
            !arena_str(a, selector->v[i].key, &p->key) ||
            !arena_str(a, selector->v[i].value, &p->want) || (got && !arena_str(a, *got, &p->got)))
            return false;
    }
    return true;
}

/* The text that decides ties, or its beginning. */
static void add_text(struct buf *b, const struct labels *selector)
{
    BUF_LOCAL(text, TEXT_SHOWN);
    match_text(&text, selector);
    buf_add_byte(b, '"');
    buf_add_str(b, buf_str(&text));
    buf_addf(b, "%s\"", text.failed ? "..." : "");
}

/* What decided between two groups that match; other is the winner or, for the winner, the next. */
static void add_decision(struct buf *b, const struct catalog_ranked *x,
                         const struct catalog_ranked *other)
{
    const struct model_group *g = &x->group->model, *o = &other->group->model;
    bool won = match_order(&g->selector, &o->selector) < 0;
    buf_addf(b, "; ");
    if (g->selector.n != o->selector.n) {
        buf_addf(b, "%s labels than \"%.*s\"", won ? "more" : "fewer", STR_FMT(o->id));
        return;
    }
    buf_addf(b, "as many labels as \"%.*s\", and its text ", STR_FMT(o->id));
    add_text(b, &g->selector);
    buf_addf(b, " is %s than ", won ? "greater" : "less");
    add_text(b, &o->selector);
}

/* The next group that matches and is not shadowed, which the winner had to beat; or NULL. */
static const struct catalog_ranked *runner_up(const struct catalog_ranked *all, uint32_t n)
{
    for (uint32_t i = 1; i < n && all[i].matches; i++)
        if (!all[i].shadowed_by)
            return &all[i];
    return NULL;
}

static bool add_reason(struct arena *a, const struct catalog_ranked *all, uint32_t n, uint32_t at,
                       struct str *ret)
{
    const struct catalog_ranked *x = &all[at];
    const struct catalog_ranked *other = at == 0 ? runner_up(all, n) : &all[0];
    uint32_t wanted = x->group->model.selector.n;
    struct buf b;
    buf_in_arena(&b, a, 4096);
    if (wanted)
        buf_addf(&b, "%u of %u labels match", x->held, wanted);
    else
        buf_addf(&b, "it asks for no label and matches every machine");
    if (x->shadowed_by)
        buf_addf(&b, "; shadowed by \"%.*s\", which has the same selector and the first id",
                 STR_FMT(x->shadowed_by->model.id));
    else if (x->matches && other)
        add_decision(&b, x, other);
    *ret = buf_str(&b);
    return !b.failed;
}

static size_t selector_size(const struct model_group *g)
{
    size_t n = 0;
    for (uint32_t i = 0; i < g->selector.n; i++)
        n += g->selector.v[i].key.n + g->selector.v[i].value.n;
    for (uint32_t i = 0; i < g->any_n; i++)
        for (uint32_t k = 0; k < g->any[i].n; k++)
            n += g->any[i].values[k].n;
    return n;
}

static bool explain_groups(const struct explaining *x, const struct catalog_ranked *found,
                           uint32_t n, struct service_explanation *ret)
{
    struct service_ranked *v = arena_calloc(x->arena, (size_t)n + 1, sizeof *v);
    if (!v)
        return false;
    ret->groups = v;
    size_t shown = 0;
    for (uint32_t i = 0; i < n; i++, ret->groups_n++) {
        const struct model_group *g = &found[i].group->model;
        const struct catalog_group *shadow = found[i].shadowed_by;
        shown += selector_size(g);
        if (i > 0 && shown > SELECTORS_MAX) {
            ret->groups_whole = false;
            break;
        }
        v[i].matched = found[i].matches;
        if (!arena_str(x->arena, g->id, &v[i].id) ||
            !add_predicates(x->arena, g, x->labels, &v[i]) ||
            (shadow && !arena_str(x->arena, shadow->model.id, &v[i].shadowed_by)) ||
            !add_reason(x->arena, found, n, i, &v[i].reason))
            return false;
    }
    return true;
}

/* --- documents -------------------------------------------------------------------------------- */

static bool explain_document(const struct explaining *x, enum render_document d,
                             const struct catalog_profile *profile,
                             struct service_explained_document *ret)
{
    ARENA_LOCAL(scratch, DOCUMENT_ARENA);
    struct service_question q = x->question;
    q.hide_secrets = true;
    q.document = d;
    struct service_answer answer;
    struct err e = ERR_INIT;
    *ret = (struct service_explained_document){.document = d};
    err_code c = answer_in_view(x->service, x->view, &q, &scratch, &answer, &e);
    if (c == ERR_NOMEM)
        return false;
    ret->error = e;
    ret->error.code = c;
    if (!c)
        crypto_hash_sha256(ret->sha256, (const unsigned char *)answer.bytes.p, answer.bytes.n);
    if (answer.held)
        catalog_doc_release(answer.held);
    if (d == RENDER_METADATA || !profile)
        return true;
    struct str ref = profile->model.refs[render_kind(d)];
    ret->builtin = !c && !ref.n;
    return !ref.n || arena_str(x->arena, ref, &ret->template);
}

static bool explain_documents(const struct explaining *x, const struct catalog_profile *profile,
                              struct service_explanation *ret)
{
    struct service_explained_document *v = arena_calloc(x->arena, RENDER_DOCUMENTS, sizeof *v);
    if (!v)
        return false;
    ret->documents = v;
    ret->documents_n = RENDER_DOCUMENTS;
    for (int d = 0; d < RENDER_DOCUMENTS; d++)
        if (!explain_document(x, (enum render_document)d, profile, &v[d]))
            return false;
    return true;
}

/* --- variables -------------------------------------------------------------------------------- */

/* Templates see a selector's keys in lower case. */
static bool is_lower_case_of(struct str key, struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] >= 'A' && name.p[i] <= 'Z')
            return false;
    return str_ieq(key, name);
}

static enum service_variable_from source_of(const struct model_group *g, struct str name)
{
    for (uint32_t i = 0; i < g->selector.n; i++)
        if (is_lower_case_of(g->selector.v[i].key, name))
            return SERVICE_FROM_SELECTOR;
    return SERVICE_FROM_METADATA;
}

/* The group's data is sorted and has `request` in it, which stands for what the machine sent. */
static bool explain_variables(const struct explaining *x, const struct catalog_group *g,
                              struct service_explanation *ret)
{
    struct value data;
    if (catalog_group_data(g, x->arena, &data, NULL) != ERR_OK)
        return false;
    size_t room = (size_t)data.n + x->labels->n + 1;
    struct service_variable *v = arena_calloc(x->arena, room, sizeof *v);
    if (!v)
        return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < data.n; i++) {
        struct str name = data.map[i].key;
        if (str_is(name, "request"))
            continue;
        v[n].from = source_of(&g->model, name);
        if (!arena_str(x->arena, name, &v[n++].name))
            return false;
    }
    for (uint32_t i = 0; i < x->labels->n; i++) {
        struct buf name;
        buf_in_arena(&name, x->arena, 1u << 20);
        buf_addf(&name, "request.query.");
        buf_add_str(&name, x->labels->v[i].key);
        if (name.failed)
            return false;
        v[n++] = (struct service_variable){buf_str(&name), SERVICE_FROM_REQUEST};
    }
    v[n++] = (struct service_variable){STR("request.raw_query"), SERVICE_FROM_REQUEST};
    ret->variables = v;
    ret->variables_n = n;
    return true;
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool explain_winner(const struct explaining *x, const struct catalog_group *g,
                           struct service_explanation *ret)
{
    struct str profile = g->model.profile;
    return arena_str(x->arena, g->model.id, &ret->winner) &&
           (!profile.n || arena_str(x->arena, profile, &ret->profile)) &&
           explain_documents(x, catalog_profile(x->view, profile), ret) &&
           explain_variables(x, g, ret);
}

err_code service_explain(struct service *s, const struct service_question *q, struct arena *a,
                         struct service_explanation *ret, struct err *e)
{
    if (!service_ready(s))
        return err_set(e, ERR_BUSY, "the site is still being loaded");
    struct catalog_ranked *found = arena_calloc(a, SERVICE_RANKED_MAX, sizeof *found);
    if (!found)
        return err_set(e, ERR_NOMEM, "out of memory while explaining");
    struct service_explanation out = {0};
    struct explaining x = {s, catalog_enter(s->catalog), q->labels, *q, a};
    out.revision = catalog_revision(x.view);
    uint32_t n = catalog_rank(x.view, q->labels, found, SERVICE_RANKED_MAX, &out.groups_whole);
    bool ok = explain_groups(&x, found, n, &out);
    if (ok && n && found[0].matches)
        ok = explain_winner(&x, found[0].group, &out);
    catalog_leave(s->catalog);
    if (!ok)
        return err_set(e, ERR_NOMEM, "out of memory while explaining");
    *ret = out;
    return ERR_OK;
}
