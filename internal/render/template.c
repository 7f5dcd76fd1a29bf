#include <stdlib.h>

#include "base/always.h"
#include "base/embedded.h"
#include "ignition/ignition.h"
#include "render/parts.h"

enum tmpl_context render_context(enum model_kind kind, struct str source)
{
    switch (kind) {
    case MODEL_IPXE: return TMPL_IPXE;
    case MODEL_GRUB: return TMPL_GRUB;
    case MODEL_PXELINUX: return TMPL_PXELINUX;
    case MODEL_CLOUD:
    case MODEL_VENDOR_DATA: return str_starts(source, STR("#!")) ? TMPL_SCRIPT : TMPL_YAML;
    case MODEL_IGNITION:
    case MODEL_META_DATA:
    case MODEL_NETWORK_CONFIG: return TMPL_YAML;
    case MODEL_GENERIC:
    case MODEL_FILES: break;
    }
    return TMPL_GENERIC;
}

err_code render_template_make(enum model_kind kind, struct str name, struct str source,
                              struct render_template **ret, struct err *e)
{
    if (source.n > MODEL_TEMPLATE_MAX)
        return err_set(e, ERR_LIMIT, "the template has %zu bytes; the most is %u", source.n,
                       MODEL_TEMPLATE_MAX);
    struct render_template *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, ERR_NOMEM, "out of memory while compiling a template");
    t->kind = kind;
    t->context = render_context(kind, source);
    arena_init(&t->arena, source.n + name.n + 16384);
    err_code c = ERR_NOMEM;
    if (!arena_str(&t->arena, name, &t->name) || !arena_str(&t->arena, source, &t->source)) {
        err_set(e, c, "out of memory while compiling template %.*s", STR_FMT(name));
        goto fail;
    }
    t->raw = kind == MODEL_FILES || (kind == MODEL_IGNITION && ignition_is_raw(name));
    c = ERR_OK;
    if (kind == MODEL_IGNITION && t->raw) {
        ARENA_LOCAL(scratch, 64u << 20);
        struct ignition_version v;
        c = ignition_check(source, &scratch, &v, e);
        if (c)
            err_in_file(e, t->name.p);
    } else if (!t->raw) {
        c = tmpl_compile(name, source, &t->compiled, e);
    }
    if (c)
        goto fail;
    *ret = t;
    return ERR_OK;
fail:
    render_template_free(t);
    return c;
}

void render_template_free(struct render_template *t)
{
    if (!t)
        return;
    tmpl_free(t->compiled);
    arena_free(&t->arena);
    free(t);
}

struct str render_template_source(const struct render_template *t)
{
    return t->source;
}

static err_code make_builtin(enum model_kind kind, const char *file, struct render_template **ret,
                             struct err *e)
{
    struct str source = embedded_get(file);
    if (!source.p)
        return err_set(e, ERR_NOT_FOUND, "the built-in template %s is not part of this program",
                       file);
    err_code c = render_template_make(kind, str_c(file), source, ret, e);
    if (!c)
        (*ret)->builtin = true;
    return c;
}

err_code render_builtins_make(struct render_builtins *ret, struct err *e)
{
    struct render_builtins b = {0};
    err_code c = make_builtin(MODEL_IPXE, "templates/ipxe", &b.ipxe, e);
    if (!c)
        c = make_builtin(MODEL_GRUB, "templates/grub", &b.grub, e);
    if (!c)
        c = make_builtin(MODEL_GRUB, "templates/grub.matchbox", &b.grub_matchbox, e);
    if (!c)
        c = make_builtin(MODEL_PXELINUX, "templates/pxelinux", &b.pxelinux, e);
    if (c)
        render_builtins_free(&b);
    else
        *ret = b;
    return c;
}

void render_builtins_free(struct render_builtins *b)
{
    render_template_free(b->ipxe);
    render_template_free(b->grub);
    render_template_free(b->grub_matchbox);
    render_template_free(b->pxelinux);
    *b = (struct render_builtins){0};
}

const struct render_template *render_builtin(const struct render_builtins *b,
                                             enum render_document d,
                                             const struct render_client *client)
{
    always(render_is_boot_script(d));
    if (d == RENDER_GRUB)
        return client->base.p ? b->grub : b->grub_matchbox;
    return d == RENDER_IPXE ? b->ipxe : b->pxelinux;
}

enum render_scope render_scope(enum render_document d, const struct render_template *t)
{
    if (d == RENDER_METADATA)
        return RENDER_PER_REQUEST;
    if (t->raw || t->builtin)
        return RENDER_PER_PROFILE;
    switch (tmpl_needs(t->compiled)) {
    case TMPL_NEEDS_NOTHING: return RENDER_PER_PROFILE;
    case TMPL_NEEDS_DATA: return RENDER_PER_GROUP;
    case TMPL_NEEDS_REQUEST: return RENDER_PER_REQUEST;
    }
    return RENDER_PER_REQUEST;
}
