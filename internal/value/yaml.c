#include <stdlib.h>
#include <yaml.h>

#include "value/value.h"

#define MAX_DEPTH  512
#define MAX_EVENTS 200000
#define MAX_NAMES  1000

struct anchors {
    struct arena arena;
    struct str names[MAX_NAMES];
    uint32_t n;
};

static bool known(const struct anchors *a, struct str name)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (str_eq(a->names[i], name))
            return true;
    return false;
}

static err_code define(struct anchors *a, const yaml_char_t *name, struct err *e)
{
    struct str s = str_c((const char *)name);
    if (!s.p || known(a, s))
        return ERR_OK;
    if (a->n == MAX_NAMES)
        return err_set(e, ERR_LIMIT, "YAML has more than %d anchors", MAX_NAMES);
    if (!arena_str(&a->arena, s, &a->names[a->n]))
        return err_set(e, ERR_NOMEM, "out of memory while reading YAML");
    a->n++;
    return ERR_OK;
}

static err_code check_event(struct anchors *a, const yaml_event_t *ev, int *depth, struct err *e)
{
    err_code c = ERR_OK;
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT: a->n = 0; break;
    case YAML_SCALAR_EVENT: c = define(a, ev->data.scalar.anchor, e); break;
    case YAML_SEQUENCE_START_EVENT:
        c = define(a, ev->data.sequence_start.anchor, e);
        ++*depth;
        break;
    case YAML_MAPPING_START_EVENT:
        c = define(a, ev->data.mapping_start.anchor, e);
        ++*depth;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: --*depth; break;
    case YAML_ALIAS_EVENT:
        if (!known(a, str_c((const char *)ev->data.alias.anchor)))
            return err_at(e, ERR_INVALID, (int)ev->start_mark.line + 1,
                          (int)ev->start_mark.column + 1, "not YAML: unknown anchor *%s",
                          (const char *)ev->data.alias.anchor);
        break;
    default: break;
    }
    if (!c && *depth > MAX_DEPTH)
        c = err_set(e, ERR_LIMIT, "YAML is nested more than %d levels deep", MAX_DEPTH);
    return c;
}

static err_code syntax_error(const yaml_parser_t *p, struct err *e)
{
    if (p->error == YAML_MEMORY_ERROR)
        return err_set(e, ERR_NOMEM, "out of memory while reading YAML");
    if (p->error == YAML_READER_ERROR)
        return err_set(e, ERR_INVALID, "not YAML: %s at byte %zu", p->problem, p->problem_offset);
    return err_at(e, ERR_INVALID, (int)p->problem_mark.line + 1, (int)p->problem_mark.column + 1,
                  "not YAML: %s%s%s", p->context ? p->context : "", p->context ? ", " : "",
                  p->problem ? p->problem : "it does not parse");
}

static err_code walk(yaml_parser_t *p, struct anchors *a, struct err *e)
{
    int depth = 0;
    for (uint32_t n = 0;; n++) {
        yaml_event_t ev;
        if (!yaml_parser_parse(p, &ev))
            return syntax_error(p, e);
        err_code c = check_event(a, &ev, &depth, e);
        bool end = ev.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&ev);
        if (c || end)
            return c;
        if (n == MAX_EVENTS)
            return err_set(e, ERR_LIMIT, "YAML has more than %d nodes", MAX_EVENTS);
    }
}

err_code value_check_yaml(struct str text, struct err *e)
{
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p))
        return err_set(e, ERR_NOMEM, "out of memory while reading YAML");
    yaml_parser_set_input_string(&p, (const unsigned char *)(text.n ? text.p : ""), text.n);
    static const size_t names_max = 1 << 20;
    struct anchors *a = calloc(1, sizeof *a);
    err_code c;
    if (a) {
        arena_init(&a->arena, names_max);
        c = walk(&p, a, e);
        arena_free(&a->arena);
    } else {
        c = err_set(e, ERR_NOMEM, "out of memory while reading YAML");
    }
    free(a);
    yaml_parser_delete(&p);
    return c;
}
