#include "ignition/rules.h"

#include "ignition/set.h"

/* Which structs have rules of their own. */
static const struct {
    const struct schema_struct *type;
    void (*check)(struct rules *r, const struct record *x);
} table[] = {
    {&schema_config, rule_config},
    {&schema_ignition_config, rule_ignition_config},
    {&schema_config_reference, rule_config_reference},
    {&schema_proxy, rule_proxy},
    {&schema_tls, rule_tls},
    {&schema_ca_reference, rule_ca_reference},
    {&schema_resource, rule_resource},
    {&schema_file_contents, rule_resource},
    {&schema_http_header, rule_http_header},
    {&schema_verification, rule_verification},
    {&schema_storage, rule_storage},
    {&schema_directory, rule_directory},
    {&schema_file, rule_file},
    {&schema_link, rule_link},
    {&schema_node_user, rule_node_owner},
    {&schema_node_group, rule_node_owner},
    {&schema_disk, rule_disk},
    {&schema_partition, rule_partition},
    {&schema_raid, rule_raid},
    {&schema_filesystem, rule_filesystem},
    {&schema_luks, rule_luks},
    {&schema_custom, rule_clevis_custom},
    {&schema_clevis_custom, rule_clevis_custom},
    {&schema_tang, rule_tang},
    {&schema_systemd, rule_systemd},
    {&schema_unit, rule_unit},
    {&schema_dropin, rule_dropin},
};

__attribute__((format(printf, 4, 0))) static void report(struct rules *r,
                                                         enum finding_severity severity,
                                                         const struct place *at, const char *fmt,
                                                         va_list ap)
{
    BUF_LOCAL(pointer, 1u << 16);
    BUF_LOCAL(message, 1u << 12);
    if (!at) {
        r->out_of_memory = true;
        return;
    }
    place_pointer(at, &pointer);
    buf_vaddf(&message, fmt, ap);
    const char *p = buf_c(&pointer), *m = buf_c(&message);
    findings_add(r->f, severity, p ? p : "", at->line, at->column, "%s", m ? m : fmt);
}

void rules_error(struct rules *r, const struct place *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(r, FINDING_ERROR, at, fmt, ap);
    va_end(ap);
}

void rules_warn(struct rules *r, const struct place *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(r, FINDING_WARNING, at, fmt, ap);
    va_end(ap);
}

const struct place *rules_at(struct rules *r, const struct record *x, const char *field)
{
    const struct datum *d = record_get(x, field);
    if (d->place)
        return d->place;
    const char *name = schema_name(schema_field_of(x->type, field), r->names);
    return place_field(r->a, x->place, str_c(name ? name : field), x->place->line,
                       x->place->column);
}

void rules_error_if(struct rules *r, const struct record *x, const char *field, const char *wrong)
{
    if (wrong)
        rules_error(r, rules_at(r, x, field), "%s", wrong);
}

/* --- no key twice */

/* Most keys are a text of the config, so they need no copy. */
static struct str key_of(struct rules *r, const struct datum *item)
{
    const struct schema_struct *type = item->kind == DATUM_RECORD ? item->record->type : NULL;
    if (!type)
        return item->text;
    if (!type->other_key)
        return record_text(item->record, type->key);
    struct buf key;
    buf_in_arena(&key, r->a, SIZE_MAX / 2);
    datum_key(item, &key);
    r->out_of_memory = r->out_of_memory || key.failed;
    return buf_str(&key);
}

static void check_list(struct rules *r, struct text_set *seen, const struct datum_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct datum *item = &list->items[i];
        if (!text_set_add(seen, key_of(r, item)))
            rules_error(r, item->place, "defined twice: an item before has the same %s",
                        item->kind == DATUM_RECORD ? item->record->type->key : "text");
    }
}

/* The lists of a struct that share their keys have one set, the others one each. */
static void check_duplicates(struct rules *r, const struct record *x)
{
    struct text_set shared, own;
    size_t together = 0;
    for (size_t i = 0; i < x->type->n; i++)
        if (x->fields[i].kind == DATUM_LIST && (x->type->fields[i].flags & SCHEMA_SHARED_KEYS))
            together += x->fields[i].list->n;
    if (together && !text_set_init(&shared, r->a, together)) {
        r->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < x->type->n; i++) {
        unsigned flags = x->type->fields[i].flags;
        if (x->fields[i].kind != DATUM_LIST || (flags & SCHEMA_APPEND))
            continue;
        const struct datum_list *list = x->fields[i].list;
        if (flags & SCHEMA_SHARED_KEYS)
            check_list(r, &shared, list);
        else if (text_set_init(&own, r->a, list->n))
            check_list(r, &own, list);
        else
            r->out_of_memory = true;
    }
}

/* --- the walk */

static void check_record(struct rules *r, const struct record *x);

static void check_fields(struct rules *r, const struct record *x)
{
    for (size_t i = 0; i < x->type->n; i++) {
        const struct datum *d = &x->fields[i];
        if (!schema_has(&x->type->fields[i], SCHEMA_IGNITION, r->minor))
            continue;
        if (d->kind == DATUM_RECORD)
            check_record(r, d->record);
        if (d->kind == DATUM_LIST && x->type->fields[i].type == SCHEMA_STRUCTS)
            for (size_t j = 0; j < d->list->n; j++)
                check_record(r, d->list->items[j].record);
    }
}

static void check_record(struct rules *r, const struct record *x)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].type == x->type)
            table[i].check(r, x);
    check_duplicates(r, x);
    check_fields(r, x);
}

err_code rules_check(const struct record *config, unsigned minor, enum schema_language names,
                     struct arena *a, struct findings *f, struct err *e)
{
    struct rules r = {.a = a, .f = f, .minor = minor, .names = names};
    check_record(&r, config);
    if (r.out_of_memory)
        return err_set(e, ERR_NOMEM, "out of memory while checking an Ignition config");
    return ERR_OK;
}
