/* systemd units and their dropins. */
#include "ignition/path.h"
#include "ignition/rules.h"
#include "ignition/set.h"
#include "ignition/unit.h"

static bool has_unit_extension(struct str name)
{
    static const char *const extensions[] = {".service",   ".socket",   ".device", ".mount",
                                             ".automount", ".swap",     ".target", ".path",
                                             ".timer",     ".snapshot", ".slice",  ".scope"};
    struct str extension = path_extension(name);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (str_is(extension, extensions[i]))
            return true;
    return false;
}

void rule_unit(struct rules *r, const struct record *x)
{
    struct str name = record_text(x, "name"), contents = record_text(x, "contents");
    if (!has_unit_extension(name))
        rules_error(r, rules_at(r, x, "name"),
                    "the name of a unit must end in .service, .socket, .mount, .timer or another "
                    "of systemd's types");
    const char *wrong = unit_check(contents);
    rules_error_if(r, x, "contents", wrong);
    if (!wrong && contents.n && record_truth(x, "enabled") && !unit_has_install(contents))
        rules_warn(r, rules_at(r, x, "contents"),
                   "the unit is enabled but has no [Install] section, so enabling does nothing");
}

void rule_dropin(struct rules *r, const struct record *x)
{
    rules_error_if(r, x, "contents", unit_check(record_text(x, "contents")));
    if (!str_is(path_extension(record_text(x, "name")), ".conf"))
        rules_error(r, rules_at(r, x, "name"), "the name of a dropin must end in .conf");
}

/* "a@" of the instance a@b.service; absent if the name is not one's. */
static struct str template_stem(struct str name)
{
    if (!str_ends(name, STR(".service")) || str_find_byte(name, '\n', 0) < name.n)
        return (struct str){NULL, 0};
    size_t end = name.n - STR(".service").n, at = str_find_byte(name, '@', 1);
    return at + 1 < end ? str_sub(name, 0, at + 1) : (struct str){NULL, 0};
}

/* The names of the templates without [Install]. Nearly no config has a template. */
static bool templates_without_install(struct rules *r, const struct datum_list *units,
                                      struct text_set *ret)
{
    if (!text_set_init(ret, r->a, units->n)) {
        r->out_of_memory = true;
        return false;
    }
    bool any = false;
    for (size_t i = 0; i < units->n; i++) {
        struct str name = record_text(units->items[i].record, "name");
        struct str contents = record_text(units->items[i].record, "contents");
        if (!str_ends(name, STR("@.service")) || contents.n == 0 || unit_check(contents) ||
            unit_has_install(contents))
            continue;
        text_set_add(ret, name);
        any = true;
    }
    return any;
}

void rule_systemd(struct rules *r, const struct record *x)
{
    struct text_set templates;
    const struct datum_list *units = record_list(x, "units");
    if (!templates_without_install(r, units, &templates))
        return;
    for (size_t i = 0; i < units->n; i++) {
        const struct record *unit = units->items[i].record;
        struct str stem = template_stem(record_text(unit, "name"));
        if (!stem.p || !record_truth(unit, "enabled"))
            continue;
        struct buf name;
        buf_in_arena(&name, r->a, SIZE_MAX / 2);
        buf_add_str(&name, stem);
        buf_add_lit(&name, ".service");
        r->out_of_memory = r->out_of_memory || name.failed;
        if (text_set_has(&templates, buf_str(&name)))
            rules_warn(r, rules_at(r, unit, "contents"),
                       "the instance is enabled but its template %.*s has no [Install] section, so "
                       "enabling does nothing",
                       STR_FMT(buf_str(&name)));
    }
}
