#include <stdio.h>

#include "base/hash.h"
#include "service/files.h"
#include "service/parts.h"

/* Larger documents are held, smaller ones copied: a copy is cheaper than a shared counter. */
#define COPY_MAX 4096

struct finding_out {
    const struct catalog_view *view;
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

/*
 * What a NoCloud seed must have, template or not: meta-data made from the group, and an empty
 * network-config and vendor-data, since a 404 costs cloud-init ten seconds.
 */
static bool has_default(enum render_document d)
{
    return d == RENDER_META_DATA || d == RENDER_NETWORK_CONFIG || d == RENDER_VENDOR_DATA;
}

/* Group, profile and template for the labels, as far as they are there. */
static err_code find_out(struct service *s, const struct catalog_view *v,
                         const struct service_question *q, struct finding_out *ret, struct err *e)
{
    const char *name = render_name(q->document);
    ret->group = catalog_match(v, q->labels);
    if (!ret->group)
        return err_set(e, ERR_NOT_FOUND, "no %s: no group matches these labels", name);
    if (q->document == RENDER_METADATA)
        return ERR_OK;
    const struct model_group *g = &ret->group->model;
    ret->profile = catalog_profile(v, g->profile);
    if (!ret->profile)
        return no_such_document(e, name, ret->group, "there is no profile", g->profile);
    enum model_kind kind = render_kind(q->document);
    struct str ref = ret->profile->model.refs[kind];
    bool boot_script = q->document == RENDER_IPXE || q->document == RENDER_GRUB;
    if (ref.n == 0 && has_default(q->document))
        return ERR_OK;
    if (ref.n == 0) {
        if (!boot_script || !ret->profile->model.has_boot)
            return no_such_document(e, name, ret->group,
                                    boot_script ? "nothing to boot in profile"
                                                : "no such template is named in profile",
                                    ret->profile->model.id);
        ret->tmpl = q->document == RENDER_IPXE ? s->builtins.ipxe : s->builtins.grub;
        return ERR_OK;
    }
    const struct catalog_template *t = catalog_template(v, kind, ref);
    if (!t)
        return no_such_document(e, name, ret->group, "there is no template", ref);
    if (!t->render) {
        if (e)
            *e = t->broken;
        return t->broken.code;
    }
    ret->tmpl = t->render;
    ret->tmpl_generation = t->generation;
    /* Butane may read any of the site's files, so it is made of all of them. */
    if (q->document == RENDER_IGNITION)
        ret->tmpl_generation = hash_mix(t->generation, catalog_files_generation(v));
    return ERR_OK;
}

static err_code render_now(struct service *s, const struct service_question *q,
                           const struct finding_out *f, bool with_request, struct arena *a,
                           struct buf *out, struct err *e)
{
    struct value request = value_nil(), group;
    err_code c = catalog_group_data(f->group, a, &group, e);
    if (!c && with_request)
        c = render_request_data(a, q->labels, q->raw_query, &request, e);
    if (c)
        return c;
    struct files_source source = {f->view, a};
    struct butane_files files = files_of(&source);
    struct render_input in = {
        .document = q->document,
        .tmpl = f->tmpl,
        .group = &group,
        .boot = f->profile ? &f->profile->boot : NULL,
        .request = with_request ? &request : NULL,
        .trust_request = s->trust_request,
        .files = &files,
    };
    return render(&in, a, out, e);
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

static err_code default_document(const struct service_question *q, const struct finding_out *f,
                                 struct arena *a, struct service_answer *ret, struct err *e)
{
    if (q->document != RENDER_META_DATA)
        return ERR_OK;
    struct buf out;
    struct value group;
    buf_in_arena(&out, a, RENDER_OUTPUT_MAX);
    err_code c = catalog_group_data(f->group, a, &group, e);
    if (!c)
        c = render_meta_data(&group, f->group->model.id, q->labels, &out, e);
    if (!c)
        ret->bytes = buf_str(&out);
    return c;
}

static err_code document(struct service *s, const struct service_question *q,
                         const struct finding_out *f, struct arena *a, struct service_answer *ret,
                         struct err *e)
{
    if (!f->tmpl && has_default(q->document))
        return default_document(q, f, a, ret, e);
    enum render_scope scope = render_scope(q->document, f->tmpl);
    const struct catalog_group *owner = scope == RENDER_PER_GROUP ? f->group : NULL;
    if (scope != RENDER_PER_REQUEST) {
        struct catalog_doc *doc =
            catalog_doc_get(owner, f->profile, q->document, f->tmpl_generation);
        if (doc && give_doc(doc, a, ret))
            return ERR_OK;
    }
    struct buf out;
    buf_in_arena(&out, a, RENDER_OUTPUT_MAX);
    err_code c = render_now(s, q, f, scope == RENDER_PER_REQUEST, a, &out, e);
    if (c)
        return c;
    if (scope != RENDER_PER_REQUEST)
        catalog_doc_put(s->catalog, owner, f->profile, q->document, f->tmpl_generation,
                        buf_str(&out));
    ret->bytes = out.n ? buf_str(&out) : STR("");
    return ERR_OK;
}

err_code service_sign(struct service *s, struct str bytes, enum service_form form, struct arena *a,
                      struct str *ret, struct err *e)
{
    struct buf sig;
    buf_in_arena(&sig, a, 4096);
    err_code c = signature_get(s->signatures, s->key, bytes, form == SERVICE_ASC, &sig, e);
    if (!c)
        *ret = buf_str(&sig);
    return c;
}

/* Replaces the document by a signature over it. */
static err_code sign_answer(struct service *s, const struct service_question *q, struct arena *a,
                            struct service_answer *ret, struct err *e)
{
    struct catalog_doc *held = ret->held;
    ret->held = NULL;
    err_code c = service_sign(s, ret->bytes, q->form, a, &ret->bytes, e);
    if (held)
        catalog_doc_release(held);
    return c;
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
    if (f.group &&
        (!arena_str(a, f.group->model.id, &ret->group) ||
         !arena_str(a, f.group->model.profile, &ret->profile)) &&
        !c)
        c = err_set(e, ERR_NOMEM, "out of memory while answering");
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
    if (!c && q->form != SERVICE_PLAIN)
        c = sign_answer(s, q, a, ret, e);
    count_answer(s, q, ret, c);
    if (c && c != ERR_NOT_FOUND)
        err_prefix(e, "%s for group \"%.*s\"", render_name(q->document), STR_FMT(ret->group));
    if (c && ret->held) {
        catalog_doc_release(ret->held);
        ret->held = NULL;
    }
    return c;
}
