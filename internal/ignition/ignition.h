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
#include "base/finding.h"
#include "base/str.h"

struct ignition_version {
    unsigned major, minor, patch;
};

/* Newest stable 3.x that is known. */
#define IGNITION_MINOR_MAX 6

/* Is it served as it is, by its name (.ign or .ignition, in this case)? Others are Butane. */
bool ignition_is_raw(struct str name);

/*
 * Would Ignition take this text? Configs of 3.0.0 to 3.6.0 are checked by all rules of Ignition
 * 2.26; of 2.x it is only looked that they are JSON with such a version. JSON is read more strictly
 * than Ignition does: a key that stands twice in an object and invalid UTF-8 are errors.
 *
 * Adds to f what is wrong, with a JSON pointer where the value is known, and line and column (in
 * bytes) as Ignition's own reports have them: of a scalar its first character, of an array or
 * object the one after its bracket, of an unknown key the key, of a syntax error or a wrong type
 * the character after it, and 0, 0 if the text ends there.
 *
 * ERR_INVALID, ERR_UNSUPPORTED (another version) and ERR_LIMIT if there are errors, and e is the
 * first of them; ERR_NOMEM. Scratch memory comes from a: some twenty times the text for most
 * configs, at most 128 MiB for a text of 2 MiB. The text must stay while it runs.
 */
err_code ignition_validate(struct str text, struct arena *a, struct findings *f,
                           struct ignition_version *ret, struct err *e);

/* The same for who wants the first error only. */
err_code ignition_check(struct str text, struct arena *a, struct ignition_version *ret,
                        struct err *e);

#endif
