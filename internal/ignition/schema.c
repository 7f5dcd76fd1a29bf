#include "ignition/schema.h"

#include "base/always.h"

/* The table is meant to be read as columns, so its words are short here. */
#define STRING      SCHEMA_STRING
#define INT         SCHEMA_INT
#define BOOL        SCHEMA_BOOL
#define STRUCT      SCHEMA_STRUCT
#define STRINGS     SCHEMA_STRINGS
#define STRUCTS     SCHEMA_STRUCTS
#define POINTER     SCHEMA_POINTER
#define OMIT_ZERO   SCHEMA_OMIT_ZERO
#define APPEND      SCHEMA_APPEND
#define SHARED_KEYS SCHEMA_SHARED_KEYS
#define FCOS        SCHEMA_FCOS
#define NOW         SCHEMA_NOW

/* The struct of the rows id_fields. key, other_key: see schema.h. */
#define STRUCT_OF(id, name, key, other_key)                                                        \
    const struct schema_struct schema_##id = {                                                     \
        name, id##_fields, sizeof id##_fields / sizeof id##_fields[0], key, other_key};

/* clang-format off */
/*   JSON, YAML, type, flags, since 3.x, until 3.x, struct */

static const struct schema_field verification_fields[] = {
    {"hash", "hash", STRING, POINTER, 0, NOW, NULL},
};
STRUCT_OF(verification, "Verification", NULL, NULL)

static const struct schema_field ca_reference_fields[] = {
    {"source",       "source",       STRING, 0, 0, 0, NULL},
    {"verification", "verification", STRUCT, 0, 0, 0, &schema_verification},
};
STRUCT_OF(ca_reference, "CaReference", "source", NULL)

static const struct schema_field cex_fields[] = {
    {"enabled", "enabled", BOOL, POINTER, 5, NOW, NULL},
};
STRUCT_OF(cex, "Cex", NULL, NULL)

static const struct schema_field custom_fields[] = {
    {"config",       "config",        STRING, 0,       2, 2, NULL},
    {"needsNetwork", "needs_network", BOOL,   POINTER, 2, 2, NULL},
    {"pin",          "pin",           STRING, 0,       2, 2, NULL},
};
STRUCT_OF(custom, "Custom", NULL, NULL)

static const struct schema_field clevis_custom_fields[] = {
    {"config",       "config",        STRING, POINTER, 3, NOW, NULL},
    {"needsNetwork", "needs_network", BOOL,   POINTER, 3, NOW, NULL},
    {"pin",          "pin",           STRING, POINTER, 3, NOW, NULL},
};
STRUCT_OF(clevis_custom, "ClevisCustom", NULL, NULL)

static const struct schema_field tang_fields[] = {
    {"advertisement", "advertisement", STRING, POINTER,   4, NOW, NULL},
    {"thumbprint",    "thumbprint",    STRING, POINTER,   2, NOW, NULL},
    {"url",           "url",           STRING, OMIT_ZERO, 2, NOW, NULL},
};
STRUCT_OF(tang, "Tang", "url", NULL)

static const struct schema_field clevis_fields[] = {
    {"custom",    "custom",    STRUCT,  POINTER, 2, 2,   &schema_custom},
    {"custom",    "custom",    STRUCT,  0,       3, NOW, &schema_clevis_custom},
    {"tang",      "tang",      STRUCTS, 0,       2, NOW, &schema_tang},
    {"threshold", "threshold", INT,     POINTER, 2, NOW, NULL},
    {"tpm2",      "tpm2",      BOOL,    POINTER, 2, NOW, NULL},
};
STRUCT_OF(clevis, "Clevis", NULL, NULL)

static const struct schema_field config_reference_fields[] = {
    {"source",       "source",       STRING, POINTER, 0, 0, NULL},
    {"verification", "verification", STRUCT, 0,       0, 0, &schema_verification},
};
STRUCT_OF(config_reference, "ConfigReference", "source", NULL)

static const struct schema_field http_header_fields[] = {
    {"name",  "name",  STRING, 0,       1, NOW, NULL},
    {"value", "value", STRING, POINTER, 1, NOW, NULL},
};
STRUCT_OF(http_header, "HTTPHeader", "name", NULL)

static const struct schema_field resource_fields[] = {
    {"compression",  "compression",  STRING,  POINTER, 1, NOW, NULL},
    {"httpHeaders",  "http_headers", STRUCTS, 0,       1, NOW, &schema_http_header},
    {"source",       "source",       STRING,  POINTER, 1, NOW, NULL},
    {NULL,           "inline",       STRING,  POINTER, 1, NOW, NULL},
    {NULL,           "local",        STRING,  POINTER, 1, NOW, NULL},
    {"verification", "verification", STRUCT,  0,       1, NOW, &schema_verification},
};
STRUCT_OF(resource, "Resource", "source", NULL)

static const struct schema_field ignition_config_fields[] = {
    {"merge",   "merge",   STRUCTS, 0, 0, 0,   &schema_config_reference},
    {"merge",   "merge",   STRUCTS, 0, 1, NOW, &schema_resource},
    {"replace", "replace", STRUCT,  0, 0, 0,   &schema_config_reference},
    {"replace", "replace", STRUCT,  0, 1, NOW, &schema_resource},
};
STRUCT_OF(ignition_config, "IgnitionConfig", NULL, NULL)

static const struct schema_field proxy_fields[] = {
    {"httpProxy",  "http_proxy",  STRING,  POINTER, 1, NOW, NULL},
    {"httpsProxy", "https_proxy", STRING,  POINTER, 1, NOW, NULL},
    {"noProxy",    "no_proxy",    STRINGS, 0,       1, NOW, NULL},
};
STRUCT_OF(proxy, "Proxy", NULL, NULL)

static const struct schema_field tls_fields[] = {
    {"certificateAuthorities", "certificate_authorities", STRUCTS, 0, 0, 0,   &schema_ca_reference},
    {"certificateAuthorities", "certificate_authorities", STRUCTS, 0, 1, NOW, &schema_resource},
};
STRUCT_OF(tls, "TLS", NULL, NULL)

static const struct schema_field security_fields[] = {
    {"tls", "tls", STRUCT, 0, 0, NOW, &schema_tls},
};
STRUCT_OF(security, "Security", NULL, NULL)

static const struct schema_field timeouts_fields[] = {
    {"httpResponseHeaders", "http_response_headers", INT, POINTER, 0, NOW, NULL},
    {"httpTotal",           "http_total",            INT, POINTER, 0, NOW, NULL},
};
STRUCT_OF(timeouts, "Timeouts", NULL, NULL)

static const struct schema_field ignition_fields[] = {
    {"config",   "config",   STRUCT, 0, 0, NOW, &schema_ignition_config},
    {"proxy",    "proxy",    STRUCT, 0, 1, NOW, &schema_proxy},
    {"security", "security", STRUCT, 0, 0, NOW, &schema_security},
    {"timeouts", "timeouts", STRUCT, 0, 0, NOW, &schema_timeouts},
    {"version",  NULL,       STRING, 0, 0, NOW, NULL},
};
STRUCT_OF(ignition, "Ignition", NULL, NULL)

static const struct schema_field kernel_arguments_fields[] = {
    {"shouldExist",    "should_exist",     STRINGS, SHARED_KEYS, 3, NOW, NULL},
    {"shouldNotExist", "should_not_exist", STRINGS, SHARED_KEYS, 3, NOW, NULL},
};
STRUCT_OF(kernel_arguments, "KernelArguments", NULL, NULL)

static const struct schema_field passwd_group_fields[] = {
    {"gid",          "gid",           INT,    POINTER, 0, NOW, NULL},
    {"name",         "name",          STRING, 0,       0, NOW, NULL},
    {"passwordHash", "password_hash", STRING, POINTER, 0, NOW, NULL},
    {"shouldExist",  "should_exist",  BOOL,   POINTER, 2, NOW, NULL},
    {"system",       "system",        BOOL,   POINTER, 0, NOW, NULL},
};
STRUCT_OF(passwd_group, "PasswdGroup", "name", NULL)

static const struct schema_field passwd_user_fields[] = {
    {"gecos",             "gecos",                     STRING,  POINTER, 0, NOW, NULL},
    {"groups",            "groups",                    STRINGS, 0,       0, NOW, NULL},
    {"homeDir",           "home_dir",                  STRING,  POINTER, 0, NOW, NULL},
    {"name",              "name",                      STRING,  0,       0, NOW, NULL},
    {"noCreateHome",      "no_create_home",            BOOL,    POINTER, 0, NOW, NULL},
    {"noLogInit",         "no_log_init",               BOOL,    POINTER, 0, NOW, NULL},
    {"noUserGroup",       "no_user_group",             BOOL,    POINTER, 0, NOW, NULL},
    {"passwordHash",      "password_hash",             STRING,  POINTER, 0, NOW, NULL},
    {"primaryGroup",      "primary_group",             STRING,  POINTER, 0, NOW, NULL},
    {"sshAuthorizedKeys", "ssh_authorized_keys",       STRINGS, 0,       0, NOW, NULL},
    {NULL,                "ssh_authorized_keys_local", STRINGS, 0,       4, NOW, NULL},
    {"shell",             "shell",                     STRING,  POINTER, 0, NOW, NULL},
    {"shouldExist",       "should_exist",              BOOL,    POINTER, 2, NOW, NULL},
    {"system",            "system",                    BOOL,    POINTER, 0, NOW, NULL},
    {"uid",               "uid",                       INT,     POINTER, 0, NOW, NULL},
};
STRUCT_OF(passwd_user, "PasswdUser", "name", NULL)

static const struct schema_field passwd_fields[] = {
    {"groups", "groups", STRUCTS, 0, 0, NOW, &schema_passwd_group},
    {"users",  "users",  STRUCTS, 0, 0, NOW, &schema_passwd_user},
};
STRUCT_OF(passwd, "Passwd", NULL, NULL)

static const struct schema_field node_group_fields[] = {
    {"id",   "id",   INT,    POINTER, 0, NOW, NULL},
    {"name", "name", STRING, POINTER, 0, NOW, NULL},
};
STRUCT_OF(node_group, "NodeGroup", NULL, NULL)

static const struct schema_field node_user_fields[] = {
    {"id",   "id",   INT,    POINTER, 0, NOW, NULL},
    {"name", "name", STRING, POINTER, 0, NOW, NULL},
};
STRUCT_OF(node_user, "NodeUser", NULL, NULL)

static const struct schema_field directory_fields[] = {
    {"group",     "group",     STRUCT, 0,       0, NOW, &schema_node_group},
    {"overwrite", "overwrite", BOOL,   POINTER, 0, NOW, NULL},
    {"path",      "path",      STRING, 0,       0, NOW, NULL},
    {"user",      "user",      STRUCT, 0,       0, NOW, &schema_node_user},
    {"mode",      "mode",      INT,    POINTER, 0, NOW, NULL},
};
STRUCT_OF(directory, "Directory", "path", NULL)

static const struct schema_field partition_fields[] = {
    {"guid",               "guid",                 STRING, POINTER,   0, NOW, NULL},
    {"label",              "label",                STRING, POINTER,   0, NOW, NULL},
    {"number",             "number",               INT,    OMIT_ZERO, 0, NOW, NULL},
    {"resize",             "resize",               BOOL,   POINTER,   2, NOW, NULL},
    {"shouldExist",        "should_exist",         BOOL,   POINTER,   0, NOW, NULL},
    {"sizeMiB",            "size_mib",             INT,    POINTER,   0, NOW, NULL},
    {"startMiB",           "start_mib",            INT,    POINTER,   0, NOW, NULL},
    {"typeGuid",           "type_guid",            STRING, POINTER,   0, NOW, NULL},
    {"wipePartitionEntry", "wipe_partition_entry", BOOL,   POINTER,   0, NOW, NULL},
};
STRUCT_OF(partition, "Partition", "number", "label")

static const struct schema_field disk_fields[] = {
    {"device",     "device",     STRING,  0,       0, NOW, NULL},
    {"partitions", "partitions", STRUCTS, 0,       0, NOW, &schema_partition},
    {"wipeTable",  "wipe_table", BOOL,    POINTER, 0, NOW, NULL},
};
STRUCT_OF(disk, "Disk", "device", NULL)

static const struct schema_field file_contents_fields[] = {
    {"compression",  "compression",  STRING, POINTER, 0, 0, NULL},
    {"source",       "source",       STRING, POINTER, 0, 0, NULL},
    {NULL,           "inline",       STRING, POINTER, 0, 0, NULL},
    {"verification", "verification", STRUCT, 0,       0, 0, &schema_verification},
};
STRUCT_OF(file_contents, "FileContents", "source", NULL)

static const struct schema_field file_fields[] = {
    {"group",     "group",     STRUCT,  0,       0, NOW, &schema_node_group},
    {"overwrite", "overwrite", BOOL,    POINTER, 0, NOW, NULL},
    {"path",      "path",      STRING,  0,       0, NOW, NULL},
    {"user",      "user",      STRUCT,  0,       0, NOW, &schema_node_user},
    {"append",    "append",    STRUCTS, APPEND,  0, 0,   &schema_file_contents},
    {"append",    "append",    STRUCTS, APPEND,  1, NOW, &schema_resource},
    {"contents",  "contents",  STRUCT,  0,       0, 0,   &schema_file_contents},
    {"contents",  "contents",  STRUCT,  0,       1, NOW, &schema_resource},
    {"mode",      "mode",      INT,     POINTER, 0, NOW, NULL},
};
STRUCT_OF(file, "File", "path", NULL)

static const struct schema_field filesystem_fields[] = {
    {"device",         "device",          STRING,  0,       0, NOW, NULL},
    {"format",         "format",          STRING,  POINTER, 0, NOW, NULL},
    {"label",          "label",           STRING,  POINTER, 0, NOW, NULL},
    {"mountOptions",   "mount_options",   STRINGS, APPEND,  1, NOW, NULL},
    {"options",        "options",         STRINGS, APPEND,  0, NOW, NULL},
    {"path",           "path",            STRING,  POINTER, 0, NOW, NULL},
    {"uuid",           "uuid",            STRING,  POINTER, 0, NOW, NULL},
    {"wipeFilesystem", "wipe_filesystem", BOOL,    POINTER, 0, NOW, NULL},
    {NULL,             "with_mount_unit", BOOL,    POINTER, 1, NOW, NULL},
};
STRUCT_OF(filesystem, "Filesystem", "device", NULL)

static const struct schema_field link_fields[] = {
    {"group",     "group",     STRUCT, 0,         0, NOW, &schema_node_group},
    {"overwrite", "overwrite", BOOL,   POINTER,   0, NOW, NULL},
    {"path",      "path",      STRING, 0,         0, NOW, NULL},
    {"user",      "user",      STRUCT, 0,         0, NOW, &schema_node_user},
    {"hard",      "hard",      BOOL,   POINTER,   0, NOW, NULL},
    {"target",    "target",    STRING, 0,         0, 2,   NULL},
    {"target",    "target",    STRING, POINTER,   3, NOW, NULL},
};
STRUCT_OF(link, "Link", "path", NULL)

static const struct schema_field luks_fields[] = {
    {"cex",         "cex",          STRUCT,  0,       5, NOW, &schema_cex},
    {"clevis",      "clevis",       STRUCT,  POINTER, 2, 2,   &schema_clevis},
    {"clevis",      "clevis",       STRUCT,  0,       3, NOW, &schema_clevis},
    {"device",      "device",       STRING,  POINTER, 2, NOW, NULL},
    {"discard",     "discard",      BOOL,    POINTER, 4, NOW, NULL},
    {"keyFile",     "key_file",     STRUCT,  0,       2, NOW, &schema_resource},
    {"label",       "label",        STRING,  POINTER, 2, NOW, NULL},
    {"name",        "name",         STRING,  0,       2, NOW, NULL},
    {"openOptions", "open_options", STRINGS, 0,       4, NOW, NULL},
    {"options",     "options",      STRINGS, APPEND,  2, NOW, NULL},
    {"uuid",        "uuid",         STRING,  POINTER, 2, NOW, NULL},
    {"wipeVolume",  "wipe_volume",  BOOL,    POINTER, 2, NOW, NULL},
};
STRUCT_OF(luks, "Luks", "name", NULL)

static const struct schema_field raid_fields[] = {
    {"devices", "devices", STRINGS, 0,         0, NOW, NULL},
    {"level",   "level",   STRING,  0,         0, 2,   NULL},
    {"level",   "level",   STRING,  POINTER,   3, NOW, NULL},
    {"name",    "name",    STRING,  0,         0, NOW, NULL},
    {"options", "options", STRINGS, APPEND,    0, NOW, NULL},
    {"spares",  "spares",  INT,     POINTER,   0, NOW, NULL},
};
STRUCT_OF(raid, "Raid", "name", NULL)

static const struct schema_field tree_fields[] = {
    {NULL, "group",     STRUCT, 0,       6, NOW, &schema_node_group},
    {NULL, "local",     STRING, 0,       1, NOW, NULL},
    {NULL, "path",      STRING, POINTER, 1, NOW, NULL},
    {NULL, "user",      STRUCT, 0,       6, NOW, &schema_node_user},
    {NULL, "file_mode", INT,    POINTER, 6, NOW, NULL},
    {NULL, "dir_mode",  INT,    POINTER, 6, NOW, NULL},
};
STRUCT_OF(tree, "Tree", NULL, NULL)

static const struct schema_field storage_fields[] = {
    {"directories", "directories", STRUCTS, SHARED_KEYS, 0, NOW, &schema_directory},
    {"disks",       "disks",       STRUCTS, 0,           0, NOW, &schema_disk},
    {"files",       "files",       STRUCTS, SHARED_KEYS, 0, NOW, &schema_file},
    {"filesystems", "filesystems", STRUCTS, 0,           0, NOW, &schema_filesystem},
    {"links",       "links",       STRUCTS, SHARED_KEYS, 0, NOW, &schema_link},
    {"luks",        "luks",        STRUCTS, 0,           2, NOW, &schema_luks},
    {"raid",        "raid",        STRUCTS, 0,           0, NOW, &schema_raid},
    {NULL,          "trees",       STRUCTS, 0,           1, NOW, &schema_tree},
};
STRUCT_OF(storage, "Storage", NULL, NULL)

static const struct schema_field dropin_fields[] = {
    {"contents", "contents",       STRING, POINTER, 0, NOW, NULL},
    {NULL,       "contents_local", STRING, POINTER, 4, NOW, NULL},
    {"name",     "name",           STRING, 0,       0, NOW, NULL},
};
STRUCT_OF(dropin, "Dropin", "name", NULL)

static const struct schema_field unit_fields[] = {
    {"contents", "contents",       STRING,  POINTER, 0, NOW, NULL},
    {NULL,       "contents_local", STRING,  POINTER, 4, NOW, NULL},
    {"dropins",  "dropins",        STRUCTS, 0,       0, NOW, &schema_dropin},
    {"enabled",  "enabled",        BOOL,    POINTER, 0, NOW, NULL},
    {"mask",     "mask",           BOOL,    POINTER, 0, NOW, NULL},
    {"name",     "name",           STRING,  0,       0, NOW, NULL},
};
STRUCT_OF(unit, "Unit", "name", NULL)

static const struct schema_field systemd_fields[] = {
    {"units", "units", STRUCTS, 0, 0, NOW, &schema_unit},
};
STRUCT_OF(systemd, "Systemd", NULL, NULL)

/* --- what only Fedora CoreOS has: Butane makes disks, files and volumes of it */
static const struct schema_field boot_device_luks_fields[] = {
    {NULL, "cex",       STRUCT,  FCOS,           5, NOW, &schema_cex},
    {NULL, "device",    STRING,  FCOS | POINTER, 5, NOW, NULL},
    {NULL, "discard",   BOOL,    FCOS | POINTER, 4, NOW, NULL},
    {NULL, "tang",      STRUCTS, FCOS,           2, NOW, &schema_tang},
    {NULL, "threshold", INT,     FCOS | POINTER, 2, NOW, NULL},
    {NULL, "tpm2",      BOOL,    FCOS | POINTER, 2, NOW, NULL},
};
STRUCT_OF(boot_device_luks, "BootDeviceLuks", NULL, NULL)

static const struct schema_field boot_device_mirror_fields[] = {
    {NULL, "devices", STRINGS, FCOS, 2, NOW, NULL},
};
STRUCT_OF(boot_device_mirror, "BootDeviceMirror", NULL, NULL)

static const struct schema_field boot_device_fields[] = {
    {NULL, "layout", STRING, FCOS | POINTER, 2, NOW, NULL},
    {NULL, "luks",   STRUCT, FCOS,           2, NOW, &schema_boot_device_luks},
    {NULL, "mirror", STRUCT, FCOS,           2, NOW, &schema_boot_device_mirror},
};
STRUCT_OF(boot_device, "BootDevice", NULL, NULL)

static const struct schema_field grub_user_fields[] = {
    {NULL, "name",          STRING, FCOS,           4, NOW, NULL},
    {NULL, "password_hash", STRING, FCOS | POINTER, 4, NOW, NULL},
};
STRUCT_OF(grub_user, "GrubUser", "name", NULL)

static const struct schema_field grub_fields[] = {
    {NULL, "users", STRUCTS, FCOS, 4, NOW, &schema_grub_user},
};
STRUCT_OF(grub, "Grub", NULL, NULL)

/* --- the whole config */

static const struct schema_field config_fields[] = {
    {NULL,              "version",          STRING, 0,    0, NOW, NULL},
    {NULL,              "variant",          STRING, 0,    0, NOW, NULL},
    {NULL,              "boot_device",      STRUCT, FCOS, 2, NOW, &schema_boot_device},
    {NULL,              "grub",             STRUCT, FCOS, 4, NOW, &schema_grub},
    {"ignition",        "ignition",         STRUCT, 0,    0, NOW, &schema_ignition},
    {"kernelArguments", "kernel_arguments", STRUCT, 0,    3, NOW, &schema_kernel_arguments},
    {"passwd",          "passwd",           STRUCT, 0,    0, NOW, &schema_passwd},
    {"storage",         "storage",          STRUCT, 0,    0, NOW, &schema_storage},
    {"systemd",         "systemd",          STRUCT, 0,    0, NOW, &schema_systemd},
};
STRUCT_OF(config, "Config", NULL, NULL)

/* clang-format on */

bool schema_has(const struct schema_field *f, enum schema_language l, unsigned minor)
{
    if (!schema_name(f, l) || minor < f->since || minor > f->until)
        return false;
    return !(f->flags & SCHEMA_FCOS) || l == SCHEMA_BUTANE_FCOS;
}

const struct schema_field *schema_find(const struct schema_struct *s, enum schema_language l,
                                       unsigned minor, struct str name, bool *exact)
{
    const struct schema_field *folded = NULL;
    for (size_t i = 0; i < s->n; i++) {
        const struct schema_field *f = &s->fields[i];
        if (!schema_has(f, l, minor))
            continue;
        struct str have = str_c(schema_name(f, l));
        if (str_eq(have, name)) {
            if (exact)
                *exact = true;
            return f;
        }
        if (l == SCHEMA_IGNITION && str_ieq(have, name))
            folded = f;
    }
    if (exact)
        *exact = false;
    return folded;
}

const struct schema_field *schema_field_of(const struct schema_struct *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct schema_field *f = &s->fields[i];
        if (strcmp(f->json ? f->json : f->yaml, name) == 0)
            return f;
    }
    always(false);
    return NULL;
}
