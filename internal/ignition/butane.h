/*
 * butane.h - from a Butane config (YAML that people write) to an Ignition config.
 *
 * Translated are fcos 1.0 to 1.7, flatcar 1.0 and 1.1, r4e 1.0 and 1.1 and fiot 1.0, each to the
 * Ignition specification that the butane program makes of it (3.0.0 to 3.6.0), with the same
 * findings at the same places. Pure; nothing is kept. Source:
 * https://coreos.github.io/butane/specs/ and the behaviour of butane 0.29.
 */
#ifndef IGNITION_BUTANE_H
#define IGNITION_BUTANE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/finding.h"
#include "ignition/ignition.h"

/* Bytes of a config, and bytes of all contents that it turns into data URLs. */
#define BUTANE_MAX_TEXT     (16u << 20)
#define BUTANE_MAX_CONTENTS (32u << 20)

enum butane_file_kind {
    BUTANE_FILE,
    BUTANE_EXECUTABLE, /* a file that anybody may execute */
    BUTANE_DIRECTORY,
    BUTANE_LINK,
    BUTANE_OTHER, /* a device, a socket: an error where a tree has one */
};

/* Something below the root of a tree. path is relative to the root of the tree. */
struct butane_tree_entry {
    struct str path;
    enum butane_file_kind kind;
    struct str target; /* of a link */
};

/*
 * Where `local`, `contents_local`, `ssh_authorized_keys_local` and `trees` are read from. Paths are
 * as the config has them, relative to the files directory; who reads must refuse what leads out of
 * it. What the calls return must stay until butane_translate returns. Both are called on the
 * caller's thread. Errors are reported where the config names the file.
 */
struct butane_files {
    void *ctx;
    err_code (*read_file)(void *ctx, struct str path, struct str *ret, struct err *e);
    /* Everything below the directory: by name in byte order, a directory before what is in it. */
    err_code (*list_tree)(void *ctx, struct str path, const struct butane_tree_entry **ret,
                          size_t *ret_n, struct err *e);
};

struct butane_options {
    const struct butane_files *files; /* NULL: naming a local file is an error, as in butane */
};

/*
 * Appends the Ignition config to out, as compact JSON without a newline, and says its version. o
 * may be NULL. Everything made lives in a until the caller frees it; scratch memory comes from it
 * too. Findings have a JSON pointer into the YAML, line and column.
 *
 * ERR_INVALID: bad YAML (e has the place), or the findings have errors (e says how many);
 * ERR_UNSUPPORTED: a variant or version that is not translated; ERR_LIMIT; ERR_NOMEM.
 */
err_code butane_translate(struct str text, const struct butane_options *o, struct arena *a,
                          struct findings *f, struct buf *out, struct ignition_version *ret,
                          struct err *e);

#endif
