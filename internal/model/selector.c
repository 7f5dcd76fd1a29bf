/* Selectors with lists: each stands for every combination of one value from each list. */
#include "model/model.h"

const struct model_any *model_group_any(const struct model_group *g, struct str key)
{
    for (uint32_t i = 0; i < g->any_n; i++)
        if (str_eq(g->any[i].key, key))
            return &g->any[i];
    return NULL;
}

uint32_t model_group_combinations(const struct model_group *g)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < g->any_n && n <= MODEL_COMBINATIONS; i++)
        n *= g->any[i].n;
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void model_group_combination(const struct model_group *g, uint32_t i, struct label *dst)
{
    uint32_t list = 0;
    for (uint32_t k = 0; k < g->selector.n; k++) {
        dst[k] = g->selector.v[k];
        if (list == g->any_n || !str_eq(g->any[list].key, dst[k].key))
            continue;
        const struct model_any *any = &g->any[list++];
        dst[k].value = any->values[i % any->n];
        i /= any->n;
    }
}

bool model_group_pair_holds(const struct model_group *g, uint32_t pair, struct str value)
{
    const struct label *l = &g->selector.v[pair];
    const struct model_any *any = model_group_any(g, l->key);
    if (!any)
        return str_eq(l->value, value);
    for (uint32_t i = 0; i < any->n; i++)
        if (str_eq(any->values[i], value))
            return true;
    return false;
}
