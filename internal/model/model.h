/*
 * model.h - the shape of what a user defines: labels, groups, profiles, templates' kinds and names.
 *
 * Reads matchbox's JSON into structs and back, normalises labels, and says everything that is wrong
 * with a resource. It knows nothing of other resources: whether a profile that a group names exists
 * is asked by `service`. Pure: what it returns lives in the arena it was given and never changes.
 * Thread rule: values, shared freely.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/finding.h"
#include "base/str.h"
#include "value/value.h"

/* Kinds of templates, and so of documents. The order is stored in databases: only append. */
enum model_kind {
    MODEL_IGNITION,
    MODEL_CLOUD,
    MODEL_GENERIC,
    MODEL_IPXE,
    MODEL_GRUB,
    MODEL_PXELINUX,
    MODEL_META_DATA,
    MODEL_NETWORK_CONFIG,
    MODEL_VENDOR_DATA,
    MODEL_FILES, /* read by Butane only: no profile names it */
};
#define MODEL_KINDS         10
#define MODEL_PROFILE_KINDS 9 /* kinds that a profile can name: all before MODEL_FILES */

/* The folder, which is also the name in paths and in the API: "ignition", "meta-data", …. */
const char *model_kind_name(enum model_kind k);
/* The profile's key: "ignition_id", "meta_data_id", …; NULL for MODEL_FILES. */
const char *model_kind_key(enum model_kind k);
bool model_kind_from_name(struct str name, enum model_kind *ret);

/* Limits of the contract, in bytes. */
#define MODEL_ID_MAX       128
#define MODEL_RESOURCE_MAX (1u << 20)
/* In the form that is stored, which adds the id, and is read with MODEL_IMPORT. */
#define MODEL_STORED_MAX   (MODEL_RESOURCE_MAX + 1024)
#define MODEL_TEMPLATE_MAX (2u << 20)
#define MODEL_NAME_PARTS   8
#define MODEL_SELECTORS    64   /* pairs in one group's selector */
#define MODEL_COMBINATIONS 1000 /* selectors that the lists in one stand for */
#define MODEL_ARCHS        32   /* architectures that one profile tells apart */

/* A group's or profile's id: one segment of [A-Za-z0-9._~-], 1 to 128 bytes, not "." or "..". */
bool model_id_valid(struct str id);
/* A template's name: 1 to 8 such segments joined by '/'. */
bool model_name_valid(struct str name);

/* --- labels ---------------------------------------------------------------------------------- */

struct label {
    struct str key, value;
};

/* Sorted by key in byte order, keys unique. */
struct labels {
    const struct label *v;
    uint32_t n;
    uint64_t bits; /* model_key_bit of each key that has a value; 0: nobody has looked */
};

/* One of 64 bits for a key, by its hash; word is its str_word. */
static inline uint64_t model_key_bit(struct str key, uint64_t word)
{
    if (key.n > 8)
        word ^= str_word(str_skip(key, key.n - 8)) * 3;
    return (uint64_t)1 << ((word + key.n) * 0x9E3779B97F4A7C15u >> 58);
}

#define MODEL_MAC_TEXT 60 /* the longest MAC as text: 20 octets */

/*
 * A MAC address as Go's net.ParseMAC takes it: 6, 8 or 20 octets; two hex digits each with ':' or
 * '-' between them, or four hex digits with '.'; one separator throughout. Written to dst in lower
 * case with colons; the result is the length, or 0 if it is none. (EUI-48, EUI-64, RFC 4391.)
 */
size_t model_mac_normalise(struct str in, char dst[MODEL_MAC_TEXT]);

/*
 * An architecture by the name that iPXE's ${buildarch} has for it: i386, x86_64, arm32, arm64,
 * loong64, riscv32, riscv64. Other names of these (amd64, aarch64, …) and the numbers of DHCP's
 * client architecture (RFC 4578, 2.1, and IANA's list) are known; absent for all others.
 */
struct str model_arch_known(struct str in);

/*
 * One pair of a request or a selector, normalised: a key that is "mac" in any case has its value
 * normalised, "uuid" is lower-cased, "arch" is named as above. ERR_INVALID if the key is a mac and
 * the value is none: the pair is then dropped by a request and refused in a group. ERR_NOMEM, told
 * apart, since a machine whose label was lost would be taken for another. Texts are copied to a
 * only if they change.
 */
err_code model_label_normalise(struct arena *a, struct str key, struct str value,
                               struct label *ret);

/* Whether model_label_normalise would leave the value as it is. */
bool model_label_is_normal(struct str key, struct str value);

/*
 * Is the value a UUID or a serial number that tells no machine from another: all zeros, "To Be
 * Filled By O.E.M." and the like? No group is matched by it. An empty one is not there at all.
 */
bool model_label_is_junk(struct str key, struct str value);

/* Sorts pairs in place by key; of equal keys the first one stays. Returns how many are left. */
uint32_t model_labels_sort(struct label *v, uint32_t n);
const struct str *model_label_search(const struct labels *l, struct str key);

/* Labels up to which looking at each is faster than searching. */
#define MODEL_LABELS_LOOK 16

/* The value at key, or NULL. O(log n). */
static inline const struct str *model_label_get(const struct labels *l, struct str key)
{
    if (l->n > MODEL_LABELS_LOOK)
        return model_label_search(l, key);
    for (uint32_t i = 0; i < l->n; i++) {
        const struct label *x = &l->v[i];
        if (x->key.n == key.n && (key.n == 0 || x->key.p[0] == key.p[0]) && str_eq(x->key, key))
            return &x->value;
    }
    return NULL;
}

/* --- group ----------------------------------------------------------------------------------- */

/* A key of a selector whose label may have any of these values. */
struct model_any {
    struct str key;
    const struct str *values; /* sorted, at least two, no two the same */
    uint32_t n;
};

struct model_group {
    struct str id;
    struct str name;
    struct str profile;          /* an id, perhaps of nothing; "" when the group names none */
    struct labels selector;      /* of a list the first value, or that of one combination */
    const struct model_any *any; /* the lists, sorted by key */
    uint32_t any_n;
    struct value metadata; /* VALUE_MAP */
};

/* How many selectors without lists a group's selector stands for: 1 without lists. */
uint32_t model_group_combinations(const struct model_group *g);
/* One of them; dst has room for g->selector.n labels, which refer to g's texts. */
void model_group_combination(const struct model_group *g, uint32_t i, struct label *dst);
/* The list for that key, or NULL. */
const struct model_any *model_group_any(const struct model_group *g, struct str key);
/* Does the pair of that number hold for a label with this value (absent: "")? */
bool model_group_pair_holds(const struct model_group *g, uint32_t pair, struct str value);

/* What machines boot; each part may be missing. */
struct model_boot {
    bool has_kernel, has_initrd, has_args, has_efi;
    struct str kernel;
    const struct str *initrd;
    const struct str *args;
    uint32_t initrd_n, args_n;
    struct str efi; /* what UEFI HTTP Boot loads: a file below the assets */
};

/* What is different for one architecture. */
struct model_boot_arch {
    struct str arch; /* normalised */
    struct model_boot boot;
};

struct model_profile {
    struct str id;
    struct str name;
    bool has_boot;
    struct model_boot boot;
    const struct model_boot_arch *archs; /* sorted by arch */
    uint32_t archs_n;
    bool verify;                          /* iPXE is to check the signatures of what it loads */
    struct str refs[MODEL_PROFILE_KINDS]; /* template names; n == 0: none */
};

enum model_strictness {
    MODEL_STRICT, /* REST: unknown fields and an id that differs are errors, names must be valid */
    MODEL_IMPORT, /* a matchbox directory: these are warnings, and names that matchbox cleans are
                     cleaned ("/a", "./a", "a//b"); what stays invalid is a dangling reference */
};

/*
 * Reads a resource that is known by id (its path or file name). Every finding is added to f, with a
 * JSON pointer; syntax errors with line and column. ERR_INVALID if there was an error among them,
 * ERR_LIMIT, ERR_NOMEM. The result lives in a; text may go.
 */
err_code model_group_read(struct arena *a, struct str id, struct str text, enum model_strictness s,
                          struct findings *f, struct model_group **ret, struct err *e);
err_code model_profile_read(struct arena *a, struct str id, struct str text,
                            enum model_strictness s, struct findings *f, struct model_profile **ret,
                            struct err *e);

/*
 * The fast way for what model_group_write has written: true if text is a group in that form, and as
 * model_group_read with MODEL_IMPORT would give it, without the id, which the caller knows, and the
 * name. The selector's pairs are put in room; all texts point into text. *ret_metadata is the
 * metadata's own text, absent (p == NULL) without one; ret->metadata stays empty. False: nothing is
 * said about the text, model_group_read decides.
 */
bool model_group_scan(struct str text, struct label room[MODEL_SELECTORS], struct model_group *ret,
                      struct str *ret_metadata);

/* What machines of that architecture (normalised, or absent) boot: the common part, and over it
   theirs. */
struct model_boot model_boot_for(const struct model_profile *p, struct str arch);
/* Where their part is in p->archs, from 1; 0: they have none. */
uint32_t model_boot_arch_index(const struct model_profile *p, struct str arch);

/* Canonical JSON: known keys only, sorted, absent ones left out. Reading it back gives the same. */
void model_group_write(struct buf *dst, const struct model_group *g, int json_flags);
void model_profile_write(struct buf *dst, const struct model_profile *p, int json_flags);
/* Labels as canonical JSON, {"key":"value"}: equal texts are equal selectors. */
void model_selector_write(struct buf *dst, const struct labels *l);
/* The same for the selector of a group, {"key":["value","value"]} where there is a list. */
void model_group_selector_write(struct buf *dst, const struct model_group *g);
/*
 * The other way: a selector that one of the two has written, as that of a group without a name.
 * ERR_CORRUPT if it is none; ERR_NOMEM. Lives in a; text may go.
 */
err_code model_group_selector_read(struct arena *a, struct str text, struct model_group **ret,
                                   struct err *e);

#endif
