#include "value/yaml_events.h"

#include "base/hash.h"

#define NAMES_MAX ((size_t)64 << 20)

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading YAML");
}

err_code events_open(struct event_source *s, struct str text, struct err *e)
{
    *s = (struct event_source){.text = text};
    if (!yaml_parser_initialize(&s->parser))
        return nomem(e);
    yaml_parser_set_input_string(&s->parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    arena_init(&s->names, NAMES_MAX);
    return ERR_OK;
}

void events_close(struct event_source *s)
{
    arena_free(&s->names);
    yaml_parser_delete(&s->parser);
}

/* Bytes that are no characters: libyaml tells only how far into the text they are. */
static err_code encoding_error(const struct event_source *s, struct err *e)
{
    size_t at = s->parser.problem_offset < s->text.n ? s->parser.problem_offset : s->text.n;
    int line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = s->text.p[i] == '\n' ? 1 : column + 1;
        line += s->text.p[i] == '\n';
    }
    return err_at(e, ERR_INVALID, line, column, "not YAML: %s (byte %zu of the text)",
                  s->parser.problem ? s->parser.problem : "unreadable characters", at);
}

err_code events_next(struct event_source *s, yaml_event_t *ret, struct err *e)
{
    yaml_event_t ev;
    if (yaml_parser_parse(&s->parser, &ev)) {
        *ret = ev;
        return ERR_OK;
    }
    const yaml_parser_t *p = &s->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return nomem(e);
    if (p->error == YAML_READER_ERROR)
        return encoding_error(s, e);
    return err_at_mark(e, ERR_INVALID, p->problem_mark, "not YAML: %s%s%s",
                       p->context ? p->context : "", p->context ? ", " : "",
                       p->problem ? p->problem : "it does not parse");
}

static struct anchor **bucket(struct event_source *s, struct str name)
{
    return &s->anchors[hash_bytes(name, 0) % ANCHOR_BUCKETS];
}

struct anchor *anchor_find(struct event_source *s, struct str name)
{
    struct anchor *x = *bucket(s, name);
    while (x && !str_eq(x->name, name))
        x = x->next;
    return x;
}

err_code anchor_define(struct event_source *s, struct str name, struct anchor **ret, struct err *e)
{
    struct anchor *x = arena_calloc(&s->names, 1, sizeof *x);
    if (!x || !arena_str(&s->names, name, &x->name))
        return nomem(e);
    struct anchor **first = bucket(s, name);
    x->next = *first;
    *first = x;
    s->has_anchors = true;
    *ret = x;
    return ERR_OK;
}

void anchors_forget(struct event_source *s)
{
    if (!s->has_anchors)
        return;
    s->has_anchors = false;
    memset(s->anchors, 0, sizeof s->anchors);
    arena_reset(&s->names);
}
