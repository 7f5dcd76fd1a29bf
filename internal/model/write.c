#include "model/model.h"

static struct value string_list(struct arena *a, const struct str *v, uint32_t n, bool *ok)
{
    struct value *items = n ? arena_calloc(a, n, sizeof *items) : NULL;
    *ok = *ok && (items || !n);
    for (uint32_t i = 0; items && i < n; i++)
        items[i] = value_str(v[i]);
    return (struct value){.kind = VALUE_LIST, .n = items ? n : 0, .list = items};
}

static struct value selector_value(struct arena *a, const struct labels *l, bool *ok)
{
    struct value_pair *pairs = l->n ? arena_calloc(a, l->n, sizeof *pairs) : NULL;
    *ok = *ok && (pairs || !l->n);
    for (uint32_t i = 0; pairs && i < l->n; i++)
        pairs[i] = (struct value_pair){l->v[i].key, value_str(l->v[i].value)};
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
        p[n++] = (struct value_pair){STR("selector"), selector_value(&a, &g->selector, &ok)};
    if (g->metadata.n)
        p[n++] = (struct value_pair){STR("metadata"), g->metadata};
    write_pairs(dst, p, n, ok, json_flags);
}

void model_profile_write(struct buf *dst, const struct model_profile *prof, int json_flags)
{
    ARENA_LOCAL(a, SCRATCH_MAX);
    bool ok = true;
    struct value_pair boot[3], p[3 + MODEL_PROFILE_KINDS];
    uint32_t boot_n = 0, n = 0;
    p[n++] = (struct value_pair){STR("id"), value_str(prof->id)};
    if (prof->name.n)
        p[n++] = (struct value_pair){STR("name"), value_str(prof->name)};
    if (prof->has_boot) {
        if (prof->kernel.n)
            boot[boot_n++] = (struct value_pair){STR("kernel"), value_str(prof->kernel)};
        if (prof->initrd_n)
            boot[boot_n++] = (struct value_pair){
                STR("initrd"), string_list(&a, prof->initrd, prof->initrd_n, &ok)};
        if (prof->args_n)
            boot[boot_n++] =
                (struct value_pair){STR("args"), string_list(&a, prof->args, prof->args_n, &ok)};
        p[n++] = (struct value_pair){STR("boot"), value_map(VALUE_MAP, boot, boot_n)};
    }
    for (int k = 0; k < MODEL_PROFILE_KINDS; k++)
        if (prof->refs[k].n)
            p[n++] = (struct value_pair){str_c(model_kind_key((enum model_kind)k)),
                                         value_str(prof->refs[k])};
    write_pairs(dst, p, n, ok, json_flags);
}

void model_selector_write(struct buf *dst, const struct labels *l)
{
    ARENA_LOCAL(a, SCRATCH_MAX);
    bool ok = true;
    struct value v = selector_value(&a, l, &ok);
    if (ok)
        value_to_json(dst, &v, 0);
    else
        dst->failed = true;
}
