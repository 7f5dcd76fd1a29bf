#include "service/document.h"

/*
 * What a NoCloud seed must have, template or not: meta-data made from the group, and an empty
 * network-config and vendor-data, since a 404 costs cloud-init ten seconds.
 */
static bool has_default(enum render_document d)
{
    return d == RENDER_META_DATA || d == RENDER_NETWORK_CONFIG || d == RENDER_VENDOR_DATA;
}

enum document_source document_source(enum render_document d, const struct model_profile *p,
                                     const struct render_client *client, struct str *ret_name)
{
    *ret_name = STR("");
    if (d == RENDER_METADATA)
        return DOCUMENT_PLAIN;
    *ret_name = p->refs[render_kind(d)];
    if (ret_name->n)
        return DOCUMENT_TEMPLATE;
    if (has_default(d))
        return DOCUMENT_PLAIN;
    bool boots = render_is_boot_script(d) && !render_boots_nothing(p, d, client);
    return boots ? DOCUMENT_BUILTIN : DOCUMENT_NONE;
}

enum render_scope document_scope(const struct document_parts *p)
{
    if (p->tmpl)
        return render_scope(p->document, p->tmpl);
    return p->document == RENDER_METADATA || p->document == RENDER_META_DATA ? RENDER_PER_REQUEST
                                                                             : RENDER_PER_PROFILE;
}

bool document_shows_secrets(const struct document_parts *p)
{
    return p->tmpl && document_scope(p) != RENDER_PER_PROFILE;
}

err_code document_render(const struct document_parts *p, struct arena *a, struct buf *out,
                         struct err *e)
{
    if (!p->tmpl && p->document == RENDER_META_DATA)
        return render_meta_data(p->data, p->group, p->labels, out, e);
    if (!p->tmpl && has_default(p->document))
        return ERR_OK;
    bool with_request = document_scope(p) == RENDER_PER_REQUEST;
    struct value request = value_nil(), boot = value_nil();
    err_code c = ERR_OK;
    if (with_request)
        c = render_request_data(a, p->sent, p->raw_query, &request, e);
    if (!c && render_is_boot_script(p->document))
        c = render_boot_data(a, p->profile, p->document, &p->client, &boot, e);
    if (c)
        return c;
    struct render_input in = {
        .document = p->document,
        .tmpl = p->tmpl,
        .group = p->data,
        .boot = &boot,
        .request = with_request ? &request : NULL,
        .trust_request = p->trust_request,
        .files = p->files,
        .findings = p->findings,
    };
    return render(&in, a, out, e);
}
