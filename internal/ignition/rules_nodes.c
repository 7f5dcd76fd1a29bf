/* Files, directories and links: each by itself, and what they are to each other and to units. */
#include "ignition/path.h"
#include "ignition/rules.h"
#include "ignition/set.h"

/* --- each by itself */

static void check_mode(struct rules *r, const struct record *x)
{
    const struct datum *mode = record_get(x, "mode");
    if (mode->kind != DATUM_INT)
        return;
    if (mode->number < 0 || mode->number > 07777)
        rules_error(r, mode->place,
                    "no mode of a file: it must be from 0 to 4095 (07777 in octal)");
    if ((mode->number & 07000) && r->minor < 6)
        rules_warn(r, mode->place,
                   "setuid, setgid and sticky bits do not work before specification 3.6.0");
}

void rule_directory(struct rules *r, const struct record *x)
{
    rules_error_if(r, x, "path", path_check(record_text(x, "path")));
    check_mode(r, x);
}

void rule_file(struct rules *r, const struct record *x)
{
    rules_error_if(r, x, "path", path_check(record_text(x, "path")));
    check_mode(r, x);
    if (record_truth(x, "overwrite") && !record_has(record_sub(x, "contents"), "source"))
        rules_error(r, rules_at(r, x, "overwrite"),
                    "overwrite is true but contents have no source to write");
}

void rule_link(struct rules *r, const struct record *x)
{
    rules_error_if(r, x, "path", path_check(record_text(x, "path")));
}

void rule_node_owner(struct rules *r, const struct record *x)
{
    if (record_has(x, "id") && record_text(x, "name").n)
        rules_error(r, x->place, "id and name exclude each other");
}

/* --- all together */

/* The paths of a list of nodes. False without memory. */
static bool paths_of(struct rules *r, const struct datum_list *nodes, struct text_set *ret)
{
    if (!text_set_init(ret, r->a, nodes->n)) {
        r->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < nodes->n; i++)
        text_set_add(ret, record_text(nodes->items[i].record, "path"));
    return true;
}

static bool below_any(const struct text_set *paths, struct str path)
{
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '/' && text_set_has(paths, str_sub(path, 0, i)))
            return true;
    return false;
}

static void check_below_links(struct rules *r, const struct text_set *links,
                              const struct datum_list *nodes)
{
    for (size_t i = 0; i < nodes->n; i++)
        if (below_any(links, record_text(nodes->items[i].record, "path")))
            rules_error(r, nodes->items[i].place, "the path leads through a link of this config");
}

static void check_owner_ignored(struct rules *r, const struct record *link)
{
    static const char *const owners[] = {"user", "group"}, *const fields[] = {"id", "name"};
    for (size_t i = 0; i < 4; i++) {
        const struct record *owner = record_sub(link, owners[i / 2]);
        if (record_has(owner, fields[i % 2]))
            rules_warn(r, rules_at(r, owner, fields[i % 2]),
                       "a hard link has the owner of the file that it leads to");
    }
}

/* A relative target is looked for below the link, as Ignition does. */
static void check_hard_link(struct rules *r, const struct text_set *directories,
                            const struct record *link)
{
    struct str target = record_text(link, "target"), path = record_text(link, "path");
    struct buf joined, clean;
    buf_in_arena(&joined, r->a, SIZE_MAX / 2);
    buf_in_arena(&clean, r->a, SIZE_MAX / 2);
    if (!str_starts(target, STR("/")) && path.n) {
        buf_add_str(&joined, path);
        buf_add_byte(&joined, '/');
    }
    buf_add_str(&joined, target);
    if (str_starts(buf_str(&joined), STR("/")))
        path_clean(buf_str(&joined), &clean);
    r->out_of_memory = r->out_of_memory || joined.failed || clean.failed;
    if (clean.n && text_set_has(directories, buf_str(&clean)))
        rules_error(r, link->place, "a hard link cannot lead to a directory");
    check_owner_ignored(r, link);
}

static void check_links(struct rules *r, const struct record *storage)
{
    struct text_set links, directories;
    const struct datum_list *list = record_list(storage, "links");
    if (list->n == 0 || !paths_of(r, list, &links) ||
        !paths_of(r, record_list(storage, "directories"), &directories))
        return;
    check_below_links(r, &links, record_list(storage, "directories"));
    check_below_links(r, &links, record_list(storage, "files"));
    check_below_links(r, &links, list);
    for (size_t i = 0; i < list->n; i++) {
        const struct record *link = list->items[i].record;
        if (record_text(link, "target").n == 0 && r->minor >= 3)
            rules_error(r, rules_at(r, link, "target"), "a link needs a target");
        else if (record_truth(link, "hard"))
            check_hard_link(r, &directories, link);
    }
}

static void check_whole_disks(struct rules *r, const struct record *storage)
{
    const struct datum_list *disks = record_list(storage, "disks");
    const struct datum_list *filesystems = record_list(storage, "filesystems");
    struct text_set partitioned, wiped;
    if (!text_set_init(&partitioned, r->a, disks->n) || !text_set_init(&wiped, r->a, disks->n)) {
        r->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < disks->n; i++) {
        const struct record *disk = disks->items[i].record;
        if (record_list(disk, "partitions")->n)
            text_set_add(&partitioned, record_text(disk, "device"));
        else if (record_truth(disk, "wipeTable"))
            text_set_add(&wiped, record_text(disk, "device"));
    }
    for (size_t i = 0; i < filesystems->n; i++) {
        const struct record *x = filesystems->items[i].record;
        struct str device = record_text(x, "device");
        if (text_set_has(&partitioned, device))
            rules_warn(r, rules_at(r, x, "device"),
                       "the filesystem overwrites the disk's partitions");
        else if (text_set_has(&wiped, device) && !record_truth(x, "wipeFilesystem"))
            rules_warn(r, rules_at(r, x, "device"),
                       "the disk's wipeTable wipes the filesystem too, although its "
                       "wipeFilesystem is not true");
    }
}

void rule_storage(struct rules *r, const struct record *x)
{
    check_links(r, x);
    check_whole_disks(r, x);
}

/* --- nodes where units are written to */

static void add_unit_path(struct rules *r, struct text_set *paths, struct str unit,
                          const struct record *dropin)
{
    struct buf path;
    buf_in_arena(&path, r->a, SIZE_MAX / 2);
    buf_add_lit(&path, "/etc/systemd/system/");
    buf_add_str(&path, unit);
    if (dropin) {
        buf_add_lit(&path, ".d/");
        buf_add_str(&path, record_text(dropin, "name"));
    }
    if (path.failed)
        r->out_of_memory = true;
    else
        text_set_add(paths, buf_str(&path));
}

static bool unit_paths(struct rules *r, const struct datum_list *units, struct text_set *ret)
{
    size_t n = units->n;
    for (size_t i = 0; i < units->n; i++)
        n += record_list(units->items[i].record, "dropins")->n;
    if (!text_set_init(ret, r->a, n)) {
        r->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < units->n; i++) {
        const struct record *unit = units->items[i].record;
        const struct datum_list *dropins = record_list(unit, "dropins");
        if (record_text(unit, "contents").n)
            add_unit_path(r, ret, record_text(unit, "name"), NULL);
        for (size_t j = 0; j < dropins->n; j++)
            if (record_text(dropins->items[j].record, "contents").n)
                add_unit_path(r, ret, record_text(unit, "name"), dropins->items[j].record);
    }
    return true;
}

void rule_config(struct rules *r, const struct record *x)
{
    static const char *const lists[] = {"files", "directories", "links"};
    struct text_set paths;
    const struct record *storage = record_sub(x, "storage");
    if (!unit_paths(r, record_list(record_sub(x, "systemd"), "units"), &paths))
        return;
    for (size_t i = 0; i < 3; i++) {
        const struct datum_list *nodes = record_list(storage, lists[i]);
        for (size_t j = 0; j < nodes->n; j++)
            if (text_set_has(&paths, record_text(nodes->items[j].record, "path")))
                rules_error(r, rules_at(r, nodes->items[j].record, "path"),
                            "a systemd unit or dropin of this config is written to the same path");
    }
}
