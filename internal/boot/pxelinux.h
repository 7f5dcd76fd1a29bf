/*
 * pxelinux.h - what PXELINUX asks for, as labels.
 *
 * It looks for its configuration under names that say who it is, the next one after each 404:
 * pxelinux.cfg/UUID, pxelinux.cfg/01-MAC, the IPv4 address in hexadecimal and then its beginnings
 * (0A00020F, 0A00020, ..., 0), pxelinux.cfg/default. They are below any prefix that DHCP's option
 * 210 gives. A name is answered only when a group selects on what it says, so that the next one is
 * asked for; `default` is answered as a request without labels is.
 *
 * PXELINUX writes the first three fields of the UUID in the order of the bytes in memory, other
 * loaders as numbers, so both readings are looked for.
 * Source: https://wiki.syslinux.org/wiki/index.php?title=PXELINUX.
 */
#ifndef BOOT_PXELINUX_H
#define BOOT_PXELINUX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct pxelinux_ask {
    struct str selects;   /* the label that the name says; absent for `default` */
    struct str raw_query; /* that label and those of the query */
    struct str otherwise; /* the same with the other reading; absent if there is one only */
};

/* Is the raw path one of PXELINUX's configurations? ret_name is what follows pxelinux.cfg/. */
bool pxelinux_is(struct str raw_path, struct str *ret_name);
/* ERR_NOT_FOUND: no name that PXELINUX would make; ERR_NOMEM. Texts live in a. */
err_code pxelinux_read(struct arena *a, struct str name, struct str raw_query,
                       struct pxelinux_ask *ret, struct err *e);

#endif
