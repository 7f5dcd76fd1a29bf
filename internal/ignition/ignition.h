/*
 * ignition.h - Ignition configs: what may be served as one.
 *
 * A machine that gets an empty or unparseable config looks fine and is nothing, so nothing is
 * served as an Ignition config that was not seen to be one. Pure; values. Source:
 * https://coreos.github.io/ignition/specs/.
 */
#ifndef IGNITION_IGNITION_H
#define IGNITION_IGNITION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct ignition_version {
    unsigned major, minor, patch;
};

/* Newest stable 3.x that is known. */
#define IGNITION_MINOR_MAX 6

/* Is it served as it is, by its name (.ign or .ignition, in this case)? Others are Butane. */
bool ignition_is_raw(struct str name);

/*
 * Is the text a JSON object with an ignition.version that is 2.x.y or 3.0.0 to 3.6.0? 2.x is not
 * looked at further. Scratch memory comes from a. ERR_INVALID with line and column or JSON pointer,
 * ERR_UNSUPPORTED for another version, ERR_LIMIT, ERR_NOMEM.
 */
err_code ignition_check(struct str text, struct arena *a, struct ignition_version *ret,
                        struct err *e);

#endif
