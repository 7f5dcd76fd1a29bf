/* What the recorded cases leave out: other variants, generated parts, local files, limits. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ignition/butane.h"

#define TEXT_MAX ((size_t)4 << 20)

/* The result of a translation, or its findings as "error /storage/files/0 5:7" lines. */
static err_code translate(struct str text, const struct butane_options *o, struct buf *dst)
{
    ARENA_LOCAL(a, 64 << 20);
    BUF_LOCAL(out, 16 << 20);
    struct findings f;
    struct ignition_version version;
    struct err e = ERR_INIT;
    findings_init(&f, &a);
    err_code c = butane_translate(text, o, &a, &f, &out, &version, &e);
    cr_assert(c == ERR_OK || (e.code == c && e.msg[0]));
    cr_assert(c == ERR_OK || out.n == 0);
    if (!c)
        buf_add_str(dst, buf_str(&out));
    for (const struct finding *x = f.first; x; x = x->next)
        buf_addf(dst, "%s%s %.*s %d:%d", dst->n ? "\n" : "",
                 x->severity == FINDING_ERROR ? "error" : "warning", STR_FMT(x->pointer), x->line,
                 x->column);
    return c;
}

static void gives(const char *text, const struct butane_options *o, const char *want)
{
    BUF_LOCAL(got, 16 << 20);
    translate(str_c(text), o, &got);
    cr_expect(str_is(buf_str(&got), want), "%s\n  got  %.*s\n  want %s", text,
              STR_FMT(buf_str(&got)), want);
}

static void contains(const char *text, const struct butane_options *o, const char *want)
{
    BUF_LOCAL(got, 16 << 20);
    translate(str_c(text), o, &got);
    cr_expect_lt(str_find(buf_str(&got), str_c(want), 0), got.n, "%s\n  got  %.*s\n  want %s", text,
                 STR_FMT(buf_str(&got)), want);
}

/* Fails without a finding; the place and the words are in the error. */
static void refused(const char *text, err_code code, int line, const char *word)
{
    ARENA_LOCAL(a, 64 << 20);
    BUF_LOCAL(out, 16 << 20);
    struct findings f;
    struct ignition_version version;
    struct err e = ERR_INIT;
    findings_init(&f, &a);
    err_code c = butane_translate(str_c(text), NULL, &a, &f, &out, &version, &e);
    cr_expect_eq(c, code, "%s: %s", text, e.msg);
    cr_expect_eq(e.line, line, "%s: line %d: %s", text, e.line, e.msg);
    cr_expect(strstr(e.msg, word), "%s: %s", text, e.msg);
    cr_expect_null(f.first);
}

#define FCOS15 "variant: fcos\nversion: 1.5.0\n"
#define FCOS16 "variant: fcos\nversion: 1.6.0\n"
#define FCOS17 "variant: fcos\nversion: 1.7.0\n"

Test(butane, says_which_versions_there_are)
{
    refused("variant: fcos\nversion: 1.8.0\n", ERR_UNSUPPORTED, 1, "1.7.0");
    refused("variant: fcos\nversion: 1.5\n", ERR_INVALID, 2, "three numbers");
    refused("variant: fcos\n", ERR_INVALID, 1, "three numbers");
    refused("version: 1.5.0\n", ERR_INVALID, 1, "variant");
    refused("variant: openshift\nversion: 4.14.0\n", ERR_UNSUPPORTED, 1, "MachineConfig");
    refused("variant: fcos\nversion: 1.8.0-experimental\n", ERR_UNSUPPORTED, 1, "experimental");
    refused("", ERR_INVALID, 0, "variant");
    refused("[]", ERR_INVALID, 1, "variant");
}

Test(butane, wrong_types_have_a_place_and_no_findings)
{
    refused(FCOS15 "foo: 1\npasswd:\n  users: [{name: [a]}]\n", ERR_INVALID, 5, "not a list");
    refused(FCOS15 "storage:\n  files: {path: /a}\n", ERR_INVALID, 4, "a list");
    refused(FCOS15 "storage:\n  files:\n    - path: /a\n      mode: '0644'\n", ERR_INVALID, 6,
            "in quotes");
    refused(FCOS15 "storage: text\n", ERR_INVALID, 3, "a mapping");
    refused(FCOS15 "systemd:\n  units: [{name: a.service, enabled: 1}]\n", ERR_INVALID, 4,
            "true or false");
    refused(FCOS15 "? [a]\n: b\n", ERR_INVALID, 3, "key");
}

Test(butane, edge_variants_refuse_storage)
{
    gives("variant: r4e\nversion: 1.0.0\nstorage:\n  raid: [{name: a, level: raid1, devices: "
          "[/dev/a]}]\n  disks: [{device: /dev/a}]\n",
          NULL, "error /storage/disks 5:10\nerror /storage/raid 4:9");
    gives("variant: fiot\nversion: 1.0.0\nkernel_arguments: {should_exist: [a]}\n", NULL,
          "error /kernel_arguments 3:19");
    gives("variant: fiot\nversion: 1.0.0\nkernel_arguments: {should_exist: []}\n", NULL,
          "{\"ignition\":{\"version\":\"3.4.0\"}}");
}

Test(butane, numbers_of_reserved_partitions)
{
    static const char disk[] = "storage:\n  disks:\n    - device: /dev/a\n      partitions: "
                               "[{label: boot, number: 1}]\n";
    BUF_LOCAL(text, 4096);
    buf_addf(&text, "variant: flatcar\nversion: 1.1.0\n%s", disk);
    contains(buf_c(&text), NULL, "\"number\":1}]}]}}");
    buf_clear(&text);
    buf_addf(&text, FCOS15 "%s", disk);
    contains(buf_c(&text), NULL, "\nwarning /storage/disks/0/partitions/0/label 6:28");
    contains(FCOS15 "storage:\n  disks:\n    - device: /dev/a\n      wipe_table: true\n      "
                    "partitions: [{label: root, size_mib: 8191}]\n",
             NULL, "\nwarning /storage/disks/0/partitions/0/size_mib 7:44");
}

Test(butane, fcos_16_wants_numbers_and_mounts_below_etc_and_var)
{
    contains(FCOS16 "storage:\n  disks:\n    - device: /dev/a\n      partitions: [{label: x}]\n",
             NULL, "\nwarning /storage/disks/0/partitions/0/number 6:20");
    gives(FCOS16 "storage:\n  filesystems: [{device: /dev/a, format: xfs, path: /variable, "
                 "with_mount_unit: true}]\n",
          NULL, "error /storage/filesystems/0/path 4:53");
    contains(FCOS16 "storage:\n  filesystems: [{device: /dev/a, format: xfs, path: /var, "
                    "with_mount_unit: true}]\n",
             NULL, "\"name\":\"var.mount\"");
}

Test(butane, boot_device_of_s390x)
{
    contains(FCOS16
             "boot_device:\n  layout: s390x-eckd\n  luks: {device: /dev/dasda, tpm2: true}\n",
             NULL, "\"device\":\"/dev/dasda2\"");
    contains(FCOS16 "boot_device:\n  layout: s390x-zfcp\n  luks: {device: /dev/sdb, cex: {enabled: "
                    "true}}\n",
             NULL, "\"luks\":[{\"cex\":{\"enabled\":true},\"device\":\"/dev/sdb4\"");
    gives(FCOS16 "boot_device:\n  layout: s390x-eckd\n  luks: {device: /dev/sda, tpm2: true}\n",
          NULL, "error /boot_device/layout 4:11");
    gives(FCOS16 "boot_device:\n  layout: s390x-virt\n  mirror: {devices: [/dev/a, /dev/b]}\n",
          NULL, "error /boot_device/layout 4:11");
    gives(FCOS15 "boot_device: {layout: s390x-virt}\n", NULL, "error /boot_device/layout 3:23");
}

Test(butane, a_mirror_needs_two_devices_and_a_layout)
{
    gives(FCOS15 "boot_device:\n  layout: x86_64\n  mirror: {devices: [/dev/a]}\n", NULL,
          "error /boot_device/mirror/devices 5:21\nerror /boot_device/mirror/devices 5:21");
    gives(FCOS17 "boot_device:\n  mirror: {devices: [/dev/a, /dev/b]}\n", NULL,
          "error /boot_device/mirror 4:11");
}

Test(butane, grub_users_come_before_the_users_files)
{
    contains(FCOS15 "grub:\n  users: [{name: a, password_hash: b}]\nstorage:\n  files: "
                    "[{path: /x}]\n",
             NULL,
             "\"files\":[{\"path\":\"/boot/grub2/user.cfg\",\"append\":[{\"compression\":\"\","
             "\"source\":\"data:,%23%20Generated%20by%20Butane%0A%0Aset%20superusers%3D%22a%22%0A"
             "password_pbkdf2%20a%20b%0A\"}]},{\"path\":\"/x\"}],\"filesystems\":[{\"device\":"
             "\"/dev/disk/by-label/boot\",\"format\":\"ext4\",\"path\":\"/boot\"}]");
}

Test(butane, what_the_user_writes_wins_over_what_is_generated)
{
    /* The generated file becomes a directory: the path is the user's, and of one kind only. */
    contains(FCOS15 "grub:\n  users: [{name: a, password_hash: b}]\nstorage:\n  directories: "
                    "[{path: /boot/grub2/user.cfg}]\n",
             NULL, "{\"directories\":[{\"path\":\"/boot/grub2/user.cfg\"}],\"filesystems\"");
    contains(
        FCOS15 "boot_device:\n  luks: {tpm2: true}\nstorage:\n  luks: [{name: root, label: "
               "mine, device: /dev/x, options: [a]}]\n",
        NULL,
        "\"luks\":[{\"clevis\":{\"tpm2\":true},\"device\":\"/dev/x\",\"label\":\"mine\",\"name\":"
        "\"root\",\"options\":[\"a\"],\"wipeVolume\":true}]");
}

Test(butane, names_of_mount_units)
{
    contains(FCOS15 "storage:\n  filesystems: [{device: //dev//x-y/, format: xfs, path: "
                    "/.a/b.c/\xc3\xa9, with_mount_unit: true}]\n",
             NULL, "error /storage/filesystems/0");
    contains(FCOS15 "storage:\n  filesystems: [{device: /dev/x-y, format: xfs, path: "
                    "/.a/b.c/\xc3\xa9, with_mount_unit: true}]\n",
             NULL, "\"name\":\"\\\\x2ea-b.c-\\\\xc3\\\\xa9.mount\"");
    contains(FCOS15 "storage:\n  filesystems: [{device: /dev/x, format: xfs, path: /, "
                    "with_mount_unit: true}]\n",
             NULL, "\"name\":\"-.mount\"");
    contains("variant: fcos\nversion: 1.3.0\nstorage:\n  filesystems: [{device: /dev/x, format: "
             "swap, path: /x, with_mount_unit: true}]\n",
             NULL, "Type=swap");
}

Test(butane, two_units_of_one_mount_point_are_a_duplicate)
{
    gives(FCOS15 "storage:\n  filesystems:\n    - {device: /dev/a, format: xfs, path: /v, "
                 "with_mount_unit: true}\n    - {device: /dev/b, format: xfs, path: /v, "
                 "with_mount_unit: true}\n",
          NULL, "error /storage/filesystems/1/with_mount_unit 6:64");
}

Test(butane, empty_items_are_dropped)
{
    gives(FCOS15 "passwd:\n  users: [{name: a, groups: [x, null, yes, 1]}, ~]\n", NULL,
          "{\"ignition\":{\"version\":\"3.4.0\"},\"passwd\":{\"users\":[{\"groups\":[\"x\",\"yes\","
          "\"1\"],\"name\":\"a\"}]}}");
    /* Then positions are of the item that stands there. */
    gives(FCOS15 "passwd:\n  users:\n    -\n    - name: a\n      uidd: 1\n", NULL,
          "{\"ignition\":{\"version\":\"3.4.0\"},\"passwd\":{\"users\":[{\"name\":\"a\"}]}}\n"
          "warning /passwd/users/0 5:6");
}

Test(butane, nothing_is_seen_below_an_alias)
{
    gives(FCOS15 "x: &x {path: /a, bad: 1}\nstorage:\n  files: [*x]\n", NULL,
          "{\"ignition\":{\"version\":\"3.4.0\"},\"storage\":{\"files\":[{\"path\":\"/a\"}]}}\n"
          "warning /x 3:1\nwarning /storage/files/0 5:11");
}

/* --- local files */
struct disk_file {
    const char *path, *text;
};

static const struct disk_file disk[] = {
    {"hello", "hello"}, {"keys", "one\r\n\ntwo\n"},      {"unit", "[Service]\n"},
    {"tree/a", "A"},    {"tree/bin/run", "#!/bin/sh\n"},
};

static err_code read_file(void *ctx, struct str path, struct str *ret, struct err *e)
{
    size_t *reads = ctx;
    ++*reads;
    for (size_t i = 0; i < sizeof disk / sizeof disk[0]; i++)
        if (str_is(path, disk[i].path)) {
            *ret = str_c(disk[i].text);
            return ERR_OK;
        }
    return err_set(e, ERR_NOT_FOUND, "there is no such file");
}

static err_code list_tree(void *ctx, struct str path, const struct butane_tree_entry **ret,
                          size_t *ret_n, struct err *e)
{
    static const struct butane_tree_entry entries[] = {
        {STR_INIT("a"), BUTANE_FILE, {NULL, 0}},
        {STR_INIT("bin"), BUTANE_DIRECTORY, {NULL, 0}},
        {STR_INIT("bin/run"), BUTANE_EXECUTABLE, {NULL, 0}},
        {STR_INIT("to"), BUTANE_LINK, STR_INIT("a")},
        {STR_INIT("dev"), BUTANE_OTHER, {NULL, 0}},
    };
    (void)ctx;
    if (!str_starts(path, STR("tree")))
        return err_set(e, ERR_NOT_FOUND, "there is no such directory");
    *ret = entries;
    *ret_n = str_is(path, "tree") ? 4 : 5;
    return ERR_OK;
}

static size_t reads;
static const struct butane_files files = {&reads, read_file, list_tree};
static const struct butane_options with_files = {&files};

Test(butane, local_contents)
{
    contains(FCOS15 "storage:\n  files: [{path: /x, contents: {local: hello}}]\n", &with_files,
             "\"contents\":{\"compression\":\"\",\"source\":\"data:,hello\"}");
    contains(FCOS15 "systemd:\n  units: [{name: a.service, contents_local: unit, dropins: [{name: "
                    "b.conf, contents_local: unit}]}]\n",
             &with_files,
             "[{\"contents\":\"[Service]\\n\",\"dropins\":[{\"contents\":\"[Service]\\n\",\"name\":"
             "\"b.conf\"}],\"name\":\"a.service\"}]");
    contains(FCOS15 "passwd:\n  users: [{name: a, ssh_authorized_keys: [zero], "
                    "ssh_authorized_keys_local: [keys]}]\n",
             &with_files, "\"sshAuthorizedKeys\":[\"zero\",\"one\",\"two\"]");
    gives(FCOS15 "storage:\n  files: [{path: /x, contents: {local: gone}}]\n", &with_files,
          "error /storage/files/0/contents/local 4:40");
    cr_expect_eq(reads, 5);
}

Test(butane, trees)
{
    contains(FCOS15 "storage:\n  trees: [{local: tree, path: /opt/}]\n  files: [{path: /opt/a, "
                    "mode: 0600}]\n",
             &with_files,
             "\"files\":[{\"path\":\"/opt/a\",\"contents\":{\"compression\":\"\",\"source\":"
             "\"data:,A\"},\"mode\":384},{\"path\":\"/opt/bin/run\",\"contents\":{\"compression\":"
             "\"\",\"source\":\"data:,%23!%2Fbin%2Fsh%0A\"},\"mode\":493}],\"links\":[{\"path\":"
             "\"/opt/to\",\"target\":\"a\"}]");
    gives(FCOS15 "storage:\n  trees: [{local: tree}]\n  links: [{path: /a, target: /b}]\n",
          &with_files, "error /storage/trees/0 4:11");
    gives(FCOS15 "storage:\n  trees: [{local: gone}, {local: tree2}]\n", &with_files,
          "error /storage/trees/0 4:11\nerror /storage/trees/1 4:26\nerror /storage/trees/1 4:26\n"
          "error /storage/trees/1 4:26");
}

Test(butane, trees_of_fcos_17_have_owners)
{
    contains(
        FCOS17 "storage:\n  trees: [{local: tree, path: /opt, user: {name: u}, dir_mode: "
               "0700, file_mode: 0400}]\n",
        &with_files,
        "\"directories\":[{\"path\":\"/opt\",\"user\":{\"name\":\"u\"},\"mode\":448},{\"path\":"
        "\"/opt/bin\",\"user\":{\"name\":\"u\"},\"mode\":448}],\"files\":[{\"path\":\"/opt/a\","
        "\"user\":{\"name\":\"u\"},\"contents\":{\"compression\":\"\",\"source\":\"data:,A\"},"
        "\"mode\":256}");
}

Test(butane, embedded_configs_are_checked)
{
#define MERGE FCOS15 "ignition:\n  config:\n    merge:\n      - inline: "
    gives(MERGE "'{'\n", NULL, "error  1:1\nerror /ignition/config/merge/0/inline 6:17");
    gives(MERGE "'[]'\n", NULL, "error  1:1\nerror /ignition/config/merge/0/inline 6:17");
    gives(MERGE "'{}'\n", NULL, "error /ignition/config/merge/0/inline 6:17");
    contains(MERGE "'{\"ignition\":{\"version\":\"3.9.0\"}}'\n", NULL,
             "\nwarning /ignition/config/merge/0/version 6:9");
    gives(MERGE "'{\"ignition\":{\"version\":\"3.4.0\"},\"storage\":{\"files\":[{}]}}'\n", NULL,
          "error /ignition/config/merge/0/inline 6:17");
    contains(MERGE "'{\"ignition\":{\"version\":\"3.4.0\"},\"x\":1}'\n", NULL,
             "\nwarning /ignition/config/merge/0/inline 6:17");
    gives(FCOS15 "ignition:\n  config:\n    replace: {local: hello}\n", &with_files,
          "error  1:1\nerror /ignition/config/replace/local 5:22");
}

/* --- limits */
Test(butane, contents_are_limited)
{
    /* A text of 1 MB, 40 times by alias: small YAML, large Ignition. */
    BUF_LOCAL(text, TEXT_MAX);
    BUF_LOCAL(got, TEXT_MAX);
    buf_add_lit(&text, FCOS15 "x: &x \"");
    for (int i = 0; i < 1000 * 1000; i++)
        buf_add_byte(&text, 'x');
    buf_add_lit(&text, "\"\nstorage:\n  files:\n");
    for (int i = 0; i < 40; i++)
        buf_addf(&text, "    - {path: /%d, contents: {inline: *x}}\n", i);
    cr_expect_eq(translate(buf_str(&text), NULL, &got), ERR_LIMIT);
}

Test(butane, little_memory_is_an_error)
{
    static const char text[] = FCOS15
        "boot_device:\n  layout: x86_64\n  mirror: {devices: [/dev/a, /dev/b]}\ngrub:\n  users: "
        "[{name: a, password_hash: b}]\nstorage:\n  filesystems: [{device: /dev/c, format: xfs, "
        "path: /var/x, with_mount_unit: true}]\n  files: [{path: /x, contents: {inline: a}}]\n";
    int good = 0;
    for (size_t max = 1024; max < 256u << 10; max += 512) {
        ARENA_LOCAL(a, max);
        BUF_LOCAL(out, TEXT_MAX);
        struct findings f;
        struct ignition_version version;
        struct err e = ERR_INIT;
        findings_init(&f, &a);
        err_code c = butane_translate(str_c(text), NULL, &a, &f, &out, &version, &e);
        cr_assert(c == ERR_OK || c == ERR_NOMEM || c == ERR_LIMIT, "%zu: %d %s", max, c, e.msg);
        good += c == ERR_OK;
    }
    cr_expect_gt(good, 0);
}
