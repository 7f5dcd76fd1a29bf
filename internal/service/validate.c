#include "service/parts.h"

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while checking a resource");
}

/* Text can grow on the way into the store: 1e20 is stored as 100000000000000000000. What the
 * catalog would then refuse to read must not get there. */
static err_code check_size(const struct buf *text, struct err *e)
{
    if (text->overflow)
        return err_set(e, ERR_LIMIT,
                       "the resource is larger than %u bytes in the form in which it is stored",
                       MODEL_STORED_MAX);
    return text->failed ? nomem(e) : ERR_OK;
}

static err_code check_group(struct secrets *secrets, struct arena *a, const struct store_key *k,
                            struct str body, enum model_strictness strictness, struct findings *f,
                            struct store_resource *ret, struct err *e)
{
    struct model_group *g;
    err_code c = model_group_read(a, k->name, body, strictness, f, &g, e);
    if (!c)
        c = secrets_seal(secrets, a, k->name, strictness == MODEL_IMPORT, &g->metadata, f, e);
    if (c)
        return c;
    struct buf text, selector;
    buf_in_arena(&text, a, MODEL_STORED_MAX);
    buf_in_arena(&selector, a, 2 * MODEL_RESOURCE_MAX);
    model_group_write(&text, g, 0);
    model_group_selector_write(&selector, g);
    c = check_size(&text, e);
    if (c)
        return c;
    struct store_ref *ref = arena_calloc(a, 1, sizeof *ref);
    if (selector.failed || !ref)
        return nomem(e);
    *ref = (struct store_ref){STORE_PROFILE, 0, g->profile};
    *ret = (struct store_resource){.key = *k,
                                   .body = buf_str(&text),
                                   .selector = buf_str(&selector),
                                   .refs = ref,
                                   .refs_n = g->profile.n > 0};
    return ERR_OK;
}

static err_code check_profile(struct arena *a, const struct store_key *k, struct str body,
                              enum model_strictness strictness, struct findings *f,
                              struct store_resource *ret, struct err *e)
{
    struct model_profile *p;
    err_code c = model_profile_read(a, k->name, body, strictness, f, &p, e);
    if (c)
        return c;
    struct buf text;
    buf_in_arena(&text, a, MODEL_STORED_MAX);
    model_profile_write(&text, p, 0);
    c = check_size(&text, e);
    if (c)
        return c;
    struct store_ref *refs = arena_calloc(a, MODEL_PROFILE_KINDS, sizeof *refs);
    if (!refs)
        return nomem(e);
    uint32_t n = 0;
    for (int kind = 0; kind < MODEL_PROFILE_KINDS; kind++)
        if (p->refs[kind].n)
            refs[n++] = (struct store_ref){STORE_TEMPLATE, (enum model_kind)kind, p->refs[kind]};
    *ret = (struct store_resource){
        .key = *k, .body = buf_str(&text), .selector = STR(""), .refs = refs, .refs_n = n};
    return ERR_OK;
}

static err_code check_template(struct arena *a, const struct store_key *k, struct str body,
                               struct findings *f, struct store_resource *ret, struct err *e)
{
    struct render_template *t = NULL;
    struct err why = ERR_INIT;
    err_code c = render_template_make(k->kind, k->name, body, &t, &why);
    render_template_free(t);
    if (c) {
        /* The error knows the template's name; an import knows the whole path. */
        if (f->file.n)
            why.file[0] = '\0';
        if (c != ERR_NOMEM)
            findings_add_err(f, FINDING_ERROR, &why);
        if (e)
            *e = why;
        return c;
    }
    bool plain = str_find(body, STR("{{"), 0) == body.n;
    if (k->kind == MODEL_CLOUD && plain)
        render_cloud_warnings(body, a, f);
    *ret = (struct store_resource){.key = *k, .body = body, .selector = STR("")};
    return ERR_OK;
}

err_code validate_resource(struct secrets *secrets, struct arena *a, const struct store_key *k,
                           struct str body, enum model_strictness strictness, struct findings *f,
                           struct store_resource *ret, struct err *e)
{
    bool named = k->type == STORE_TEMPLATE ? model_name_valid(k->name) : model_id_valid(k->name);
    if (!named) {
        findings_add(f, FINDING_ERROR, NULL, 0, 0,
                     k->type == STORE_TEMPLATE
                         ? "the name must be 1 to 8 segments joined by '/', each 1 to %d bytes of "
                           "A-Z a-z 0-9 . _ ~ - and not . or .."
                         : "the id must be 1 to %d bytes of A-Z a-z 0-9 . _ ~ - and not . or ..",
                     MODEL_ID_MAX);
        return err_set(e, ERR_INVALID, "not a name that a resource can have");
    }
    switch (k->type) {
    case STORE_GROUP: return check_group(secrets, a, k, body, strictness, f, ret, e);
    case STORE_PROFILE: return check_profile(a, k, body, strictness, f, ret, e);
    case STORE_TEMPLATE: return check_template(a, k, body, f, ret, e);
    }
    return err_set(e, ERR_INVALID, "not a type of resource");
}
