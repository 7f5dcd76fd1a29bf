/*
 * YAML from bytes: whatever they are, reading must end soon, with a tree whose nodes all have a
 * place or with an error that has a message. What reads as a value must be written as YAML that
 * reads as the same value.
 */
#include "base/always.h"
#include "base/utf8.h"
#include "value/value.h"
#include "value/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Returns the count of nodes, as a caller that knows nothing of aliases sees them. */
static size_t walk(const struct yaml_node *x, int depth)
{
    size_t n = 1;
    always(depth <= YAML_MAX_DEPTH && x->tag.n && x->line > 0 && x->column > 0);
    always(yaml_is_scalar(x) ? x->n == 0 && x->text.p : !x->text.p);
    for (uint32_t i = 0; i < x->n; i++) {
        if (x->kind == YAML_SEQUENCE) {
            n += walk(x->items[i], depth + 1);
        } else {
            const struct yaml_pair *p = &x->pairs[i];
            n += walk(p->key, depth + 1) + walk(p->value, depth + 1);
            always(!yaml_is_scalar(p->key) || yaml_find(x, p->key->text) == p);
        }
    }
    return n;
}

/* What writing cannot keep: negative zero, bytes that are no UTF-8. */
static bool is_kept(const struct value *v)
{
    bool kept = v->kind != VALUE_FLOAT || v->f != 0 || !__builtin_signbit(v->f);
    if (v->kind == VALUE_STRING)
        kept = utf8_valid(value_as_str(*v));
    for (uint32_t i = 0; kept && v->kind == VALUE_LIST && i < v->n; i++)
        kept = is_kept(&v->list[i]);
    for (uint32_t i = 0; kept && v->kind == VALUE_MAP && i < v->n; i++)
        kept = utf8_valid(v->map[i].key) && is_kept(&v->map[i].v);
    return kept;
}

static void write_and_read(struct arena *a, const struct value *v)
{
    struct value back;
    BUF_LOCAL(b, 64 << 20);
    value_to_yaml(&b, v);
    if (b.failed || !is_kept(v))
        return;
    always(value_from_yaml(a, buf_str(&b), &back, NULL) == ERR_OK);
    always(value_equal(v, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 20000)
        return 0;
    ARENA_LOCAL(a, 256 << 20);
    struct str text = str_of((const char *)bytes, size);
    struct yaml_document doc;
    struct value v;
    struct err e = ERR_INIT;
    err_code code = yaml_read(&a, text, &doc, &e);
    always(code == ERR_OK || (e.code == code && e.msg[0]));
    always(code != ERR_INVALID || (e.line > 0 && e.column > 0));
    if (code == ERR_OK && doc.root->line)
        always(walk(doc.root, 0) <= YAML_MAX_NODES);
    if (value_from_yaml(&a, text, &v, &e) == ERR_OK)
        write_and_read(&a, &v);
    return 0;
}
