/* What Fedora CoreOS has beside Ignition: the boot device (encrypted, mirrored) and GRUB's users.
 */
#include "ignition/butane_parts.h"

/* What is made so far, with the user's boot_device that it is made of. */
struct boot {
    struct butane *b;
    const struct record *device; /* boot_device */
    const struct record *luks, *mirror;
    struct str layout; /* absent: x86_64 */
    bool want_luks, want_mirror, want_cex;
    struct butane_list disks, filesystems, raid, volumes;
};

struct partition {
    const char *label; /* with the number of the disk behind it */
    int64_t size_mib;  /* 0: what is left */
    const char *type;  /* GUID, or NULL */
};

static const struct partition bios_part = {"bios", 1, "21686148-6449-6E6F-744E-656564454649"};
static const struct partition prep_part = {"prep", 4, "9E1A2D38-C612-4316-AA26-8B49521E5A8B"};
static const struct partition esp_part = {"esp", 127, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"};
static const struct partition reserved_part = {"reserved", 1,
                                               "8DA63339-0007-60C0-C436-083AC8230908"};
static const struct partition boot_part = {"boot", 384, NULL};
static const struct partition root_part = {"root", 0, NULL};

static bool is_x86_64(const struct boot *x)
{
    return !x->layout.p || str_is(x->layout, "x86_64");
}

static bool has_esp(const struct boot *x)
{
    return is_x86_64(x) || str_is(x->layout, "aarch64");
}

static void add_partition(struct boot *x, struct butane_list *parts, const struct partition *p,
                          size_t disk, const struct place *at)
{
    struct butane *b = x->b;
    struct record *r = butane_record(b, &schema_partition, at);
    butane_set_text(b, r, "label", butane_text(b, "%s-%zu", p->label, disk), at);
    if (p->size_mib)
        butane_set_number(b, r, "sizeMiB", p->size_mib, at);
    if (p->type)
        butane_set_text(b, r, "typeGuid", str_c(p->type), at);
    butane_push_record(b, parts, r);
}

static void add_filesystem(struct boot *x, struct str device, const char *format, struct str label,
                           const struct place *at)
{
    struct butane *b = x->b;
    struct record *r = butane_record(b, &schema_filesystem, at);
    butane_set_text(b, r, "device", device, at);
    butane_set_text(b, r, "format", str_c(format), at);
    butane_set_text(b, r, "label", label, at);
    butane_set_truth(b, r, "wipeFilesystem", true, at);
    butane_push_record(b, &x->filesystems, r);
}

static void add_disk(struct boot *x, const struct datum *device, size_t number)
{
    struct butane *b = x->b;
    const struct place *at = device->place;
    const struct partition *first = &reserved_part;
    if (is_x86_64(x))
        first = &bios_part;
    else if (str_is(x->layout, "ppc64le"))
        first = &prep_part;
    struct butane_list parts = {0};
    add_partition(x, &parts, first, number, at);
    add_partition(x, &parts, has_esp(x) ? &esp_part : &reserved_part, number, at);
    add_partition(x, &parts, &boot_part, number, at);
    add_partition(x, &parts, &root_part, number, at);
    struct record *r = butane_record(b, &schema_disk, at);
    butane_set_text(b, r, "device", device->text, at);
    butane_set_list(b, r, "partitions", &parts, at);
    butane_set_truth(b, r, "wipeTable", true, at);
    butane_push_record(b, &x->disks, r);
    if (has_esp(x))
        add_filesystem(x, butane_text(b, "/dev/disk/by-partlabel/esp-%zu", number), "vfat",
                       butane_text(b, "esp-%zu", number), at);
}

/* The superblock of the boot array is at the end, where BIOS GRUB does not trip over it. */
static void add_raid(struct boot *x, const char *name, const char *label, bool metadata_at_end)
{
    struct butane *b = x->b;
    const struct place *at = x->mirror->place;
    struct butane_list devices = {0}, options = {0};
    for (size_t i = 1; i <= x->disks.n; i++)
        butane_push_text(b, &devices, butane_text(b, "/dev/disk/by-partlabel/%s-%zu", label, i),
                         at);
    if (metadata_at_end)
        butane_push_text(b, &options, STR("--metadata=1.0"), at);
    struct record *r = butane_record(b, &schema_raid, at);
    butane_set_list(b, r, "devices", &devices, at);
    butane_set_text(b, r, "level", STR("raid1"), at);
    butane_set_text(b, r, "name", str_c(name), at);
    butane_set_list(b, r, "options", &options, at);
    butane_push_record(b, &x->raid, r);
}

static void add_mirror(struct boot *x)
{
    const struct datum_list *devices = record_list(x->mirror, "devices");
    for (size_t i = 0; i < devices->n; i++)
        add_disk(x, &devices->items[i], i + 1);
    add_raid(x, "md-boot", "boot", true);
    add_raid(x, "md-root", "root", false);
    add_filesystem(x, STR("/dev/md/md-boot"), "ext4", STR("boot"), x->mirror->place);
}

static struct str luks_device(struct boot *x)
{
    struct str device = record_text(x->luks, "device");
    if (str_is(x->layout, "s390x-eckd"))
        return butane_text(x->b, "%.*s2", STR_FMT(device));
    if (str_is(x->layout, "s390x-zfcp"))
        return butane_text(x->b, "%.*s4", STR_FMT(device));
    return x->want_mirror ? STR("/dev/md/md-root") : STR("/dev/disk/by-partlabel/root");
}

static void add_luks(struct boot *x)
{
    struct butane *b = x->b;
    const struct place *at = x->luks->place;
    struct record *r = butane_record(b, &schema_luks, at);
    if (x->want_cex) {
        butane_copy(b, r, "cex", x->luks);
    } else {
        struct record *clevis = butane_record(b, &schema_clevis, at);
        butane_copy(b, clevis, "tang", x->luks);
        butane_copy(b, clevis, "threshold", x->luks);
        butane_copy(b, clevis, "tpm2", x->luks);
        butane_set_record(b, r, "clevis", clevis, at);
    }
    butane_set_text(b, r, "device", luks_device(x), at);
    butane_copy(b, r, "discard", x->luks);
    butane_set_text(b, r, "label", STR("luks-root"), at);
    butane_set_text(b, r, "name", STR("root"), at);
    butane_set_truth(b, r, "wipeVolume", true, at);
    butane_push_record(b, &x->volumes, r);
}

static struct boot read_boot_device(struct butane *b, const struct record *config)
{
    struct boot x = {.b = b, .device = record_sub(config, "boot_device")};
    x.luks = record_sub(x.device, "luks");
    x.mirror = record_sub(x.device, "mirror");
    x.layout = record_text(x.device, "layout");
    x.want_mirror = record_list(x.mirror, "devices")->n;
    x.want_cex = record_truth(record_sub(x.luks, "cex"), "enabled");
    x.want_luks = record_list(x.luks, "tang")->n || record_truth(x.luks, "tpm2") || x.want_cex;
    return x;
}

struct record *butane_boot_device(struct butane *b, struct record *config)
{
    struct boot x = read_boot_device(b, config);
    if (!x.want_luks && !x.want_mirror)
        return config;
    if (x.want_mirror)
        add_mirror(&x);
    if (x.want_luks)
        add_luks(&x);
    const struct place *at = x.device->place;
    add_filesystem(&x, x.want_luks ? STR("/dev/mapper/root") : STR("/dev/md/md-root"), "xfs",
                   STR("root"), at);
    struct record *parent = butane_record(b, &schema_config, at);
    struct record *storage = butane_sub(b, parent, "storage", &schema_storage, at);
    butane_set_list(b, storage, "disks", &x.disks, at);
    butane_set_list(b, storage, "filesystems", &x.filesystems, at);
    butane_set_list(b, storage, "luks", &x.volumes, at);
    butane_set_list(b, storage, "raid", &x.raid, at);
    return butane_merge(b, parent, config);
}

/* --- GRUB's users */
static struct str grub_config(struct butane *b, const struct datum_list *users)
{
    struct buf text;
    buf_in_arena(&text, b->a, BUTANE_MAX_CONTENTS);
    buf_add_lit(&text, "# Generated by Butane\n\nset superusers=\"");
    for (size_t i = 0; i < users->n; i++) {
        if (i)
            buf_add_byte(&text, ' ');
        buf_add_str(&text, record_text(users->items[i].record, "name"));
    }
    buf_add_lit(&text, "\"\n");
    for (size_t i = 0; i < users->n; i++) {
        buf_add_lit(&text, "password_pbkdf2 ");
        buf_add_str(&text, record_text(users->items[i].record, "name"));
        buf_add_byte(&text, ' ');
        buf_add_str(&text, record_text(users->items[i].record, "password_hash"));
        buf_add_byte(&text, '\n');
    }
    if (text.failed)
        b->failed = text.overflow ? ERR_LIMIT : ERR_NOMEM;
    return buf_str(&text);
}

struct record *butane_grub(struct butane *b, struct record *config)
{
    const struct record *grub = record_sub(config, "grub");
    const struct datum *users = record_get(grub, "users");
    if (users->kind != DATUM_LIST || !users->list->n)
        return config;
    const struct place *at = users->place;
    struct butane_list filesystems = {0}, files = {0}, append = {0};

    struct record *fs = butane_record(b, &schema_filesystem, at);
    butane_set_text(b, fs, "device", STR("/dev/disk/by-label/boot"), at);
    butane_set_text(b, fs, "format", STR("ext4"), at);
    butane_set_text(b, fs, "path", STR("/boot"), at);
    butane_push_record(b, &filesystems, fs);

    struct record *contents = butane_record(b, &schema_resource, at);
    butane_set_contents(b, contents, grub_config(b, users->list), at);
    butane_push_record(b, &append, contents);
    struct record *file = butane_record(b, &schema_file, at);
    butane_set_text(b, file, "path", STR("/boot/grub2/user.cfg"), at);
    butane_set_list(b, file, "append", &append, at);
    butane_push_record(b, &files, file);

    struct record *parent = butane_record(b, &schema_config, at);
    struct record *storage = butane_sub(b, parent, "storage", &schema_storage, at);
    butane_set_list(b, storage, "filesystems", &filesystems, at);
    butane_set_list(b, storage, "files", &files, at);
    return butane_merge(b, parent, config);
}
