/*
 * From libyaml's events to the tree. A stack of open collections instead of recursion: the nodes
 * of all of them stand on one other stack, and a collection takes its own from there when it ends.
 */
#include <stdlib.h>

#include "base/enc.h"
#include "value/yaml_events.h"
#include "value/yaml_pairs.h"
#include "value/yaml_scalar.h"

struct frame {
    struct yaml_node *node;
    struct anchor *anchor; /* NULL for none */
    size_t first;          /* of its children on the stack of nodes */
    uint32_t nodes_before;
    int height;
};

struct reader {
    struct arena *arena;
    struct event_source events;
    struct frame frames[YAML_MAX_DEPTH];
    int depth;
    const struct yaml_node **nodes; /* the children of all open collections, and at last the root */
    size_t n, cap;
    bool pairs;       /* are hidden in the text, see yaml_pairs.h */
    uint32_t visited; /* nodes so far, with what aliases repeat */
};

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading YAML");
}

static err_code push_node(struct reader *r, const struct yaml_node *x, struct err *e)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        void *p = realloc(r->nodes, cap * sizeof(const struct yaml_node *));
        if (!p)
            return nomem(e);
        r->nodes = p;
        r->cap = cap;
    }
    r->nodes[r->n++] = x;
    return ERR_OK;
}

static err_code count_nodes(struct reader *r, uint32_t more, yaml_mark_t at, struct err *e)
{
    r->visited += more;
    if (r->visited > YAML_MAX_NODES)
        return err_at_mark(
            e, ERR_LIMIT, at,
            "YAML has more than %d nodes, counting each time that an alias repeats some",
            YAML_MAX_NODES);
    return ERR_OK;
}

static err_code check_depth(int depth, yaml_mark_t at, struct err *e)
{
    if (depth > YAML_MAX_DEPTH)
        return err_at_mark(e, ERR_LIMIT, at, "YAML is nested more than %d levels deep",
                           YAML_MAX_DEPTH);
    return ERR_OK;
}

/* A node that was written here, on the stack, with its anchor if it has one. */
static err_code add_node(struct reader *r, yaml_mark_t at, const yaml_char_t *anchor,
                         struct yaml_node **ret, struct anchor **ret_anchor, struct err *e)
{
    struct yaml_node *x = arena_calloc(r->arena, 1, sizeof *x);
    if (!x)
        return nomem(e);
    x->line = mark_line(at);
    x->column = mark_column(at);
    err_code c = count_nodes(r, 1, at, e);
    if (!c)
        c = push_node(r, x, e);
    struct anchor *named = NULL;
    if (!c && anchor)
        c = anchor_define(&r->events, str_c((const char *)anchor), &named, e);
    if (c)
        return c;
    if (named) {
        named->node = x;
        named->nodes = 1;
    }
    *ret = x;
    *ret_anchor = named;
    return ERR_OK;
}

/* The short form of a written tag into x; none and the lone `!` say nothing. */
static err_code set_tag(struct reader *r, const yaml_char_t *written, struct yaml_node *x,
                        struct err *e)
{
    static const struct str prefix = STR_INIT("tag:yaml.org,2002:");
    struct str tag = str_c((const char *)written);
    if (tag.n == 0 || str_is(tag, "!"))
        return ERR_OK;
    x->tagged = true;
    if (!str_starts(tag, prefix))
        return arena_str(r->arena, tag, &x->tag) ? ERR_OK : nomem(e);
    struct buf b;
    buf_in_arena(&b, r->arena, tag.n + 3);
    buf_add_lit(&b, "!!");
    buf_add_str(&b, str_skip(tag, prefix.n));
    const char *text = buf_c(&b);
    if (!text)
        return nomem(e);
    x->tag = str_c(text);
    return ERR_OK;
}

/* --- scalars */

static err_code decode_binary(struct reader *r, struct yaml_node *x, struct err *e)
{
    struct buf packed, bytes;
    buf_in_arena(&packed, r->arena, x->text.n + 1);
    for (size_t i = 0; i < x->text.n; i++)
        if (x->text.p[i] != '\n' && x->text.p[i] != '\r')
            buf_add_byte(&packed, x->text.p[i]);
    buf_in_arena(&bytes, r->arena, x->text.n + 1);
    if (packed.failed)
        return nomem(e);
    if (!enc_base64_decode(&bytes, buf_str(&packed)))
        return bytes.failed
                   ? nomem(e)
                   : err_at(e, ERR_INVALID, x->line, x->column, "the !!binary value is not base64");
    const char *text = buf_c(&bytes);
    if (!text)
        return nomem(e);
    x->text = str_of(text, bytes.n);
    return ERR_OK;
}

/* What the text means under a tag that was written. */
static err_code resolve_tagged(struct reader *r, struct yaml_node *x, struct err *e)
{
    static const char *const checked[] = {"!!null", "!!bool", "!!int", "!!float", "!!timestamp"};
    struct yaml_node plain = *x;
    x->kind = YAML_STRING;
    if (str_is(x->tag, "!!binary"))
        return decode_binary(r, x, e);
    bool must = false;
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++)
        must |= str_is(x->tag, checked[i]);
    if (!must)
        return ERR_OK;
    scalar_resolve(x->text, &plain);
    if (plain.kind == YAML_INT && str_is(x->tag, "!!float")) {
        plain.kind = YAML_FLOAT;
        plain.f = (double)plain.i;
    } else if (!str_eq(plain.tag, x->tag)) {
        return err_at(e, ERR_INVALID, x->line, x->column, "cannot decode %.*s `%.*s` as a %.*s",
                      (int)plain.tag.n, plain.tag.p, (int)(x->text.n < 80 ? x->text.n : 80),
                      x->text.p, (int)x->tag.n, x->tag.p);
    }
    plain.tag = x->tag;
    *x = plain;
    return ERR_OK;
}

static enum yaml_style scalar_style(yaml_scalar_style_t s)
{
    switch (s) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: return YAML_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return YAML_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE: return YAML_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE: return YAML_FOLDED;
    default: return YAML_PLAIN;
    }
}

static err_code copy_text(struct reader *r, struct str text, struct str *ret, struct err *e)
{
    BUF_LOCAL(restored, text.n + 1);
    if (r->pairs) {
        pairs_restore(&restored, text);
        text = buf_str(&restored);
    }
    return !restored.failed && arena_str(r->arena, text, ret) ? ERR_OK : nomem(e);
}

static err_code on_scalar(struct reader *r, const yaml_event_t *ev, struct err *e)
{
    struct yaml_node *x;
    struct anchor *anchor;
    err_code c = add_node(r, ev->start_mark, ev->data.scalar.anchor, &x, &anchor, e);
    if (!c)
        c = set_tag(r, ev->data.scalar.tag, x, e);
    if (c)
        return c;
    x->style = (uint8_t)scalar_style(ev->data.scalar.style);
    struct str text = str_of((const char *)ev->data.scalar.value, ev->data.scalar.length);
    c = copy_text(r, text, &x->text, e);
    if (c)
        return c;
    if (x->tagged)
        return resolve_tagged(r, x, e);
    if (x->style == YAML_PLAIN) {
        scalar_resolve(x->text, x);
    } else {
        x->kind = YAML_STRING;
        x->tag = STR("!!str");
    }
    return ERR_OK;
}

static err_code on_alias(struct reader *r, const yaml_event_t *ev, struct err *e)
{
    const char *name = (const char *)ev->data.alias.anchor;
    const struct anchor *anchor = anchor_find(&r->events, str_c(name));
    if (!anchor)
        return err_at_mark(e, ERR_INVALID, ev->start_mark, "unknown anchor '%s' referenced", name);
    if (anchor->open)
        return err_at_mark(e, ERR_INVALID, ev->start_mark, "anchor '%s' value contains itself",
                           name);
    err_code c = count_nodes(r, anchor->nodes, ev->start_mark, e);
    if (!c)
        c = check_depth(r->depth + anchor->height, ev->start_mark, e);
    if (c)
        return c;
    struct yaml_node *x = arena_alloc(r->arena, sizeof *x);
    if (!x)
        return nomem(e);
    *x = *anchor->node;
    x->alias_of = anchor->node;
    x->line = mark_line(ev->start_mark);
    x->column = mark_column(ev->start_mark);
    if (r->depth && r->frames[r->depth - 1].height <= anchor->height)
        r->frames[r->depth - 1].height = anchor->height + 1;
    return push_node(r, x, e);
}

/* --- collections */

static err_code on_start(struct reader *r, const yaml_event_t *ev, struct err *e)
{
    bool map = ev->type == YAML_MAPPING_START_EVENT;
    bool flow = map ? ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                    : ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    err_code c = check_depth(r->depth + 1, ev->start_mark, e);
    if (c)
        return c;
    struct frame f = {.nodes_before = r->visited, .height = 1};
    c = add_node(r, ev->start_mark,
                 map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor, &f.node,
                 &f.anchor, e);
    if (!c)
        c = set_tag(r, map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag, f.node, e);
    if (c)
        return c;
    f.node->kind = map ? YAML_MAPPING : YAML_SEQUENCE;
    f.node->style = flow ? YAML_FLOW : YAML_BLOCK;
    if (!f.node->tagged)
        f.node->tag = map ? STR("!!map") : STR("!!seq");
    if (f.anchor)
        f.anchor->open = true;
    f.first = r->n;
    r->frames[r->depth++] = f;
    return ERR_OK;
}

static bool can_merge(const struct yaml_node *x)
{
    if (x->kind == YAML_MAPPING)
        return true;
    if (x->kind != YAML_SEQUENCE || x->alias_of)
        return false;
    for (uint32_t i = 0; i < x->n; i++)
        if (x->items[i]->kind != YAML_MAPPING)
            return false;
    return true;
}

struct key_at {
    struct str text;
    uint32_t i;
};

static int key_order(const void *a, const void *b)
{
    const struct key_at *x = a, *y = b;
    int c = str_cmp(x->text, y->text);
    return c ? c : x->i < y->i ? -1 : x->i > y->i;
}

/* By sorting, since a mapping may have a hundred thousand keys. */
static err_code check_unique(const struct yaml_pair *pairs, uint32_t n, struct err *e)
{
    struct key_at *keys = n > 1 ? malloc(n * sizeof *keys) : NULL;
    if (n > 1 && !keys)
        return nomem(e);
    uint32_t scalars = 0, second = n, first = n;
    for (uint32_t i = 0; i < n && keys; i++)
        if (yaml_is_scalar(pairs[i].key))
            keys[scalars++] = (struct key_at){pairs[i].key->text, i};
    if (scalars > 1)
        qsort(keys, scalars, sizeof *keys, key_order);
    for (uint32_t i = 1; i < scalars; i++)
        if (str_eq(keys[i - 1].text, keys[i].text) && keys[i].i < second) {
            first = keys[i - 1].i;
            second = keys[i].i;
        }
    free(keys);
    if (second == n)
        return ERR_OK;
    const struct yaml_node *x = pairs[second].key;
    return err_at(e, ERR_INVALID, x->line, x->column,
                  "mapping key \"%.*s\" already defined at line %d",
                  (int)(x->text.n < 200 ? x->text.n : 200), x->text.p, pairs[first].key->line);
}

static err_code end_mapping(struct reader *r, const struct frame *f, struct err *e)
{
    uint32_t n = (uint32_t)((r->n - f->first) / 2);
    struct yaml_pair *pairs = n ? arena_calloc(r->arena, n, sizeof *pairs) : NULL;
    if (n && !pairs)
        return nomem(e);
    for (uint32_t i = 0; i < n; i++) {
        const struct yaml_node *const *at = &r->nodes[f->first + 2 * (size_t)i];
        bool merge = at[0]->kind == YAML_STRING && !at[0]->alias_of &&
                     str_is(at[0]->tag, "!!merge") && str_is(at[0]->text, "<<");
        if (merge && !can_merge(at[1]))
            return err_at(e, ERR_INVALID, at[1]->line, at[1]->column,
                          "map merge requires map or sequence of maps as the value");
        pairs[i] = (struct yaml_pair){.key = at[0], .value = at[1], .merge = merge};
        f->node->merges |= merge;
    }
    f->node->n = n;
    f->node->pairs = pairs;
    return check_unique(pairs, n, e);
}

static err_code end_sequence(struct reader *r, const struct frame *f, struct err *e)
{
    size_t n = r->n - f->first;
    const struct yaml_node **items =
        n ? arena_calloc(r->arena, n, sizeof(const struct yaml_node *)) : NULL;
    if (n && !items)
        return nomem(e);
    for (size_t i = 0; i < n; i++)
        items[i] = r->nodes[f->first + i];
    f->node->n = (uint32_t)n;
    f->node->items = items;
    return ERR_OK;
}

static err_code on_end(struct reader *r, struct err *e)
{
    const struct frame f = r->frames[--r->depth];
    err_code c = f.node->kind == YAML_MAPPING ? end_mapping(r, &f, e) : end_sequence(r, &f, e);
    if (c)
        return c;
    r->n = f.first;
    if (r->depth && r->frames[r->depth - 1].height <= f.height)
        r->frames[r->depth - 1].height = f.height + 1;
    if (f.anchor) {
        f.anchor->open = false;
        f.anchor->nodes = r->visited - f.nodes_before;
        f.anchor->height = f.height;
    }
    return ERR_OK;
}

/* --- the document */

static err_code on_event(struct reader *r, const yaml_event_t *ev, struct err *e)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT: return on_scalar(r, ev, e);
    case YAML_ALIAS_EVENT: return on_alias(r, ev, e);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: return on_start(r, ev, e);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return on_end(r, e);
    default: return ERR_OK;
    }
}

/* Up to the end of the first document, or of a text that has none. */
static err_code read_document(struct reader *r, struct err *e)
{
    for (;;) {
        yaml_event_t ev;
        err_code c = events_next(&r->events, &ev, e);
        if (c)
            return c;
        c = on_event(r, &ev, e);
        bool end = ev.type == YAML_DOCUMENT_END_EVENT || ev.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&ev);
        if (c || end)
            return c;
    }
}

/* A second document may come, of which only the start is looked at, but nothing else. */
static err_code look_further(struct reader *r, bool *more, struct err *e)
{
    yaml_event_t ev;
    err_code c = events_next(&r->events, &ev, e);
    if (c)
        return c;
    *more = ev.type != YAML_STREAM_END_EVENT;
    yaml_event_delete(&ev);
    return ERR_OK;
}

static err_code add_nothing(struct reader *r, struct err *e)
{
    struct yaml_node *x = arena_calloc(r->arena, 1, sizeof *x);
    if (!x)
        return nomem(e);
    scalar_resolve(STR(""), x);
    x->text = STR("");
    return push_node(r, x, e);
}

static err_code read_root(struct reader *r, struct yaml_document *ret, struct err *e)
{
    bool more = false;
    err_code c = read_document(r, e);
    if (!c)
        c = r->n ? look_further(r, &more, e) : add_nothing(r, e);
    if (!c)
        *ret = (struct yaml_document){.root = r->nodes[0], .more = more};
    return c;
}

static err_code read_text(struct arena *a, struct str text, bool pairs, struct yaml_document *ret,
                          struct err *e)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return nomem(e);
    r->arena = a;
    r->pairs = pairs;
    err_code c = events_open(&r->events, text, e);
    if (!c) {
        c = read_root(r, ret, e);
        events_close(&r->events);
    }
    free(r->nodes);
    free(r);
    return c;
}

err_code yaml_read(struct arena *a, struct str text, struct yaml_document *ret, struct err *e)
{
    err_code c = read_text(a, text, false, ret, e);
    if (c != ERR_INVALID || text.n > SIZE_MAX / 4)
        return c;
    BUF_LOCAL(hidden, text.n + 1);
    if (!pairs_hide(&hidden, text))
        return c;
    if (hidden.failed)
        return nomem(e);
    return read_text(a, buf_str(&hidden), true, ret, e);
}
