/*
 * rules.h - what must hold in an Ignition config beyond the types of its fields.
 *
 * The rules of Ignition 2.26, for configs of 3.0 to 3.6. They see records, so they hold for configs
 * that were read from JSON and for those that were made of Butane; findings are where the author
 * wrote the value, or the thing that it was made of.
 */
#ifndef IGNITION_RULES_H
#define IGNITION_RULES_H

#include "ignition/record.h"

/*
 * Adds what is wrong to f. names says in which language fields that were not given are named.
 * Scratch memory and places come from a. ERR_NOMEM; findings are no error.
 */
err_code rules_check(const struct record *config, unsigned minor, enum schema_language names,
                     struct arena *a, struct findings *f, struct err *e);

/* --- what the files of the rules share */

struct rules {
    struct arena *a;
    struct findings *f;
    unsigned minor; /* of the config's version 3.x.0 */
    enum schema_language names;
    bool out_of_memory; /* something could not be checked */
};

void rules_error(struct rules *r, const struct place *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rules_warn(struct rules *r, const struct place *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Where the field is; if it was not given, where its struct is, under the field's name. */
const struct place *rules_at(struct rules *r, const struct record *x, const char *field);
/* Reports at the field, if there is something wrong (NULL: there is not). */
void rules_error_if(struct rules *r, const struct record *x, const char *field, const char *wrong);

/* rules_fetch.c */
void rule_ca_reference(struct rules *r, const struct record *x);
void rule_config_reference(struct rules *r, const struct record *x);
void rule_http_header(struct rules *r, const struct record *x);
void rule_ignition_config(struct rules *r, const struct record *x);
void rule_proxy(struct rules *r, const struct record *x);
void rule_resource(struct rules *r, const struct record *x);
void rule_tls(struct rules *r, const struct record *x);
void rule_verification(struct rules *r, const struct record *x);
/* rules_disks.c */
void rule_disk(struct rules *r, const struct record *x);
void rule_filesystem(struct rules *r, const struct record *x);
void rule_partition(struct rules *r, const struct record *x);
void rule_raid(struct rules *r, const struct record *x);
/* rules_luks.c */
void rule_clevis_custom(struct rules *r, const struct record *x);
void rule_luks(struct rules *r, const struct record *x);
void rule_tang(struct rules *r, const struct record *x);
/* rules_nodes.c */
void rule_config(struct rules *r, const struct record *x);
void rule_directory(struct rules *r, const struct record *x);
void rule_file(struct rules *r, const struct record *x);
void rule_link(struct rules *r, const struct record *x);
void rule_node_owner(struct rules *r, const struct record *x);
void rule_storage(struct rules *r, const struct record *x);
/* rules_systemd.c */
void rule_dropin(struct rules *r, const struct record *x);
void rule_systemd(struct rules *r, const struct record *x);
void rule_unit(struct rules *r, const struct record *x);

#endif
