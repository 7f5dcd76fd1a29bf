/*
 * Is a text YAML at all? The tree of it is yaml_read's matter.
 */
#include "value/value.h"
#include "value/yaml_events.h"

static err_code define(struct event_source *s, const yaml_char_t *name, struct err *e)
{
    struct anchor *x;
    struct str text = str_c((const char *)name);
    return text.p ? anchor_define(s, text, &x, e) : ERR_OK;
}

static err_code check_event(struct event_source *s, const yaml_event_t *ev, int *depth,
                            struct err *e)
{
    err_code c = ERR_OK;
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT: anchors_forget(s); break;
    case YAML_SCALAR_EVENT: c = define(s, ev->data.scalar.anchor, e); break;
    case YAML_SEQUENCE_START_EVENT:
        c = define(s, ev->data.sequence_start.anchor, e);
        ++*depth;
        break;
    case YAML_MAPPING_START_EVENT:
        c = define(s, ev->data.mapping_start.anchor, e);
        ++*depth;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: --*depth; break;
    case YAML_ALIAS_EVENT:
        if (!anchor_find(s, str_c((const char *)ev->data.alias.anchor)))
            return err_at_mark(e, ERR_INVALID, ev->start_mark, "not YAML: unknown anchor *%s",
                               (const char *)ev->data.alias.anchor);
        break;
    default: break;
    }
    if (!c && *depth > YAML_MAX_DEPTH)
        c = err_at_mark(e, ERR_LIMIT, ev->start_mark, "YAML is nested more than %d levels deep",
                        YAML_MAX_DEPTH);
    return c;
}

static err_code check_events(struct event_source *s, struct err *e)
{
    int depth = 0;
    for (uint32_t n = 0;; n++) {
        yaml_event_t ev;
        err_code c = events_next(s, &ev, e);
        if (c)
            return c;
        c = check_event(s, &ev, &depth, e);
        if (!c && n == YAML_MAX_NODES)
            c = err_at_mark(e, ERR_LIMIT, ev.start_mark, "YAML has more than %d nodes",
                            YAML_MAX_NODES);
        bool end = ev.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&ev);
        if (c || end)
            return c;
    }
}

err_code value_check_yaml(struct str text, struct err *e)
{
    struct event_source s;
    err_code c = events_open(&s, text, e);
    if (c)
        return c;
    c = check_events(&s, e);
    events_close(&s);
    return c;
}
