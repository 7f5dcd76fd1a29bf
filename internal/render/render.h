/*
 * render.h - (group, profile, template, request) to a document.
 *
 * The data that a template sees is matchbox's: the group's metadata, over it the selector under
 * lower-cased keys, over both `request` = {query, raw_query}. Boot scripts (iPXE, GRUB, PXELINUX)
 * also see `boot` = {kernel, initrd, args, title} of the profile, as their loader needs it; the
 * built-in ones, in templates/, use nothing else. Every document is checked for what it is before
 * anyone gets it: an Ignition config is one, a cloud-config parses. Pure; what is made here is
 * immutable and shared freely.
 */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/finding.h"
#include "ignition/butane.h"
#include "model/model.h"
#include "tmpl/tmpl.h"
#include "value/value.h"

/* A document's largest size in bytes. */
#define RENDER_OUTPUT_MAX (8u << 20)

/* What asks: a kind of template, or the labels themselves as shell variables. */
enum render_document {
    RENDER_IPXE,
    RENDER_GRUB,
    RENDER_PXELINUX,
    RENDER_IGNITION,
    RENDER_CLOUD,
    RENDER_GENERIC,
    RENDER_METADATA, /* needs no profile and no template */
    /* What cloud-init asks of a NoCloud seed. */
    RENDER_USER_DATA,      /* the template of RENDER_CLOUD, and more kinds of text */
    RENDER_META_DATA,      /* without a template: made from group and labels */
    RENDER_NETWORK_CONFIG, /* without a template: empty */
    RENDER_VENDOR_DATA,    /* without a template: empty */
};
#define RENDER_DOCUMENTS 11

/* "ipxe", "metadata", …, as in the paths; "user-data", …, as in a seed. */
const char *render_name(enum render_document d);
bool render_from_name(struct str name, enum render_document *ret);
/* What marked values may be in a template of that kind with this source: see tmpl.h. */
enum tmpl_context render_context(enum model_kind kind, struct str source);
/* The kind of its template; not for RENDER_METADATA. */
enum model_kind render_kind(enum render_document d);
const char *render_content_type(enum render_document d);

/* --- templates ------------------------------------------------------------------------------- */

struct render_template;

/*
 * Checks and compiles a template of that kind; name and source are copied. A raw Ignition config is
 * validated instead. ERR_INVALID with line and column, and the template's name as the file;
 * ERR_UNSUPPORTED (Butane); ERR_LIMIT; ERR_NOMEM.
 */
err_code render_template_make(enum model_kind kind, struct str name, struct str source,
                              struct render_template **ret, struct err *e);
void render_template_free(struct render_template *t);
struct str render_template_source(const struct render_template *t);

/* The built-in boot scripts, made once; each may be used wherever a template of its kind may. */
struct render_builtins {
    struct render_template *ipxe, *grub, *grub_matchbox, *pxelinux;
};
/* The one for a boot script: GRUB's is matchbox's, to the byte, when there is no base. */
struct render_client;
const struct render_template *render_builtin(const struct render_builtins *b,
                                             enum render_document d,
                                             const struct render_client *client);
err_code render_builtins_make(struct render_builtins *ret, struct err *e);
void render_builtins_free(struct render_builtins *b);

/* What a document made from a template can differ by. */
enum render_scope {
    RENDER_PER_PROFILE, /* the same for every group that uses the profile */
    RENDER_PER_GROUP,
    RENDER_PER_REQUEST,
};
enum render_scope render_scope(enum render_document d, const struct render_template *t);

/*
 * Warnings about a cloud-config: keys that cloud-init does not know, common ones of a wrong type.
 * Nothing for other kinds of user-data, or what does not parse. Scratch memory comes from a.
 */
void render_cloud_warnings(struct str text, struct arena *a, struct findings *f);

/* --- data ------------------------------------------------------------------------------------ */

/*
 * The group's part of the data: metadata and selector, with the place where `request` goes. Lives
 * in a and refers to g's texts.
 */
err_code render_group_data(struct arena *a, const struct model_group *g, struct value *ret,
                           struct err *e);
/* Who asks for a boot script, as far as the script differs by it. */
struct render_client {
    struct str base; /* "http://192.0.2.1:8080", where paths begin; absent: paths stay paths, and
                        GRUB gets what matchbox would give it. iPXE needs none. No '/' at its end */
    struct str arch; /* normalised; absent: not known */
    bool verify;     /* it asks for a script that checks signatures, as a profile can too */
};
/* Is it a script that a profile's `boot` is made into? */
bool render_is_boot_script(enum render_document d);
/*
 * The profile's `boot` for such a script; refers to p's texts. Nil when the profile has none.
 * ERR_INVALID: it has what the loader would misunderstand.
 */
err_code render_boot_data(struct arena *a, const struct model_profile *p, enum render_document d,
                          const struct render_client *client, struct value *ret, struct err *e);
/*
 * For iPXE, when it is to verify: `.boot.verify`, with `kernel` and a list `initrd` of what is
 * loaded, each with its name, command (the options and the URI), uri, and the signature's URI,
 * which is the file's with ".cms" at the end of its path.
 */
err_code render_verify_data(struct arena *a, const struct model_boot *b, struct value *ret,
                            struct err *e);
/* There is no kernel for this client in p. */
bool render_boots_nothing(const struct model_profile *p, enum render_document d,
                          const struct render_client *client);
/* Of two clients with the same number the scripts of p are the same. */
uint64_t render_boot_variant(const struct model_profile *p, enum render_document d,
                             const struct render_client *client);
/* `request`, marked as coming from the network; refers to the labels' texts. */
err_code render_request_data(struct arena *a, const struct labels *labels, struct str raw_query,
                             struct value *ret, struct err *e);

/* --- documents ------------------------------------------------------------------------------- */

struct render_input {
    enum render_document document;
    const struct render_template *tmpl; /* NULL for RENDER_METADATA */
    const struct value *group;          /* of render_group_data */
    const struct value *boot;           /* of render_boot_data; NULL or nil when there is none */
    const struct value *request;        /* of render_request_data; NULL only when the scope is not
                                           RENDER_PER_REQUEST */
    bool trust_request;                 /* print what comes with the request as it is */
    const struct butane_files *files;   /* what Butane's `local` reads; NULL: nothing */
    struct findings *findings;          /* gets all that Butane finds, warnings too; may be NULL */
};

/*
 * Appends the document to out: what the template gives, for Butane its translation. Scratch memory
 * comes from a. On failure out holds nothing usable. ERR_RENDER or ERR_INVALID with template, line
 * and column, and never a value; ERR_LIMIT; ERR_NOMEM.
 */
err_code render(const struct render_input *in, struct arena *a, struct buf *out, struct err *e);

/*
 * The meta-data of a machine whose profile names no template for it: `instance-id` and
 * `local-hostname`, the first from metadata (instance-id, instance_id) or the labels uuid, mac,
 * serial, else the group's id; the second from metadata (local-hostname, local_hostname, hostname)
 * or the label hostname, if it can be the name of a host (RFC 1123). YAML.
 */
err_code render_meta_data(const struct value *group, struct str group_id,
                          const struct labels *labels, struct buf *out, struct err *e);

/*
 * Metadata as NAME=value lines, sorted: names are the keys from the top joined by '_' in upper
 * case; null and lists are left out. A value with a control character (or U+2028 or U+2029, which
 * end lines too), or that is not UTF-8, is written in double quotes with C escapes, so that one
 * value is one line. Names are escaped likewise, and the "=" in a key that came with the request.
 */
err_code render_metadata(const struct value *group, const struct value *request, struct arena *a,
                         struct buf *out, struct err *e);

#endif
