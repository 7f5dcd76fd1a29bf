#include "ignition/decode.h"

static void warn(struct findings *f, const struct place *at, int line, int column, const char *text)
{
    BUF_LOCAL(pointer, 1u << 16);
    place_pointer(at, &pointer);
    const char *p = buf_c(&pointer);
    findings_add(f, FINDING_WARNING, p ? p : "", line, column, "%s", text);
}

static void warn_object(const struct jnode *object, const struct schema_struct *type,
                        unsigned minor, const struct place *place, struct findings *f);

static void warn_struct(const struct jnode *node, const struct schema_struct *type, unsigned minor,
                        const struct place *place, struct findings *f)
{
    if (node->kind == JNODE_OBJECT)
        warn_object(node, type, minor, place, f);
    else if (node->kind == JNODE_NULL)
        warn(f, place, node->line, node->column,
             "null stands where an object should be; it counts as an empty one");
}

static void warn_list(const struct jnode *array, const struct schema_struct *type, unsigned minor,
                      const struct place *place, struct findings *f)
{
    struct place at = {.up = place};
    for (const struct jnode *m = array->first; m; m = m->next, at.index++)
        warn_struct(m, type, minor, &at, f);
}

static void warn_object(const struct jnode *object, const struct schema_struct *type,
                        unsigned minor, const struct place *place, struct findings *f)
{
    for (const struct jnode *m = object->first; m; m = m->next) {
        struct place at = {.up = place, .name = m->key};
        bool spelt;
        const struct schema_field *field =
            schema_find(type, SCHEMA_IGNITION, minor, m->key, &spelt);
        if (!field)
            warn(f, &at, m->key_line, m->key_column,
                 "Ignition does not know this key here, and does nothing with it");
        else if (!spelt)
            warn(f, &at, m->key_line, m->key_column,
                 "the key is not in the case of the specification; Ignition uses it all the same");
        else if (field->type == SCHEMA_STRUCTS)
            warn_list(m, field->sub, minor, &at, f);
        else if (field->type == SCHEMA_STRUCT &&
                 !(m->kind == JNODE_NULL && (field->flags & SCHEMA_POINTER)))
            warn_struct(m, field->sub, minor, &at, f);
    }
}

void decode_warnings(const struct jnode *root, const struct schema_struct *type, unsigned minor,
                     struct findings *f)
{
    struct place place = {.up = NULL};
    warn_object(root, type, minor, &place, f);
}
