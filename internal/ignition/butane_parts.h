/*
 * butane_parts.h - what the files of the Butane translator share.
 *
 * A translation reads the YAML into records (record.h), checks them, and then changes them in place
 * until they are an Ignition config; fields that only Butane has are dropped last. What is
 * generated (mount units, the boot device) is made as a config of its own, the parent, into which
 * the user's config is merged.
 *
 * Memory comes from the arena of the translation. A function that could not get it sets
 * butane.failed and gives NULL or does nothing; the functions here take that NULL and do nothing
 * with it, so only the pipeline looks at it.
 */
#ifndef IGNITION_BUTANE_PARTS_H
#define IGNITION_BUTANE_PARTS_H

#include <zlib.h>

#include "ignition/butane.h"
#include "ignition/record.h"
#include "value/yaml.h"

/* Fields of Ignition that a variant refuses. */
enum butane_refused {
    BUTANE_REFUSES_NOTHING,
    BUTANE_REFUSES_CLEVIS,  /* Flatcar */
    BUTANE_REFUSES_STORAGE, /* RHEL for Edge, Fedora IoT: disks, and kernel arguments */
};

struct butane_spec {
    const char *variant;
    const char *version;
    uint8_t minor;    /* of Ignition 3; Butane's base is 0.(minor + 1) */
    uint8_t language; /* enum schema_language */
    uint8_t refused;  /* enum butane_refused */
    bool fcos;
};

struct butane {
    struct arena *a;
    struct findings *f;
    const struct butane_files *files;
    const struct butane_spec *spec;
    size_t contents; /* bytes that became data URLs so far */
    z_stream gzip;
    bool gzip_ready;
    err_code failed; /* ERR_NOMEM, ERR_LIMIT */
};

/* --- butane_build.c: records, lists and findings */
__attribute__((format(printf, 3, 4))) void butane_error(struct butane *b, const struct place *p,
                                                        const char *fmt, ...);
__attribute__((format(printf, 3, 4))) void butane_warn(struct butane *b, const struct place *p,
                                                       const char *fmt, ...);
/* The place of a field: its own, or below the record's if it was not written. NULL is the root. */
const struct place *butane_place(struct butane *b, const struct record *r, const char *name);

/* A formatted text in the arena. */
__attribute__((format(printf, 2, 3))) struct str butane_text(struct butane *b, const char *fmt,
                                                             ...);

struct record *butane_record(struct butane *b, const struct schema_struct *type,
                             const struct place *p);
/* The record in a field, which is made there if it is not given. */
struct record *butane_sub(struct butane *b, struct record *r, const char *name,
                          const struct schema_struct *type, const struct place *p);
void butane_set_text(struct butane *b, struct record *r, const char *name, struct str s,
                     const struct place *p);
void butane_set_number(struct butane *b, struct record *r, const char *name, int64_t n,
                       const struct place *p);
void butane_set_truth(struct butane *b, struct record *r, const char *name, bool t,
                      const struct place *p);
void butane_set_record(struct butane *b, struct record *r, const char *name, struct record *sub,
                       const struct place *p);
/* Copies a field of another record, if it is given there. */
void butane_copy(struct butane *b, struct record *r, const char *name, const struct record *from);

/* A list that grows. */
struct butane_list {
    struct datum *items;
    size_t n, cap;
};
void butane_push(struct butane *b, struct butane_list *l, struct datum x);
void butane_push_text(struct butane *b, struct butane_list *l, struct str s, const struct place *p);
void butane_push_record(struct butane *b, struct butane_list *l, struct record *r);
void butane_push_all(struct butane *b, struct butane_list *l, const struct datum_list *from);
/* Nothing is set for an empty list. */
void butane_set_list(struct butane *b, struct record *r, const char *name,
                     const struct butane_list *l, const struct place *p);

/* --- butane_decode.c: YAML to records; a wrong type is an error, an unused key a warning */
err_code butane_decode(struct butane *b, const struct yaml_node *root, struct record **ret,
                       struct err *e);

/* --- butane_check.c: what is wrong with a config before it is translated */
void butane_check(struct butane *b, const struct record *config);

/* --- butane_embedded.c: Ignition configs in ignition.config */
/* Is it one of the resources there? */
bool butane_holds_config(const struct record *resource);
/* Checks the text of such a resource; at is the place of the text. */
void butane_check_embedded(struct butane *b, struct str text, const struct record *resource,
                           const struct place *at);

/* --- butane_result.c: what is wrong with it afterwards, beside the rules of Ignition */
void butane_check_partitions(struct butane *b, const struct record *config);
void butane_check_refused(struct butane *b, const struct record *config);
/* The fields that only Butane has are then no longer given. */
void butane_drop_sugar(struct record *config);

/* --- butane_resource.c: inline and local contents become data URLs; local units and keys */
void butane_resources(struct butane *b, struct record *config);
/* Sets source and, unless one is given, compression. */
void butane_set_contents(struct butane *b, struct record *resource, struct str contents,
                         const struct place *p);
/* False with a finding at p if there are no files, or the file cannot be read. */
bool butane_read_file(struct butane *b, struct str path, const struct place *p, struct str *ret);
bool butane_have_files(struct butane *b, const struct place *p);
void butane_resources_end(struct butane *b);

/* --- butane_units.c, butane_trees.c, butane_boot.c: what is generated; the config with it */
struct record *butane_mount_units(struct butane *b, struct record *config);
void butane_trees(struct butane *b, struct record *config);
struct record *butane_boot_device(struct butane *b, struct record *config);
struct record *butane_grub(struct butane *b, struct record *config);

/* --- butane_merge.c: Ignition's merge; the child wins */
struct record *butane_merge(struct butane *b, struct record *parent, struct record *child);

/* --- butane_encode.c: the Ignition config, as compact JSON */
void butane_encode(const struct record *config, unsigned minor, struct buf *dst);

#endif
