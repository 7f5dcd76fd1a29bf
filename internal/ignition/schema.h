/*
 * schema.h - the one table of what an Ignition config and a Butane config may hold.
 *
 * Every struct and every field of the Ignition specifications 3.0 to 3.6 and of the Butane
 * specifications that become them: its name in either language, its type, the versions that have
 * it. Reading JSON, reading Butane, finding unused keys and duplicates, merging and writing JSON
 * all go by it, so a new version of the specification is new rows (and IGNITION_MINOR_MAX).
 *
 * Rows are in the order in which Ignition writes a config. A field whose type changed has a row for
 * each type, one after the other, with versions that do not overlap.
 *
 * Constant data; shared freely. Sources: https://coreos.github.io/ignition/specs/ and
 * https://coreos.github.io/butane/specs/.
 */
#ifndef IGNITION_SCHEMA_H
#define IGNITION_SCHEMA_H

#include "base/str.h"

enum schema_type {
    SCHEMA_STRING,
    SCHEMA_INT, /* 64 bits, signed */
    SCHEMA_BOOL,
    SCHEMA_STRUCT,  /* its fields are in sub */
    SCHEMA_STRINGS, /* a list of strings */
    SCHEMA_STRUCTS, /* a list of sub */
};

enum schema_flags {
    /* "Not given" differs from the zero value: it is not written, and when configs are merged the
     * child's value wins only if it was given. A merge takes a child's plain value if it is not
     * zero. */
    SCHEMA_POINTER = 1,
    /* A plain value that is not written when it is zero. A plain string or number without this flag
     * is always written; lists are not written when empty. */
    SCHEMA_OMIT_ZERO = 2,
    /* A merge puts the child's items behind the parent's; items of this list may be equal. Of other
     * lists the items have keys (schema_struct.key; a string is its own key), equal keys are an
     * error, and a merge joins what has the same key. */
    SCHEMA_APPEND = 4,
    /* The keys of this list and of the other lists of the same struct with this flag are one set:
     * no path may be a file and a link. */
    SCHEMA_SHARED_KEYS = 8,
    /* Only in variant fcos, from specification 1.3 on. */
    SCHEMA_FCOS = 16,
};

struct schema_struct;

struct schema_field {
    const char *json; /* name in an Ignition config; NULL: only Butane has it */
    const char *yaml; /* name in a Butane config; NULL: only Ignition has it */
    uint8_t type;     /* enum schema_type */
    uint8_t flags;    /* enum schema_flags */
    /* First and last Ignition 3.x with it. Butane's base 0.(x+1) becomes Ignition 3.x, so the same
     * numbers say which Butane bases have it. */
    uint8_t since, until;
    const struct schema_struct *sub; /* SCHEMA_STRUCT, SCHEMA_STRUCTS */
};

/* schema_field.until of what the newest version has. */
#define SCHEMA_NOW 255

struct schema_struct {
    const char *name; /* as in Ignition's source */
    const struct schema_field *fields;
    uint8_t n;
    /* JSON name of the field that tells list items apart; NULL: such items are never in a list. */
    const char *key;
    /* The key if that field is zero (a partition's label), or NULL. */
    const char *other_key;
};

/* The two languages, and what may be in a config of one. */
enum schema_language {
    SCHEMA_IGNITION,
    SCHEMA_BUTANE,      /* flatcar, r4e, fiot, and fcos 1.0 to 1.2 */
    SCHEMA_BUTANE_FCOS, /* fcos from 1.3 on */
};

/* A whole config, and the parts of it, outer ones first. */
extern const struct schema_struct schema_config;
extern const struct schema_struct schema_grub;
extern const struct schema_struct schema_grub_user;
extern const struct schema_struct schema_boot_device;
extern const struct schema_struct schema_boot_device_mirror;
extern const struct schema_struct schema_boot_device_luks;
extern const struct schema_struct schema_systemd;
extern const struct schema_struct schema_unit;
extern const struct schema_struct schema_dropin;
extern const struct schema_struct schema_storage;
extern const struct schema_struct schema_tree;
extern const struct schema_struct schema_raid;
extern const struct schema_struct schema_luks;
extern const struct schema_struct schema_link;
extern const struct schema_struct schema_filesystem;
extern const struct schema_struct schema_file;
extern const struct schema_struct schema_file_contents;
extern const struct schema_struct schema_disk;
extern const struct schema_struct schema_partition;
extern const struct schema_struct schema_directory;
extern const struct schema_struct schema_node_user;
extern const struct schema_struct schema_node_group;
extern const struct schema_struct schema_passwd;
extern const struct schema_struct schema_passwd_user;
extern const struct schema_struct schema_passwd_group;
extern const struct schema_struct schema_kernel_arguments;
extern const struct schema_struct schema_ignition;
extern const struct schema_struct schema_timeouts;
extern const struct schema_struct schema_security;
extern const struct schema_struct schema_tls;
extern const struct schema_struct schema_proxy;
extern const struct schema_struct schema_ignition_config;
extern const struct schema_struct schema_resource;
extern const struct schema_struct schema_http_header;
extern const struct schema_struct schema_config_reference;
extern const struct schema_struct schema_clevis;
extern const struct schema_struct schema_tang;
extern const struct schema_struct schema_clevis_custom;
extern const struct schema_struct schema_custom;
extern const struct schema_struct schema_cex;
extern const struct schema_struct schema_ca_reference;
extern const struct schema_struct schema_verification;

/* Does the field exist in that language and minor version of Ignition 3? */
bool schema_has(const struct schema_field *f, enum schema_language l, unsigned minor);

/* The name in that language, or NULL. */
static inline const char *schema_name(const struct schema_field *f, enum schema_language l)
{
    return l == SCHEMA_IGNITION ? f->json : f->yaml;
}

/*
 * The field of that name, or NULL. In an Ignition config a name in other case is found too, if none
 * is spelt exactly so, as Go's encoding/json does; *exact (may be NULL) says which it was.
 */
const struct schema_field *schema_find(const struct schema_struct *s, enum schema_language l,
                                       unsigned minor, struct str name, bool *exact);

/* The field of that JSON name (YAML name, if it has none) in any version; it must exist. */
const struct schema_field *schema_field_of(const struct schema_struct *s, const char *name);

#endif
