#include <stdio.h>

#include "base/hash.h"
#include "service/document.h"
#include "service/files.h"
#include "service/parts.h"

/* Larger documents are held, smaller ones copied: a copy is cheaper than a shared counter. */
#define COPY_MAX 4096

struct finding_out {
    const struct catalog_view *view;
    const struct labels *labels; /* those of the question that count */
    const struct labels *sent;   /* and those that templates see */
    struct render_client client;
    const struct catalog_group *group;
    const struct catalog_profile *profile;
    const struct render_template *tmpl;
    uint64_t tmpl_generation;
};

static err_code no_such_document(struct err *e, const char *document, const struct catalog_group *g,
                                 const char *why, struct str what)
{
    return err_set(e, ERR_NOT_FOUND, "no %s for group \"%.*s\": %s \"%.*s\"", document,
                   STR_FMT(g->model.id), why, STR_FMT(what));
}

static const struct catalog_group *match(const struct catalog_view *v,
                                         const struct service_question *q,
                                         const struct labels *labels)
{
    const struct catalog_group *g = labels ? catalog_match(v, labels) : NULL;
    if (!g || !q->selects.n)
        return g;
    const struct str *wanted = model_label_get(&g->model.selector, q->selects);
    return wanted && wanted->n ? g : NULL;
}

/* What the labels say of how the client is to be answered. */
static struct render_client client_of(const struct service_question *q, const struct labels *l)
{
    struct render_client client = {.arch = STR("")};
    if (q->document != RENDER_GRUB || !q->grub_of_matchbox)
        client.base = q->base;
    for (uint32_t i = 0; i < l->n; i++) {
        struct str key = l->v[i].key;
        if (key.n == 4 && str_word(key) == str_word(STR("arch")))
            client.arch = l->v[i].value;
        else if (key.n == 6 && str_word(key) == str_word(STR("verify")))
            client.verify = str_eq(l->v[i].value, STR("1"));
    }
    return client;
}

static err_code find_group(const struct catalog_view *v, const struct service_question *q,
                           struct finding_out *ret, struct err *e)
{
    ret->labels = q->labels;
    ret->sent = q->sent ? q->sent : q->labels;
    ret->group = match(v, q, q->labels);
    if (!ret->group && (ret->group = match(v, q, q->otherwise)) != NULL)
        ret->labels = ret->sent = q->otherwise;
    ret->client = client_of(q, ret->labels);
    if (ret->group)
        return ERR_OK;
    const char *name = render_name(q->document);
    return q->selects.n ? err_set(e, ERR_NOT_FOUND, "no %s: no group selects on this %.*s", name,
                                  STR_FMT(q->selects))
                        : err_set(e, ERR_NOT_FOUND, "no %s: no group matches these labels", name);
}

static err_code find_template(const struct catalog_view *v, enum render_document d, struct str name,
                              struct finding_out *ret, struct err *e)
{
    const struct catalog_template *t = catalog_template(v, render_kind(d), name);
    if (!t)
        return no_such_document(e, render_name(d), ret->group, "there is no template", name);
    if (!t->render) {
        if (e)
            *e = t->broken;
        return t->broken.code;
    }
    ret->tmpl = t->render;
    ret->tmpl_generation = t->generation;
    if (render_is_boot_script(d))
        ret->tmpl_generation =
            hash_mix(t->generation, render_boot_variant(&ret->profile->model, d, &ret->client));
    /* Butane may read any of the site's files, so it is made of all of them. */
    if (d == RENDER_IGNITION)
        ret->tmpl_generation = hash_mix(t->generation, catalog_files_generation(v));
    return ERR_OK;
}

static err_code find_nothing(const struct finding_out *f, enum render_document d, struct err *e)
{
    const struct model_profile *p = &f->profile->model;
    const char *why = !render_is_boot_script(d) ? "no such template is named in profile"
                      : p->archs_n              ? "nothing to boot for this architecture in profile"
                                                : "nothing to boot in profile";
    return no_such_document(e, render_name(d), f->group, why, p->id);
}

/* Group, profile and template for the labels, as far as they are there. */
static err_code find_out(struct service *s, const struct catalog_view *v,
                         const struct service_question *q, struct finding_out *ret, struct err *e)
{
    err_code c = find_group(v, q, ret, e);
    if (c || q->document == RENDER_METADATA)
        return c;
    const struct model_group *g = &ret->group->model;
    struct str name;
    ret->profile = catalog_profile(v, g->profile);
    if (!ret->profile)
        return no_such_document(e, render_name(q->document), ret->group, "there is no profile",
                                g->profile);
    const struct model_profile *p = &ret->profile->model;
    switch (document_source(q->document, p, &ret->client, &name)) {
    case DOCUMENT_NONE: return find_nothing(ret, q->document, e);
    case DOCUMENT_TEMPLATE: return find_template(v, q->document, name, ret, e);
    case DOCUMENT_BUILTIN:
        ret->tmpl = render_builtin(&s->builtins, q->document, &ret->client);
        ret->tmpl_generation = render_boot_variant(p, q->document, &ret->client);
        return ERR_OK;
    case DOCUMENT_PLAIN: break;
    }
    return ERR_OK;
}

/* Bytes that stay until they are sent: copied when small, held when not. */
static bool give_doc(struct catalog_doc *doc, struct arena *a, struct service_answer *ret)
{
    if (doc->bytes.n > COPY_MAX) {
        ret->held = catalog_doc_hold(doc);
        ret->bytes = doc->bytes;
        return true;
    }
    return arena_str(a, doc->bytes, &ret->bytes);
}

/* The document is made, and kept for the next one who asks if the request has no part in it. */
static err_code make_document(struct service *s, struct document_parts *p,
                              const struct finding_out *f, bool hide, struct arena *a,
                              struct buf *out, struct err *e)
{
    struct value data;
    err_code c = catalog_group_data(f->group, a, &data, e);
    p->data = &data;
    if (!c && document_shows_secrets(p))
        c = secrets_open(s->secrets, a, p->group, &data, e);
    if (!c && hide)
        c = secrets_hide(a, &data, e);
    if (!c)
        c = document_render(p, a, out, e);
    p->data = NULL;
    enum render_scope scope = document_scope(p);
    const struct catalog_group *owner = scope == RENDER_PER_GROUP ? f->group : NULL;
    if (!c && p->tmpl && scope != RENDER_PER_REQUEST && !hide &&
        catalog_doc_wanted(owner, p->document))
        catalog_doc_put(s->catalog, owner, f->profile, p->document, f->tmpl_generation,
                        buf_str(out));
    return c;
}

static bool has_secrets(const struct catalog_group *g)
{
    return str_find(g->metadata, STR("\"secret\""), 0) < g->metadata.n;
}

/* What was kept of it, given to ret; false when it must be made. */
static bool kept_document(const struct service_question *q, const struct finding_out *f,
                          struct arena *a, struct service_answer *ret)
{
    enum render_scope scope = f->tmpl ? render_scope(q->document, f->tmpl) : RENDER_PER_REQUEST;
    if (scope == RENDER_PER_REQUEST)
        return false;
    struct catalog_doc *doc = catalog_doc_get(scope == RENDER_PER_GROUP ? f->group : NULL,
                                              f->profile, q->document, f->tmpl_generation);
    return doc && give_doc(doc, a, ret);
}

static err_code document(struct service *s, const struct service_question *q,
                         const struct finding_out *f, struct arena *a, struct service_answer *ret,
                         struct err *e)
{
    bool hide = q->hide_secrets && has_secrets(f->group);
    if (!hide && kept_document(q, f, a, ret))
        return ERR_OK;
    struct files_source source = {f->view, a};
    struct butane_files files = files_of(&source);
    struct document_parts p = {.document = q->document,
                               .tmpl = f->tmpl,
                               .group = f->group->model.id,
                               .profile = f->profile ? &f->profile->model : NULL,
                               .client = f->client,
                               .labels = f->labels,
                               .sent = f->sent,
                               .raw_query = q->raw_query,
                               .trust_request = s->trust_request,
                               .files = &files};
    struct buf out;
    buf_in_arena(&out, a, RENDER_OUTPUT_MAX);
    err_code c = make_document(s, &p, f, hide, a, &out, e);
    if (!c)
        ret->bytes = out.n ? buf_str(&out) : STR("");
    return c;
}

/* What was matched, as far as it went. */
static err_code note_found(const struct finding_out *f, struct arena *a, struct service_answer *ret,
                           struct err *e)
{
    if (!f->group)
        return ERR_OK;
    struct str group = f->group->model.id, profile = f->group->model.profile;
    char *text = arena_alloc(a, group.n + profile.n + 1);
    if (!text)
        return err_set(e, ERR_NOMEM, "out of memory while answering");
    ret->group = str_of(text, group.n);
    ret->profile = str_of(str_put(text, group), profile.n);
    str_put(text + group.n, profile);
    return ERR_OK;
}

err_code answer_in_view(struct service *s, const struct catalog_view *v,
                        const struct service_question *q, struct arena *a,
                        struct service_answer *ret, struct err *e)
{
    struct finding_out f = {.view = v};
    *ret = (struct service_answer){.bytes = STR(""), .revision = catalog_revision(v)};
    err_code c = find_out(s, v, q, &f, e);
    if (!c)
        c = document(s, q, &f, a, ret, e);
    err_code noted = note_found(&f, a, ret, c ? NULL : e);
    return c ? c : noted;
}

static err_code efi_in_view(const struct catalog_view *v, const struct service_question *q,
                            struct arena *a, struct service_answer *ret, struct err *e)
{
    struct finding_out f = {.view = v};
    ret->revision = catalog_revision(v);
    err_code c = find_group(v, q, &f, e);
    err_code noted = note_found(&f, a, ret, c ? NULL : e);
    if (c || noted)
        return c ? c : noted;
    f.profile = catalog_profile(v, f.group->model.profile);
    if (!f.profile)
        return no_such_document(e, "file for UEFI HTTP Boot", f.group, "there is no profile",
                                f.group->model.profile);
    struct str file = model_boot_for(&f.profile->model, f.client.arch).efi;
    if (!file.n)
        return no_such_document(e, "file for UEFI HTTP Boot", f.group,
                                "no efi in the boot of profile", f.profile->model.id);
    return arena_str(a, file, &ret->bytes) ? ERR_OK
                                           : err_set(e, ERR_NOMEM, "out of memory while answering");
}

err_code service_efi_file(struct service *s, const struct service_question *q, struct arena *a,
                          struct service_answer *ret, struct err *e)
{
    *ret = (struct service_answer){.bytes = STR("")};
    if (!service_ready(s))
        return err_set(e, ERR_BUSY, "the site is still being loaded");
    const struct catalog_view *v = catalog_enter(s->catalog);
    err_code c = efi_in_view(v, q, a, ret, e);
    catalog_leave(s->catalog);
    counter_add(ret->group.p ? &s->matches : &s->misses, 1);
    return c;
}

static void count_answer(struct service *s, const struct service_question *q,
                         const struct service_answer *a, err_code c)
{
    if (c && c != ERR_NOT_FOUND)
        counter_add(&s->render_errors[q->document], 1);
    counter_add(a->group.p ? &s->matches : &s->misses, 1);
}

err_code service_answer(struct service *s, const struct service_question *q, struct arena *a,
                        struct service_answer *ret, struct err *e)
{
    *ret = (struct service_answer){.bytes = STR("")};
    if (!service_ready(s))
        return err_set(e, ERR_BUSY, "the site is still being loaded");
    const struct catalog_view *v = catalog_enter(s->catalog);
    err_code c = answer_in_view(s, v, q, a, ret, e);
    catalog_leave(s->catalog);
    count_answer(s, q, ret, c);
    if (c && c != ERR_NOT_FOUND)
        err_prefix(e, "%s for group \"%.*s\"", render_name(q->document), STR_FMT(ret->group));
    if (c && ret->held) {
        catalog_doc_release(ret->held);
        ret->held = NULL;
    }
    return c;
}
