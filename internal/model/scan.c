#include "model/model.h"
#include "value/canonical.h"

static bool scan_selector(struct canonical *c, struct label *room, struct labels *ret)
{
    struct str last = {NULL, 0}, value;
    uint32_t n = 0;
    if (!canonical_byte(c, '{'))
        return false;
    do {
        if (n == MODEL_SELECTORS || !canonical_key(c, &last) || !canonical_string(c, &value) ||
            !model_label_is_normal(last, value))
            return false;
        room[n++] = (struct label){last, value};
    } while (canonical_byte(c, ','));
    *ret = (struct labels){.v = room, .n = n};
    return canonical_byte(c, '}');
}

static bool scan_metadata(struct canonical *c, struct str *ret)
{
    return c->at < c->end && *c->at == '{' && canonical_skip(c, ret);
}

static bool scan_member(struct canonical *c, struct str key, struct label *room,
                        struct model_group *g, struct str *metadata)
{
    struct str unused;
    if (str_is(key, "id") || str_is(key, "name"))
        return canonical_string(c, &unused);
    if (str_is(key, "profile"))
        return canonical_string(c, &g->profile);
    if (str_is(key, "selector"))
        return scan_selector(c, room, &g->selector);
    return str_is(key, "metadata") && scan_metadata(c, metadata);
}

bool model_group_scan(struct str text, struct label room[MODEL_SELECTORS], struct model_group *ret,
                      struct str *ret_metadata)
{
    struct canonical c = canonical_begin(text);
    struct model_group g = {.name = STR(""), .profile = STR(""), .metadata = {.kind = VALUE_MAP}};
    struct str key = {NULL, 0}, metadata = {NULL, 0};
    if (text.n > MODEL_STORED_MAX || !canonical_byte(&c, '{'))
        return false;
    do {
        if (!canonical_key(&c, &key) || !scan_member(&c, key, room, &g, &metadata))
            return false;
    } while (canonical_byte(&c, ','));
    if (!canonical_byte(&c, '}') || !canonical_at_end(&c))
        return false;
    *ret = g;
    *ret_metadata = metadata;
    return true;
}
