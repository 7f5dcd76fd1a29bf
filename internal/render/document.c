#include "base/always.h"
#include "render/parts.h"

static const struct {
    struct str name;
    enum model_kind kind;
    const char *content_type;
} documents[RENDER_DOCUMENTS] = {
    [RENDER_IPXE] = {STR_INIT("ipxe"), MODEL_IPXE, "text/plain; charset=utf-8"},
    [RENDER_GRUB] = {STR_INIT("grub"), MODEL_GRUB, "text/plain; charset=utf-8"},
    [RENDER_PXELINUX] = {STR_INIT("pxelinux"), MODEL_PXELINUX, "text/plain; charset=utf-8"},
    [RENDER_IGNITION] = {STR_INIT("ignition"), MODEL_IGNITION, "application/json"},
    [RENDER_CLOUD] = {STR_INIT("cloud"), MODEL_CLOUD, "text/plain; charset=utf-8"},
    [RENDER_GENERIC] = {STR_INIT("generic"), MODEL_GENERIC, "text/plain; charset=utf-8"},
    [RENDER_METADATA] = {STR_INIT("metadata"), MODEL_GENERIC, "text/plain; charset=utf-8"},
    [RENDER_USER_DATA] = {STR_INIT("user-data"), MODEL_CLOUD, "text/plain; charset=utf-8"},
    [RENDER_META_DATA] = {STR_INIT("meta-data"), MODEL_META_DATA, "text/plain; charset=utf-8"},
    [RENDER_NETWORK_CONFIG] = {STR_INIT("network-config"), MODEL_NETWORK_CONFIG,
                               "text/plain; charset=utf-8"},
    [RENDER_VENDOR_DATA] = {STR_INIT("vendor-data"), MODEL_VENDOR_DATA,
                            "text/plain; charset=utf-8"},
};

const char *render_name(enum render_document d)
{
    return documents[d].name.p;
}

bool render_from_name(struct str name, enum render_document *ret)
{
    for (int d = 0; d < RENDER_DOCUMENTS; d++) {
        if (str_eq(name, documents[d].name)) {
            *ret = (enum render_document)d;
            return true;
        }
    }
    return false;
}

bool render_is_boot_script(enum render_document d)
{
    return d == RENDER_IPXE || d == RENDER_GRUB || d == RENDER_PXELINUX;
}

enum model_kind render_kind(enum render_document d)
{
    always(d != RENDER_METADATA);
    return documents[d].kind;
}

const char *render_content_type(enum render_document d)
{
    return documents[d].content_type;
}

/* The group's data with `request` in its place and, for boot scripts, `boot` unless it is taken. */
static err_code whole_data(const struct render_input *in, struct arena *a, struct value *ret,
                           struct err *e)
{
    bool with_boot = render_is_boot_script(in->document) && in->boot &&
                     in->boot->kind == VALUE_MAP && !value_get(in->group, STR("boot"));
    uint32_t n = in->group->n + with_boot;
    struct value_pair *p = arena_alloc(a, (n + 1) * sizeof *p);
    if (!p)
        return err_set(e, ERR_NOMEM, "out of memory while rendering");
    uint32_t at = 0;
    bool boot_placed = !with_boot;
    for (uint32_t i = 0; i < in->group->n; i++) {
        const struct value_pair *g = &in->group->map[i];
        if (!boot_placed && str_cmp(g->key, STR("boot")) > 0) {
            p[at++] = (struct value_pair){STR("boot"), *in->boot};
            boot_placed = true;
        }
        p[at] = *g;
        if (in->request && str_is(g->key, "request"))
            p[at].v = *in->request;
        at++;
    }
    if (!boot_placed)
        p[at++] = (struct value_pair){STR("boot"), *in->boot};
    *ret = (struct value){.kind = VALUE_MAP, .n = at, .map = p};
    return ERR_OK;
}

/* Only what the built-in scripts use: they are the same for every group of a profile. */
static struct value boot_only(const struct render_input *in, struct value_pair *place)
{
    *place = (struct value_pair){STR("boot"), *in->boot};
    return (struct value){.kind = VALUE_MAP, .n = 1, .map = place};
}

/* A script of nothing would look like a boot that worked. */
static err_code check_script(struct str name, struct str text, struct err *e)
{
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r\n\v\f", text.p[i]))
            return ERR_OK;
    err_at(e, ERR_INVALID, 1, 1, "the rendered script is empty: the machine would boot nothing");
    err_in_file(e, name.p);
    return ERR_INVALID;
}

/* A document of these kinds that its client would ignore, or take for nothing, is not given out. */
static err_code check(const struct render_input *in, struct str text, struct arena *a,
                      struct err *e)
{
    struct str name = in->tmpl->name;
    switch (in->document) {
    case RENDER_IPXE:
    case RENDER_GRUB:
    case RENDER_PXELINUX: return check_script(name, text, e);
    case RENDER_CLOUD: return cloud_check_config(name, text, e);
    case RENDER_USER_DATA:
    case RENDER_VENDOR_DATA: return cloud_check_user_data(name, text, e);
    case RENDER_META_DATA: return cloud_check_meta_data(name, text, a, e);
    case RENDER_NETWORK_CONFIG: return cloud_check_yaml(name, text, e);
    default: return ERR_OK;
    }
}

static err_code from_template(const struct render_input *in, struct arena *a, struct buf *out,
                              struct err *e)
{
    const struct render_template *t = in->tmpl;
    if (t->raw) {
        buf_add_str(out, t->source);
        return ERR_OK;
    }
    struct value data;
    struct value_pair place;
    err_code c = ERR_OK;
    if (t->builtin)
        data = boot_only(in, &place);
    else
        c = whole_data(in, a, &data, e);
    struct tmpl_options options = {.context = in->trust_request ? TMPL_TRUSTED : t->context};
    if (c)
        return c;
    if (t->kind != MODEL_IGNITION) {
        c = tmpl_execute(t->compiled, &data, a, &options, out, e);
        return c ? c : check(in, buf_str(out), a, e);
    }
    struct buf text;
    buf_in_arena(&text, a, RENDER_OUTPUT_MAX);
    c = tmpl_execute(t->compiled, &data, a, &options, &text, e);
    return c ? c : butane_document(in, buf_str(&text), a, out, e);
}

err_code render(const struct render_input *in, struct arena *a, struct buf *out, struct err *e)
{
    if (in->document == RENDER_METADATA)
        return render_metadata(in->group, in->request, a, out, e);
    always(in->tmpl);
    always(!in->tmpl->builtin || (in->boot && in->boot->kind == VALUE_MAP));
    err_code c = from_template(in, a, out, e);
    if (!c && out->failed)
        c = err_set(e, ERR_LIMIT, "the document is larger than %zu bytes", out->max);
    return c;
}
