#include "model/model.h"

static struct value string_list(struct arena *a, const struct str *v, uint32_t n, bool *ok)
{
    struct value *items = n ? arena_calloc(a, n, sizeof *items) : NULL;
    *ok = *ok && (items || !n);
    for (uint32_t i = 0; items && i < n; i++)
        items[i] = value_str(v[i]);
    return (struct value){.kind = VALUE_LIST, .n = items ? n : 0, .list = items};
}

static struct value selector_value(struct arena *a, const struct model_group *g, bool *ok)
{
    const struct labels *l = &g->selector;
    struct value_pair *pairs = l->n ? arena_calloc(a, l->n, sizeof *pairs) : NULL;
    *ok = *ok && (pairs || !l->n);
    for (uint32_t i = 0; pairs && i < l->n; i++) {
        const struct model_any *any = model_group_any(g, l->v[i].key);
        pairs[i] = (struct value_pair){l->v[i].key, any ? string_list(a, any->values, any->n, ok)
                                                        : value_str(l->v[i].value)};
    }
    return value_map(VALUE_MAP, pairs, pairs ? l->n : 0);
}

static void write_pairs(struct buf *dst, struct value_pair *pairs, uint32_t n, bool ok, int flags)
{
    struct value v = value_map(VALUE_MAP, pairs, n);
    if (ok)
        value_to_json(dst, &v, flags);
    else
        dst->failed = true;
}

#define SCRATCH_MAX (16u << 20)

void model_group_write(struct buf *dst, const struct model_group *g, int json_flags)
{
    ARENA_LOCAL(a, SCRATCH_MAX);
    bool ok = true;
    struct value_pair p[5];
    uint32_t n = 0;
    p[n++] = (struct value_pair){STR("id"), value_str(g->id)};
    if (g->name.n)
        p[n++] = (struct value_pair){STR("name"), value_str(g->name)};
    if (g->profile.n)
        p[n++] = (struct value_pair){STR("profile"), value_str(g->profile)};
    if (g->selector.n)
        p[n++] = (struct value_pair){STR("selector"), selector_value(&a, g, &ok)};
    if (g->metadata.n)
        p[n++] = (struct value_pair){STR("metadata"), g->metadata};
    write_pairs(dst, p, n, ok, json_flags);
}

static void add_pair(struct value_pair *p, uint32_t *n, struct str key, struct value v)
{
    p[(*n)++] = (struct value_pair){key, v};
}

#define BOOT_PAIRS 5

/* What is empty is left out, unless it stands for something: for an architecture it replaces what
   is common. */
static uint32_t boot_pairs(struct arena *a, const struct model_boot *b, bool keep_empty,
                           struct value_pair p[BOOT_PAIRS], bool *ok)
{
    uint32_t n = 0;
    if (b->kernel.n || (keep_empty && b->has_kernel))
        add_pair(p, &n, STR("kernel"), value_str(b->kernel));
    if (b->initrd_n || (keep_empty && b->has_initrd))
        add_pair(p, &n, STR("initrd"), string_list(a, b->initrd, b->initrd_n, ok));
    if (b->args_n || (keep_empty && b->has_args))
        add_pair(p, &n, STR("args"), string_list(a, b->args, b->args_n, ok));
    if (b->efi.n || (keep_empty && b->has_efi))
        add_pair(p, &n, STR("efi"), value_str(b->efi));
    return n;
}

static struct value archs_value(struct arena *a, const struct model_profile *p, bool *ok)
{
    struct value_pair *archs = arena_calloc(a, p->archs_n, sizeof *archs);
    struct value_pair *parts = arena_calloc(a, (size_t)p->archs_n * BOOT_PAIRS, sizeof *parts);
    *ok = *ok && archs && parts;
    for (uint32_t i = 0; *ok && i < p->archs_n; i++) {
        struct value_pair *own = &parts[(size_t)i * BOOT_PAIRS];
        uint32_t n = boot_pairs(a, &p->archs[i].boot, true, own, ok);
        archs[i] = (struct value_pair){p->archs[i].arch, value_map(VALUE_MAP, own, n)};
    }
    return value_map(VALUE_MAP, archs, *ok ? p->archs_n : 0);
}

void model_profile_write(struct buf *dst, const struct model_profile *prof, int json_flags)
{
    ARENA_LOCAL(a, SCRATCH_MAX);
    bool ok = true;
    struct value_pair boot[BOOT_PAIRS], p[4 + MODEL_PROFILE_KINDS];
    uint32_t boot_n, n = 0;
    add_pair(p, &n, STR("id"), value_str(prof->id));
    if (prof->name.n)
        add_pair(p, &n, STR("name"), value_str(prof->name));
    if (prof->has_boot) {
        boot_n = boot_pairs(&a, &prof->boot, false, boot, &ok);
        if (prof->archs_n)
            add_pair(boot, &boot_n, STR("arch"), archs_value(&a, prof, &ok));
        add_pair(p, &n, STR("boot"), value_map(VALUE_MAP, boot, boot_n));
    }
    if (prof->verify)
        add_pair(p, &n, STR("verify"), value_bool(true));
    for (int k = 0; k < MODEL_PROFILE_KINDS; k++)
        if (prof->refs[k].n)
            add_pair(p, &n, str_c(model_kind_key((enum model_kind)k)), value_str(prof->refs[k]));
    write_pairs(dst, p, n, ok, json_flags);
}

void model_group_selector_write(struct buf *dst, const struct model_group *g)
{
    ARENA_LOCAL(a, SCRATCH_MAX);
    bool ok = true;
    struct value v = selector_value(&a, g, &ok);
    if (ok)
        value_to_json(dst, &v, 0);
    else
        dst->failed = true;
}

void model_selector_write(struct buf *dst, const struct labels *l)
{
    const struct model_group g = {.selector = *l};
    model_group_selector_write(dst, &g);
}
