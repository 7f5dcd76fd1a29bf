#include "service/compare.h"

#include "base/hash.h"
#include "base/query.h"
#include "ignition/ignition.h"
#include "service/document.h"
#include "service/site.h"

#define SCRATCH_MAX (256u << 20)
#define QUERY_MAX   (1u << 20)
#define BOOT_URL    "http://127.0.0.1:8080"
#define KEPT_TEXT   (64u << 10) /* bytes of a profile's document that are kept for its next group */

enum outcome {
    SAME,
    DIFFERS,
    BREAKS,      /* it can no longer be made */
    WAS_BROKEN,  /* it could not before either */
    NEVER_WAS,   /* it cannot be made, and nobody had it before */
    LEFT_TO_ASK, /* it cannot be made, but a request may bring what is missing */
};

/* A group in one of the two states. */
struct side {
    struct makings *makings;
    struct str body;
    bool read;
    struct model_group *group; /* NULL: it is not there */
    struct value data;
    struct err closed; /* why its secrets cannot be opened; code ERR_OK: they are, or it has none */
    struct made_profile *profile; /* NULL without a group */
    struct render_client client;
};

/* One document of it. */
struct made {
    enum document_source source;
    struct str name; /* of its template */
    const struct made_template *from;
    const struct render_template *tmpl; /* NULL for one without, and for a broken one */
};

struct rendered {
    err_code code;
    struct err why;
    struct str text; /* absent: there is none, or it cannot be made */
    enum render_document as;
};

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while looking at documents");
}

void compare_init(struct comparison *c, struct service *s, const struct state *before,
                  const struct state *after, struct findings *f)
{
    *c = (struct comparison){.service = s, .findings = f, .boot_url = STR(BOOT_URL)};
    makings_init(&c->before, before, !after->over ? &c->after : NULL);
    makings_init(&c->after, after, after->over && !before->over ? &c->before : NULL);
    arena_init(&c->scratch, SCRATCH_MAX);
}

void compare_free(struct comparison *c)
{
    makings_free(&c->before);
    makings_free(&c->after);
    arena_free(&c->scratch);
}

/* --- one side ----------------------------------------------------------------------------------
 */

/* What templates see of a machine with the labels in s->group->selector. */
static err_code see(struct comparison *c, struct str id, struct side *s, struct err *e)
{
    s->closed = (struct err)ERR_INIT;
    err_code code = render_group_data(&c->scratch, s->group, &s->data, e);
    if (!code &&
        secrets_open(c->service->secrets, &c->scratch, id, &s->data, &s->closed) == ERR_NOMEM)
        code = nomem(e);
    const struct str *arch = model_label_get(&s->group->selector, STR("arch"));
    s->client = (struct render_client){.base = c->boot_url, .arch = arch ? *arch : STR("")};
    return code;
}

/* A group that cannot be read matches nothing, so it is as if it were not there. */
static err_code read_side(struct comparison *c, struct str id, struct side *s, struct err *e)
{
    struct findings ignored;
    if (s->read || !s->body.p)
        return ERR_OK;
    s->read = true;
    findings_init(&ignored, &c->scratch);
    err_code code =
        model_group_read(&c->scratch, id, s->body, MODEL_IMPORT, &ignored, &s->group, e);
    if (code == ERR_INVALID || code == ERR_LIMIT)
        return ERR_OK;
    if (!code)
        code = see(c, id, s, e);
    return code ? code : makings_profile(s->makings, s->group->profile, &s->profile, e);
}

static err_code find_made(struct comparison *c, const struct side *s, enum render_document d,
                          struct made *ret, struct err *e)
{
    *ret = (struct made){.source = DOCUMENT_NONE};
    if (!s->group || (d != RENDER_METADATA && !s->profile->model))
        return ERR_OK;
    ret->source = document_source(d, s->profile->model, &s->client, &ret->name);
    if (ret->source == DOCUMENT_BUILTIN) {
        ret->tmpl = render_builtin(&c->service->builtins, d, &s->client);
        if (!ret->tmpl)
            ret->source = DOCUMENT_NONE;
    }
    if (ret->source != DOCUMENT_TEMPLATE)
        return ERR_OK;
    err_code code = makings_template(s->makings, render_kind(d), ret->name, &ret->from, e);
    if (code)
        return code;
    ret->tmpl = ret->from->tmpl;
    if (!ret->tmpl && !ret->from->broken.code)
        ret->source = DOCUMENT_NONE;
    return ERR_OK;
}

static struct document_parts parts_of(const struct comparison *c, const struct side *s,
                                      const struct made *m, enum render_document d)
{
    return (struct document_parts){.document = d,
                                   .tmpl = m->tmpl,
                                   .group = s->group->id,
                                   .data = &s->data,
                                   .profile = s->profile->model,
                                   .client = s->client,
                                   .labels = &s->group->selector,
                                   .sent = &s->group->selector,
                                   .raw_query = STR(""),
                                   .trust_request = c->service->trust_request};
}

static enum render_scope scope_of(const struct comparison *c, const struct side *s,
                                  const struct made *m, enum render_document d)
{
    struct document_parts p = {.document = d};
    if (m->source == DOCUMENT_NONE)
        return RENDER_PER_PROFILE;
    p = parts_of(c, s, m, d);
    return document_scope(&p);
}

/* Do boot scripts see the same of the profile? */
static bool same_boot(struct comparison *c, const struct side sides[2], enum render_document d)
{
    struct value boot[2];
    if (sides[0].profile == sides[1].profile && str_eq(sides[0].client.arch, sides[1].client.arch))
        return true;
    for (int i = 0; i < 2; i++)
        if (render_boot_data(&c->scratch, sides[i].profile->model, d, &sides[i].client, &boot[i],
                             NULL) != ERR_OK)
            return false;
    return value_equal(&boot[0], &boot[1]);
}

/* Is it made of the same things on both sides? */
static bool same_makings(struct comparison *c, const struct side sides[2], const struct made m[2],
                         enum render_document d, enum render_scope scope)
{
    if (m[0].source != m[1].source || !str_eq(m[0].name, m[1].name))
        return false;
    if (m[0].source == DOCUMENT_NONE)
        return true;
    bool template = m[0].source == DOCUMENT_TEMPLATE;
    if (template && m[0].from != m[1].from &&
        (!m[0].tmpl || !m[1].tmpl ||
         !str_eq(render_template_source(m[0].tmpl), render_template_source(m[1].tmpl))))
        return false;
    if (d == RENDER_IGNITION && c->files_changed && !ignition_is_raw(m[0].name))
        return false;
    if (render_is_boot_script(d) && !same_boot(c, sides, d))
        return false;
    return scope == RENDER_PER_PROFILE || str_eq(sides[0].body, sides[1].body);
}

/* --- rendering ---------------------------------------------------------------------------------
 */

static err_code render_as(struct comparison *c, const struct side *s, const struct made *m,
                          enum render_document d, enum render_scope scope, struct rendered *ret,
                          struct err *e)
{
    struct makings_files source = {s->makings, &c->scratch};
    struct butane_files files = makings_files(&source);
    struct findings found;
    struct buf out, query;
    findings_init(&found, &c->scratch);
    buf_in_arena(&out, &c->scratch, RENDER_OUTPUT_MAX);
    buf_in_arena(&query, &c->scratch, QUERY_MAX);
    struct document_parts p = parts_of(c, s, m, d);
    if (s->closed.code && document_shows_secrets(&p)) {
        ret->code = s->closed.code;
        ret->why = s->closed;
        return ERR_OK;
    }
    p.files = &files;
    p.findings = &found;
    for (uint32_t i = 0; scope == RENDER_PER_REQUEST && i < p.labels->n; i++)
        query_add(&query, p.labels->v[i].key, p.labels->v[i].value);
    p.raw_query = query.n ? buf_str(&query) : STR("");
    ret->as = d;
    ret->code = document_render(&p, &c->scratch, &out, &ret->why);
    if (ret->code == ERR_NOMEM)
        return nomem(e);
    if (!ret->code)
        ret->text = out.n ? buf_str(&out) : STR("");
    return ERR_OK;
}

/* A template for cloud-init is a cloud-config, or else any user-data that a NoCloud seed may have.
 */
static err_code render_side(struct comparison *c, const struct side *s, const struct made *m,
                            enum render_document d, enum render_scope scope, struct rendered *ret,
                            struct err *e)
{
    *ret = (struct rendered){.as = d};
    if (m->source == DOCUMENT_NONE)
        return ERR_OK;
    if (m->from && m->from->broken.code) {
        ret->code = m->from->broken.code;
        ret->why = m->from->broken;
        return ERR_OK;
    }
    err_code code = render_as(c, s, m, d, scope, ret, e);
    if (code || ret->code != ERR_INVALID || d != RENDER_CLOUD)
        return code;
    struct rendered other = {.as = d};
    code = render_as(c, s, m, RENDER_USER_DATA, scope, &other, e);
    if (!code && !other.code)
        *ret = other;
    return code;
}

/* --- what became of it -------------------------------------------------------------------------
 */

static const char *const words[RENDER_DOCUMENTS] = {
    [RENDER_IPXE] = "iPXE script",         [RENDER_GRUB] = "GRUB script",
    [RENDER_PXELINUX] = "PXELINUX config", [RENDER_IGNITION] = "Ignition config",
    [RENDER_CLOUD] = "cloud-config",       [RENDER_GENERIC] = "generic document",
    [RENDER_METADATA] = "metadata",        [RENDER_USER_DATA] = "user-data",
    [RENDER_META_DATA] = "meta-data",      [RENDER_NETWORK_CONFIG] = "network-config",
    [RENDER_VENDOR_DATA] = "vendor-data",
};

/* The error names the template; a finding names its file in a site. */
static void name_file(const struct made *m, enum render_document d, struct err *why)
{
    BUF_LOCAL(file, 4096);
    struct store_key k = {STORE_TEMPLATE, MODEL_GENERIC, m->name};
    if (!m->name.n || !str_is(m->name, why->file))
        return;
    k.kind = render_kind(d);
    site_name(&k, &file);
    if (buf_c(&file))
        err_in_file(why, buf_c(&file));
}

static void tell(struct comparison *c, struct str group, enum render_document d, int outcome,
                 const struct made *m, const struct rendered *after)
{
    struct err why = after->why;
    name_file(m, d, &why);
    if (outcome == BREAKS)
        err_prefix(&why, "group \"%.*s\" would get no %s", STR_FMT(group), words[d]);
    else
        err_prefix(&why, "group \"%.*s\" gets no %s, %s", STR_FMT(group), words[d],
                   outcome == WAS_BROKEN  ? "as before"
                   : outcome == NEVER_WAS ? "which it had not before either"
                                          : "unless its machine sends more than its labels");
    findings_add_err(c->findings, outcome == BREAKS ? FINDING_ERROR : FINDING_WARNING, &why);
}

/*
 * A single write may be one step of several: what nobody had before may come with the next one. But
 * a machine whose Ignition config is broken does not even boot.
 */
static int outcome_of(const struct comparison *c, const struct rendered r[2],
                      enum render_document d, enum render_scope scope)
{
    if (r[1].code && r[0].code)
        return WAS_BROKEN;
    if (r[1].code && scope == RENDER_PER_REQUEST)
        return LEFT_TO_ASK;
    if (r[1].code && !r[0].text.p && !c->differs && d != RENDER_IGNITION)
        return NEVER_WAS;
    if (r[1].code)
        return BREAKS;
    /* An empty document says as much as none. */
    return str_eq(r[0].text, r[1].text) ? SAME : DIFFERS;
}

static err_code differs(struct comparison *c, struct str group, const struct made_document *x,
                        struct err *e)
{
    if (!c->differs || x->outcome != DIFFERS)
        return ERR_OK;
    return c->differs(c->arg, group, x->as, x->texts[0], x->texts[1], e);
}

/* What the outcome of a profile's document is good for: the profile before, or no group at all. */
static const void *before_of(const struct comparison *c, const struct side sides[2])
{
    return sides[0].profile ? (const void *)sides[0].profile : c;
}

static uint64_t variants_of(const struct side sides[2], enum render_document d)
{
    uint64_t v = 0;
    for (int i = 0; i < 2 && render_is_boot_script(d); i++)
        if (sides[i].profile && sides[i].profile->model)
            v = hash_mix(v, render_boot_variant(sides[i].profile->model, d, &sides[i].client));
    return v;
}

/* The same for the next group of the profile, if it is not too much to be kept. */
static void keep_outcome(struct comparison *c, const struct side sides[2], enum render_document d,
                         const struct made_document *x)
{
    struct made_document kept = *x;
    for (int i = 0; i < 2; i++)
        if (x->texts[i].p &&
            (x->texts[i].n > KEPT_TEXT || !arena_str(&c->after.arena, x->texts[i], &kept.texts[i])))
            return;
    kept.before = before_of(c, sides);
    kept.variants = variants_of(sides, d);
    sides[1].profile->documents[d] = kept;
}

/* What is told of a document has no secrets in it; one that differs in nothing else is told to. */
static err_code hide_side(struct comparison *c, const struct side *s, const struct made *m,
                          enum render_scope scope, struct rendered *r, struct err *e)
{
    if (!r->text.p || !secrets_in(&s->data))
        return ERR_OK;
    struct side hidden = *s;
    err_code code = secrets_hide(&c->scratch, &hidden.data, e);
    if (!code)
        code = render_as(c, &hidden, m, r->as, scope, r, e);
    if (!code && r->code)
        r->text = STR(SECRETS_HIDDEN "\n");
    return code;
}

static err_code compare_rendered(struct comparison *c, struct str id, const struct side sides[2],
                                 const struct made m[2], enum render_document d,
                                 enum render_scope scope, struct made_document *ret, struct err *e)
{
    struct rendered r[2];
    err_code code = render_side(c, &sides[1], &m[1], d, scope, &r[1], e);
    r[0] = (struct rendered){.as = d};
    if (!code && (c->differs || r[1].code))
        code = render_side(c, &sides[0], &m[0], d, scope, &r[0], e);
    if (code)
        return code;
    ret->outcome = outcome_of(c, r, d, scope);
    for (int i = 0; i < 2 && !code; i++) {
        if (c->differs && ret->outcome == DIFFERS)
            code = hide_side(c, &sides[i], &m[i], scope, &r[i], e);
        ret->texts[i] = r[i].text;
    }
    if (code)
        return code;
    ret->as = r[1].text.p ? r[1].as : r[0].as;
    if (ret->outcome > DIFFERS)
        tell(c, id, d, ret->outcome, &m[1], &r[1]);
    return ERR_OK;
}

/* Can it be of no interest to who only asks what breaks? */
static bool unasked(const struct comparison *c, const struct made *after, enum render_scope scope)
{
    return !c->differs && (after->source != DOCUMENT_TEMPLATE || scope == RENDER_PER_REQUEST);
}

/* *ret_open: with other labels of the group's lists it may become something else. */
static err_code compare_document(struct comparison *c, struct str id, struct side sides[2],
                                 enum render_document d, bool *ret_open, struct err *e)
{
    struct made m[2];
    *ret_open = false;
    err_code code = find_made(c, &sides[1], d, &m[1], e);
    enum render_scope scope = code ? RENDER_PER_PROFILE : scope_of(c, &sides[1], &m[1], d);
    if (code || unasked(c, &m[1], scope))
        return code;
    code = read_side(c, id, &sides[0], e);
    if (!code)
        code = find_made(c, &sides[0], d, &m[0], e);
    if (code)
        return code;
    enum render_scope before = scope_of(c, &sides[0], &m[0], d);
    scope = before > scope ? before : scope;
    bool of_labels = scope != RENDER_PER_PROFILE || render_is_boot_script(d);
    if (same_makings(c, sides, m, d, scope)) {
        *ret_open = render_is_boot_script(d);
        return ERR_OK;
    }
    struct made_document x = {.as = d};
    bool shared = scope == RENDER_PER_PROFILE && sides[1].profile;
    const struct made_document *known = shared ? &sides[1].profile->documents[d] : NULL;
    if (known && known->before == before_of(c, sides) && known->variants == variants_of(sides, d)) {
        x = *known;
    } else {
        code = compare_rendered(c, id, sides, m, d, scope, &x, e);
        if (code)
            return code;
        if (shared)
            keep_outcome(c, sides, d, &x);
    }
    *ret_open = of_labels && x.outcome == SAME;
    return differs(c, id, &x, e);
}

/* --- lists -------------------------------------------------------------------------------------
 */

/* Has the group this selector, or a list that it stands for? */
static bool stands_for(const struct model_group *g, const struct labels *l)
{
    bool same = g->selector.n == l->n;
    for (uint32_t i = 0; same && i < l->n; i++)
        same = str_eq(g->selector.v[i].key, l->v[i].key) &&
               model_group_pair_holds(g, i, l->v[i].value);
    return same;
}

static err_code compare_combination(struct comparison *c, struct str id, struct side sides[2],
                                    uint32_t i, bool open[RENDER_DOCUMENTS], struct err *e)
{
    struct side now[2] = {sides[0], sides[1]};
    struct labels *l = &sides[1].group->selector;
    struct label *v = arena_calloc(&c->scratch, l->n, sizeof *v);
    if (!v)
        return nomem(e);
    model_group_combination(sides[1].group, i, v);
    *l = (struct labels){.v = v, .n = l->n};
    err_code code = see(c, id, &now[1], e);
    if (!code && sides[0].group && stands_for(sides[0].group, l)) {
        sides[0].group->selector = *l;
        code = see(c, id, &now[0], e);
    } else {
        now[0].group = NULL;
        now[0].profile = NULL;
    }
    for (int d = 0; !code && d < RENDER_DOCUMENTS; d++)
        if (open[d])
            code = compare_document(c, id, now, (enum render_document)d, &open[d], e);
    return code;
}

err_code compare_group(struct comparison *c, struct str id, struct str before, struct str after,
                       struct err *e)
{
    arena_reset(&c->scratch);
    /* Outcomes point from one to the other, so both go at once. */
    if (makings_trim(&c->before))
        makings_free(&c->after);
    else if (makings_trim(&c->after))
        makings_free(&c->before);
    struct side sides[2] = {{.makings = &c->before, .body = before},
                            {.makings = &c->after, .body = after}};
    bool open[RENDER_DOCUMENTS] = {false}, any = false;
    err_code code = read_side(c, id, &sides[1], e);
    for (int d = 0; !code && d < RENDER_DOCUMENTS; d++) {
        if (d == RENDER_USER_DATA)
            continue;
        code = compare_document(c, id, sides, (enum render_document)d, &open[d], e);
        any = any || open[d];
    }
    uint32_t n = any && sides[1].group ? model_group_combinations(sides[1].group) : 1;
    for (uint32_t i = 1; !code && i < n && i < COMPARE_COMBINATIONS; i++)
        code = compare_combination(c, id, sides, i, open, e);
    return code;
}
