/* What butane finds wrong with the result, before the rules of Ignition are checked on it. */
#include "ignition/butane_parts.h"

/* --- the partitions of Fedora CoreOS */
static bool is_wrong_number(const struct record *part)
{
    static const struct {
        const char *label;
        int64_t number;
    } reserved[] = {
        {"BIOS-BOOT", 1}, {"PowerPC-PReP-boot", 1}, {"EFI-SYSTEM", 2}, {"boot", 3}, {"root", 4},
    };
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (str_is(record_text(part, "label"), reserved[i].label))
            return record_number(part, "number") != reserved[i].number;
    return false;
}

static bool another_is_auto_positioned(const struct datum_list *parts, size_t but)
{
    for (size_t i = 0; i < parts->n; i++)
        if (i != but && record_number(parts->items[i].record, "startMiB") == 0)
            return true;
    return false;
}

static void check_root_size(struct butane *b, const struct datum_list *parts, size_t i)
{
    const struct record *part = parts->items[i].record;
    int64_t size = record_number(part, "sizeMiB");
    if (size == 0 && another_is_auto_positioned(parts, i))
        butane_warn(b, butane_place(b, part, "label"),
                    "root partition cannot expand; it is set to fill available space but is "
                    "followed by an auto-positioned partition");
    else if (size != 0 && size < 8192)
        butane_warn(b, butane_place(b, part, "sizeMiB"), "root should have 8GiB of space assigned");
}

void butane_check_partitions(struct butane *b, const struct record *config)
{
    const struct datum_list *disks = record_list(record_sub(config, "storage"), "disks");
    for (size_t i = 0; b->spec->fcos && i < disks->n; i++) {
        const struct record *disk = disks->items[i].record;
        const struct datum_list *parts = record_list(disk, "partitions");
        for (size_t k = 0; k < parts->n; k++) {
            const struct record *part = parts->items[k].record;
            if (b->spec->language == SCHEMA_BUTANE_FCOS &&
                str_is(record_text(part, "label"), "root"))
                check_root_size(b, parts, k);
            if (!record_truth(disk, "wipeTable") && is_wrong_number(part))
                butane_warn(b, butane_place(b, part, "label"),
                            "incorrect partition number; a new partition will be created using "
                            "reserved label");
        }
    }
}

void butane_drop_sugar(struct record *config)
{
    for (size_t i = 0; i < config->type->n; i++) {
        const struct schema_field *f = &config->type->fields[i];
        struct datum *d = &config->fields[i];
        if (!f->json)
            d->kind = DATUM_NONE;
        else if (d->kind == DATUM_RECORD)
            butane_drop_sugar(d->record);
        for (size_t k = 0; d->kind == DATUM_LIST && f->type == SCHEMA_STRUCTS && k < d->list->n;
             k++)
            butane_drop_sugar(d->list->items[k].record);
    }
}

/* --- what a variant refuses */
static bool is_empty_record(const struct record *r);

static bool is_empty(const struct datum *d)
{
    switch (d->kind) {
    case DATUM_NONE: return true;
    case DATUM_LIST: return d->list->n == 0;
    case DATUM_RECORD: return is_empty_record(d->record);
    case DATUM_STRING:
    case DATUM_INT:
    case DATUM_BOOL: return false;
    }
    return false;
}

static bool is_empty_record(const struct record *r)
{
    for (size_t i = 0; i < r->type->n; i++)
        if (!is_empty(&r->fields[i]))
            return false;
    return true;
}

static void refuse(struct butane *b, const struct record *r, const char *name, const char *what)
{
    const struct datum *d = record_get(r, name);
    if (!is_empty(d))
        butane_error(b, d->place, "%s is not supported in %s %s", what, b->spec->variant,
                     b->spec->version);
}

void butane_check_refused(struct butane *b, const struct record *config)
{
    const struct record *storage = record_sub(config, "storage");
    const struct datum_list *luks = record_list(storage, "luks");
    switch ((enum butane_refused)b->spec->refused) {
    case BUTANE_REFUSES_NOTHING: break;
    case BUTANE_REFUSES_CLEVIS:
        for (size_t i = 0; i < luks->n; i++)
            refuse(b, luks->items[i].record, "clevis", "clevis");
        break;
    case BUTANE_REFUSES_STORAGE:
        refuse(b, config, "kernelArguments", "customizing kernel arguments");
        refuse(b, storage, "disks", "customizing disks");
        refuse(b, storage, "filesystems", "customizing filesystems");
        refuse(b, storage, "luks", "LUKS");
        refuse(b, storage, "raid", "RAID");
        break;
    }
}
