/* What butane finds wrong by itself; the rules of Ignition are checked on the result. */
#include "ignition/butane_parts.h"

/* --- modes */
static bool decimal_as_octal(int64_t mode, unsigned *ret)
{
    if (mode < 0 || mode > 7777)
        return false;
    unsigned octal = 0;
    for (int64_t divisor = 1000; divisor > 0; divisor /= 10) {
        unsigned digit = (unsigned)(mode / divisor % 10);
        if (digit > 7)
            return false;
        octal = octal << 3 | digit;
    }
    *ret = octal;
    return true;
}

/* Do the rights grow from other to group to owner, as people write them? *ret: all of them. */
static bool permissions_grow(unsigned mode, unsigned *ret)
{
    unsigned had = 0;
    for (unsigned shift = 0; shift <= 6; shift += 3) {
        unsigned now = mode >> shift & 7;
        if (had & ~now)
            return false;
        if (now & 1 && had & 4 && !(had & 1))
            return false; /* others may read but not execute */
        if (now & 3 && !(now & 4))
            return false;
        had |= now;
    }
    *ret = had;
    return true;
}

static bool is_typical_mode(unsigned mode, bool directory)
{
    unsigned had = 0;
    if (mode == 0)
        return true;
    if (!permissions_grow(mode, &had) || !(had & 4))
        return false;
    if (directory)
        return had & 1 && !(mode & 04000) && (!(mode & 03000) || had & 2);
    if (mode & 06000 && (!(had & 1) || mode & 2))
        return false;
    return !(mode & 01000);
}

static void check_mode(struct butane *b, const struct record *r, bool directory)
{
    unsigned octal = 0;
    if (!record_has(r, "mode"))
        return;
    int64_t mode = record_number(r, "mode");
    if (decimal_as_octal(mode, &octal) && !is_typical_mode((unsigned)mode, directory) &&
        is_typical_mode(octal, directory))
        butane_warn(b, butane_place(b, r, "mode"),
                    "the mode %lld is unreasonable, but %04o would be reasonable: write it in "
                    "octal, with a leading zero",
                    (long long)mode, octal);
}

static void check_directory(struct butane *b, const struct record *r)
{
    check_mode(b, r, true);
}

static void check_file(struct butane *b, const struct record *r)
{
    check_mode(b, r, false);
}

/* --- contents */
static void check_file_contents(struct butane *b, const struct record *r)
{
    if (record_has(r, "inline") && record_has(r, "source"))
        butane_error(b, butane_place(b, r, "inline"), "only one of inline and source can be set");
}

static void check_resource(struct butane *b, const struct record *r)
{
    static const char *const names[] = {"local", "inline", "source"};
    const char *last = NULL;
    int n = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (record_has(r, names[i])) {
            last = names[i];
            n++;
        }
    if (n > 1)
        butane_error(b, butane_place(b, r, last),
                     "only one of inline, local and source can be set");
    else if (record_has(r, "inline") && butane_holds_config(r))
        butane_check_embedded(b, record_text(r, "inline"), r, butane_place(b, r, "inline"));
}

static void check_local_contents(struct butane *b, const struct record *r)
{
    if (record_has(r, "contents_local") && record_has(r, "contents"))
        butane_error(b, butane_place(b, r, "contents_local"),
                     "only one of contents and contents_local can be set");
}

static void check_tree(struct butane *b, const struct record *r)
{
    if (!record_text(r, "local").n)
        butane_error(b, r->place, "local is required: the directory whose files are taken");
}

/* --- filesystems */
static void check_filesystem(struct butane *b, const struct record *r)
{
    if (!record_truth(r, "with_mount_unit"))
        return;
    bool format = record_text(r, "format").n, path = record_text(r, "path").n;
    bool swap = str_is(record_text(r, "format"), "swap");
    bool swap_known = b->spec->minor >= 3;
    if (!swap_known && !path)
        butane_error(b, butane_place(b, r, "path"), "path is required if with_mount_unit is true");
    if (!format)
        butane_error(b, butane_place(b, r, "format"),
                     "format is required if with_mount_unit is true");
    else if (swap_known && !swap && !path)
        butane_error(b, butane_place(b, r, "path"),
                     "path is required if with_mount_unit is true and format is not swap");
}

static bool is_below(struct str path, struct str top)
{
    return str_starts(path, top) && (path.n == top.n || path.p[top.n] == '/');
}

static void check_mount_points(struct butane *b, const struct record *storage)
{
    const struct datum_list *l = record_list(storage, "filesystems");
    for (size_t i = 0; i < l->n; i++) {
        const struct record *fs = l->items[i].record;
        struct str path = record_text(fs, "path");
        if (record_truth(fs, "with_mount_unit") && record_has(fs, "path") &&
            !is_below(path, STR("/etc")) && !is_below(path, STR("/var")))
            butane_error(b, butane_place(b, fs, "path"),
                         "path must be under /etc or /var if with_mount_unit is true");
    }
}

/* --- disks */
static void check_reuse_by_label(struct butane *b, const struct record *storage)
{
    const struct datum_list *l = record_list(storage, "disks");
    for (size_t i = 0; i < l->n; i++) {
        const struct record *disk = l->items[i].record;
        const struct datum_list *parts = record_list(disk, "partitions");
        if (str_is(record_text(disk, "device"), "/dev/disk/by-id/coreos-boot-disk") ||
            record_truth(disk, "wipeTable"))
            continue;
        for (size_t k = 0; k < parts->n; k++) {
            const struct record *part = parts->items[k].record;
            if (record_number(part, "number") == 0 && record_has(part, "label"))
                butane_warn(b, butane_place(b, part, "number"),
                            "partitions cannot be reused by label: give the number, unless this "
                            "is the boot disk (/dev/disk/by-id/coreos-boot-disk) or wipe_table is "
                            "true");
        }
    }
}

static void check_config(struct butane *b, const struct record *r)
{
    if (!b->spec->fcos || b->spec->minor < 5)
        return;
    check_reuse_by_label(b, record_sub(r, "storage"));
    check_mount_points(b, record_sub(r, "storage"));
}

/* --- the boot device of Fedora CoreOS */
static bool has_devices(const struct record *mirror)
{
    return record_list(mirror, "devices")->n > 0;
}

/* Does the device's name end as in /dev/sda: one of a-z after the stem? */
static bool ends_in_disk(struct str device, const char *stem)
{
    struct str s = str_c(stem);
    return device.n > s.n && device.p[device.n - 1] >= 'a' && device.p[device.n - 1] <= 'z' &&
           str_ends(str_sub(device, 0, device.n - 1), s);
}

static void check_s390x_device(struct butane *b, const struct record *r, const char *stem)
{
    const struct place *at = butane_place(b, r, "layout");
    struct str device = record_text(record_sub(r, "luks"), "device");
    if (!device.n)
        butane_error(b, at, "the layouts s390x-eckd and s390x-zfcp need luks.device");
    else if (!ends_in_disk(device, stem))
        butane_error(b, at,
                     "luks.device must be /dev/dasdX for s390x-eckd and /dev/sdX for s390x-zfcp");
}

static void check_layout(struct butane *b, const struct record *r)
{
    struct str layout = record_text(r, "layout");
    bool s390x = b->spec->minor >= 5;
    if (str_is(layout, "aarch64") || str_is(layout, "ppc64le") || str_is(layout, "x86_64"))
        return;
    if (s390x && str_is(layout, "s390x-eckd"))
        check_s390x_device(b, r, "/dev/dasd");
    else if (s390x && str_is(layout, "s390x-zfcp"))
        check_s390x_device(b, r, "/dev/sd");
    else if (!s390x || !str_is(layout, "s390x-virt"))
        butane_error(b, butane_place(b, r, "layout"), "layout must be one of: aarch64, ppc64le, %s",
                     s390x ? "s390x-eckd, s390x-virt, s390x-zfcp, x86_64" : "x86_64");
    if (s390x && str_starts(layout, STR("s390x")) && has_devices(record_sub(r, "mirror")))
        butane_error(b, butane_place(b, r, "layout"),
                     "mirroring is not supported on s390x: remove boot_device.mirror");
}

static bool wants_clevis(const struct record *luks)
{
    return record_list(luks, "tang")->n || record_truth(luks, "tpm2");
}

static void check_luks_method(struct butane *b, const struct record *r)
{
    const struct record *luks = record_sub(r, "luks");
    if (!luks)
        return;
    bool cex = record_truth(record_sub(luks, "cex"), "enabled");
    if (cex && !record_has(r, "layout"))
        butane_error(b, butane_place(b, luks, "cex"), "cex needs a layout of s390x");
    else if (cex && !str_starts(record_text(r, "layout"), STR("s390x")))
        butane_error(b, butane_place(b, r, "layout"), "cex needs a layout of s390x");
    if (cex && wants_clevis(luks))
        butane_error(b, luks->place, "cex cannot be used together with tang or tpm2");
    if (b->spec->minor >= 6 && record_has(luks, "device") && !cex && !wants_clevis(luks))
        butane_error(b, luks->place, "luks needs a method: tang, tpm2 or cex");
}

static void check_mirror(struct butane *b, const struct record *r)
{
    if (record_list(r, "devices")->n == 1)
        butane_error(b, butane_place(b, r, "devices"), "mirroring needs at least two devices");
}

static void check_boot_device(struct butane *b, const struct record *r)
{
    const struct record *mirror = record_sub(r, "mirror");
    if (record_has(r, "layout"))
        check_layout(b, r);
    else if (has_devices(mirror) && b->spec->minor >= 6)
        butane_error(b, mirror->place, "boot_device.mirror needs boot_device.layout");
    else if (has_devices(mirror))
        butane_warn(b, mirror->place, "boot_device.layout should be given with boot_device.mirror");
    check_luks_method(b, r);
    /* Once from here and once by the walk, as butane does. */
    if (mirror)
        check_mirror(b, mirror);
}

static void check_grub_user(struct butane *b, const struct record *r)
{
    if (!record_text(r, "name").n)
        butane_error(b, butane_place(b, r, "name"), "a user of GRUB needs a name");
    if (!record_text(r, "password_hash").n)
        butane_error(b, butane_place(b, r, "password_hash"),
                     "a user of GRUB needs a password_hash: make one with grub2-mkpasswd-pbkdf2");
}

/* --- the walk: a struct before what is in it, fields in order */
static const struct {
    const char *name;
    void (*check)(struct butane *b, const struct record *r);
} checks[] = {
    {"Config", check_config},
    {"BootDevice", check_boot_device},
    {"BootDeviceMirror", check_mirror},
    {"GrubUser", check_grub_user},
    {"Resource", check_resource},
    {"FileContents", check_file_contents},
    {"Filesystem", check_filesystem},
    {"Directory", check_directory},
    {"File", check_file},
    {"Tree", check_tree},
    {"Unit", check_local_contents},
    {"Dropin", check_local_contents},
};

static void walk(struct butane *b, const struct record *r);

static void walk_fields(struct butane *b, const struct record *r, bool fcos)
{
    for (size_t i = 0; i < r->type->n; i++) {
        const struct schema_field *f = &r->type->fields[i];
        const struct datum *d = &r->fields[i];
        if (!(f->flags & SCHEMA_FCOS) != !fcos)
            continue;
        if (d->kind == DATUM_RECORD)
            walk(b, d->record);
        else if (d->kind == DATUM_LIST && f->type == SCHEMA_STRUCTS)
            for (size_t k = 0; k < d->list->n; k++)
                walk(b, d->list->items[k].record);
    }
}

static void walk(struct butane *b, const struct record *r)
{
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(checks[i].name, r->type->name) == 0)
            checks[i].check(b, r);
    walk_fields(b, r, false);
    walk_fields(b, r, true);
}

void butane_check(struct butane *b, const struct record *config)
{
    walk(b, config);
}
