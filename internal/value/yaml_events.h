/*
 * yaml_events.h - libyaml's events of one text, with the errors and the anchors that every reader
 * of them needs. Inside this module only; the one place that knows libyaml's error fields.
 */
#ifndef VALUE_YAML_EVENTS_H
#define VALUE_YAML_EVENTS_H

#include <yaml.h>

#include "value/yaml.h"

#define ANCHOR_BUCKETS 4096

/* `&name`; what follows the name is for who reads, zero at first. */
struct anchor {
    struct str name;
    struct anchor *next;
    struct yaml_node *node;
    uint32_t nodes; /* it and all below it, with what aliases repeat */
    int height;     /* collections on the longest way down, 0 for a scalar */
    bool open;      /* its end has not come yet */
};

struct event_source {
    struct str text;
    yaml_parser_t parser;
    struct arena names;
    bool has_anchors;
    struct anchor *anchors[ANCHOR_BUCKETS];
};

/* The text must stay until events_close, which must follow a success. ERR_NOMEM. */
err_code events_open(struct event_source *s, struct str text, struct err *e);
void events_close(struct event_source *s);
/* The caller deletes the event with yaml_event_delete. ERR_INVALID with a place, ERR_NOMEM. */
err_code events_next(struct event_source *s, yaml_event_t *ret, struct err *e);

/* The newest anchor of that name in this document, or NULL. */
struct anchor *anchor_find(struct event_source *s, struct str name);
/* A new one, hiding an older one of that name. ERR_NOMEM. */
err_code anchor_define(struct event_source *s, struct str name, struct anchor **ret, struct err *e);
/* At the start of a document: its anchors are its own. */
void anchors_forget(struct event_source *s);

static inline int mark_line(yaml_mark_t m)
{
    return (int)m.line + 1;
}
static inline int mark_column(yaml_mark_t m)
{
    return (int)m.column + 1;
}

/* err_at with the place of a mark; a macro so that the format stays checked. */
#define err_at_mark(e, code, mark, ...)                                                            \
    err_at((e), (code), mark_line(mark), mark_column(mark), __VA_ARGS__)

#endif
