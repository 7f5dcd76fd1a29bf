/* Disks, their partitions, RAID arrays and filesystems. */
#include "ignition/path.h"
#include "ignition/rules.h"
#include "ignition/set.h"

/* --- disks */

/* A GPT has 128 partitions as a rule. The bound keeps the comparison of each with each short. */
#define PARTITIONS_MAX 4096

static bool is_false(const struct record *x, const char *field)
{
    return record_has(x, field) && !record_truth(x, field);
}

struct span {
    int64_t start, end; /* MiB, both included */
};

/* False if Ignition decides where the partition is. */
static bool span_of(const struct record *partition, struct span *ret)
{
    int64_t start = record_number(partition, "startMiB"),
            size = record_number(partition, "sizeMiB");
    if (start == 0 || !record_has(partition, "sizeMiB"))
        return false;
    *ret = (struct span){start, start};
    if (size != 0 && __builtin_add_overflow(start, size - (size > INT64_MIN), &ret->end))
        ret->end = size > 0 ? INT64_MAX : INT64_MIN;
    return true;
}

static bool overlap(struct span p, struct span o)
{
    return (p.start >= o.start && p.start <= o.end) || (p.end >= o.start && p.end <= o.end) ||
           (p.start < o.start && p.end > o.end);
}

static void check_overlap(struct rules *r, const struct datum_list *partitions)
{
    size_t n = 0, *index = arena_calloc(r->a, partitions->n, sizeof *index);
    struct span *spans = arena_calloc(r->a, partitions->n, sizeof *spans);
    if (partitions->n && (!index || !spans)) {
        r->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < partitions->n; i++)
        if (span_of(partitions->items[i].record, &spans[n]))
            index[n++] = i;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            if (i == j || !overlap(spans[i], spans[j]))
                continue;
            rules_error(r, partitions->items[index[j]].place, "the partition overlaps another");
            return;
        }
    }
}

/* Reports the first number or label that another partition has. */
static void check_unique(struct rules *r, const struct datum_list *partitions, const char *field)
{
    struct text_set seen;
    if (!text_set_init(&seen, r->a, partitions->n)) {
        r->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < partitions->n; i++) {
        const struct datum *d = record_get(partitions->items[i].record, field);
        struct str text = d->text;
        if (d->kind == DATUM_NONE || (d->kind == DATUM_INT && d->number == 0))
            continue;
        if (d->kind == DATUM_INT)
            text = str_of((const char *)&d->number, sizeof d->number);
        if (text_set_add(&seen, text))
            continue;
        rules_error(r, partitions->items[i].place, "another partition has the same %s", field);
        return;
    }
}

static void check_gone(struct rules *r, const struct record *disk,
                       const struct datum_list *partitions)
{
    bool gone = false, unnumbered = false;
    for (size_t i = 0; i < partitions->n; i++) {
        gone = gone || is_false(partitions->items[i].record, "shouldExist");
        unnumbered = unnumbered || record_number(partitions->items[i].record, "number") == 0;
    }
    if (gone && unnumbered)
        rules_error(r, rules_at(r, disk, "partitions"),
                    "shouldExist is false for a partition and another one has number 0");
}

void rule_disk(struct rules *r, const struct record *x)
{
    struct str device = record_text(x, "device");
    if (device.n == 0) {
        rules_error(r, rules_at(r, x, "device"), "a disk needs a device");
        return;
    }
    rules_error_if(r, x, "device", path_check(device));
    const struct datum_list *partitions = record_list(x, "partitions");
    if (partitions->n > PARTITIONS_MAX) {
        rules_error(r, rules_at(r, x, "partitions"), "a disk has at most %d partitions",
                    PARTITIONS_MAX);
        return;
    }
    check_unique(r, partitions, "number");
    check_overlap(r, partitions);
    check_gone(r, x, partitions);
    check_unique(r, partitions, "label");
}

/* --- partitions */

static const char *check_label(struct str label)
{
    if (label.n > 36)
        return "a partition's label has at most 36 bytes";
    if (str_find_byte(label, ':', 0) < label.n)
        return "a partition's label cannot have a colon: it would be cut there";
    return NULL;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const char *check_guid(struct str guid)
{
    static const char form[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
    bool good = guid.n == 0 || guid.n == sizeof form - 1;
    for (size_t i = 0; good && i < guid.n; i++)
        good = form[i] == 'h' ? is_hex(guid.p[i]) : guid.p[i] == form[i];
    return good ? NULL : "a GUID has the form 01234567-89AB-CDEF-EDCB-A98765432101";
}

void rule_partition(struct rules *r, const struct record *x)
{
    bool described = record_has(x, "label") || record_text(x, "typeGuid").n ||
                     record_text(x, "guid").n || record_has(x, "startMiB") ||
                     record_has(x, "sizeMiB");
    if (is_false(x, "shouldExist") && described)
        rules_error(r, x->place,
                    "shouldExist is false, so the partition can have nothing but its number");
    if (record_number(x, "number") == 0 && !record_has(x, "label"))
        rules_error(r, x->place, "a partition needs a number of at least 1, or a label");
    rules_error_if(r, x, "label", check_label(record_text(x, "label")));
    rules_error_if(r, x, "guid", check_guid(record_text(x, "guid")));
    rules_error_if(r, x, "typeGuid", check_guid(record_text(x, "typeGuid")));
}

/* --- RAID */

static const char *check_level(const struct record *x)
{
    static const char *const striped[] = {"linear", "raid0", "0", "stripe"};
    static const char *const others[] = {"raid1", "1",     "mirror", "raid4",  "4", "raid5",
                                         "5",     "raid6", "6",      "raid10", "10"};
    struct str level = record_text(x, "level");
    if (level.n == 0)
        return "an array needs a level";
    for (size_t i = 0; i < sizeof striped / sizeof *striped; i++)
        if (str_is(level, striped[i]))
            return record_number(x, "spares") != 0 ? "linear and raid0 arrays have no spares"
                                                   : NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_is(level, others[i]))
            return NULL;
    return "the level must be linear, raid0, raid1, raid4, raid5, raid6 or raid10";
}

void rule_raid(struct rules *r, const struct record *x)
{
    rules_error_if(r, x, "level", check_level(x));
    const struct datum_list *devices = record_list(x, "devices");
    if (devices->n == 0)
        rules_error(r, rules_at(r, x, "devices"), "an array needs devices");
    for (size_t i = 0; i < devices->n; i++) {
        const char *wrong = path_check(devices->items[i].text);
        if (wrong)
            rules_error(r, devices->items[i].place, "%s", wrong);
    }
}

/* --- filesystems */

static const struct {
    const char *name;
    unsigned label; /* longest, in bytes; 0 is "any" */
    unsigned since; /* Ignition 3.x */
} formats[] = {
    {"ext4", 16, 0}, {"btrfs", 256, 0}, {"xfs", 12, 0},
    {"swap", 15, 0}, {"vfat", 11, 0},   {"none", 0, 3},
};

static const char *check_format(struct rules *r, const struct record *x)
{
    struct str format = record_text(x, "format");
    if (format.n == 0) {
        bool needed = record_text(x, "path").n || record_text(x, "label").n ||
                      record_text(x, "uuid").n || record_truth(x, "wipeFilesystem") ||
                      record_list(x, "mountOptions")->n || record_list(x, "options")->n;
        return needed ? "path, label, uuid, wipeFilesystem and options need a format" : NULL;
    }
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (str_is(format, formats[i].name) && r->minor >= formats[i].since)
            return NULL;
    return r->minor >= 3 ? "the format must be ext4, btrfs, xfs, swap, vfat or none"
                         : "the format must be ext4, btrfs, xfs, swap or vfat";
}

static void check_filesystem_label(struct rules *r, const struct record *x)
{
    struct str label = record_text(x, "label"), format = record_text(x, "format");
    if (label.n == 0)
        return;
    if (format.n == 0)
        rules_error(r, rules_at(r, x, "label"), "a label needs a format");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (str_is(format, formats[i].name) && formats[i].label && label.n > formats[i].label)
            rules_error(r, rules_at(r, x, "label"), "a label of %s has at most %u bytes",
                        formats[i].name, formats[i].label);
}

void rule_filesystem(struct rules *r, const struct record *x)
{
    if (record_text(x, "path").n)
        rules_error_if(r, x, "path", path_check(record_text(x, "path")));
    rules_error_if(r, x, "device", path_check(record_text(x, "device")));
    rules_error_if(r, x, "format", check_format(r, x));
    check_filesystem_label(r, x);
}
