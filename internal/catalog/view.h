/* view.h - what the files of catalog share: the view's insides and the objects in it. */
#ifndef CATALOG_VIEW_H
#define CATALOG_VIEW_H

#include "catalog/catalog.h"
#include "catalog/grace.h"
#include "catalog/hamt.h"

/* Bytes of kept documents in all: a site of a million groups would fill any memory. */
#define DOCS_KEPT_MAX (256u << 20)

/* The kept documents of one owner, by enum render_document; made when the first one is kept. */
struct catalog_docs {
    struct catalog_doc *v[RENDER_DOCUMENTS];
};

struct group_object {
    struct catalog_group face;
    uint64_t selector_hash;
    uint64_t id_hash;
    struct catalog_docs *docs;
};

struct profile_object {
    struct catalog_profile face;
    uint64_t id_hash;
    struct catalog_docs *docs;
};

struct template_object {
    struct catalog_template face;
    uint64_t name_hash;
    struct render_template *owned; /* what face.render shows */
};

/* A group or profile that the store has and that cannot be read: it matches nothing. */
struct unreadable_object {
    bool profile;
    size_t name_n;
    char name[];
};

/* A shape that groups have; immutable, shared by views for as long as one group has it. */
struct shape_object {
    struct match_shape shape;
    struct arena arena;
};

struct shape_entry {
    struct shape_object *object;
    size_t groups;
};

/* Sorted by number of keys, most first. */
struct shape_table {
    size_t n;
    struct shape_entry v[];
};

struct tables {
    struct hamt groups;    /* by id */
    struct hamt selectors; /* groups by selector; equal selectors share a hash */
    struct hamt profiles;  /* by id */
    struct hamt templates; /* by kind and name */
    struct hamt unreadable;
    const struct shape_table *shapes;
};

struct catalog_view {
    struct tables t;
    uint64_t revision;
    uint64_t files; /* generation of the newest change to a template of MODEL_FILES */
    size_t broken;  /* templates that do not compile */
};

struct catalog {
    struct catalog_view *view; /* grace_load, grace_exchange */
    struct grace_limbo limbo;
    uint64_t generation; /* the last one given */
    uint64_t kept_bytes; /* of all kept documents; atomic */
    uint64_t kept_max;
};

uint64_t view_id_hash(struct str id);
uint64_t view_template_hash(enum model_kind k, struct str name);

/* Objects from what the store has; each is one allocation and what it owns. */
err_code group_object_make(struct str id, struct str body, struct group_object **ret,
                           struct err *e);
err_code profile_object_make(struct str id, struct str body, struct profile_object **ret,
                             struct err *e);
err_code template_object_make(enum model_kind k, struct str name, struct str source,
                              struct template_object **ret, struct err *e);
err_code shape_object_make(const struct labels *selector, struct shape_object **ret, struct err *e);
/* Take void pointers, so that a grace period can end in them. */
void group_object_free(void *p);
void profile_object_free(void *p);
void template_object_free(void *p);
void shape_object_free(void *p);

const struct group_object *view_find_group(const struct hamt *groups, struct str id);
const struct profile_object *view_find_profile(const struct hamt *profiles, struct str id);
const struct template_object *view_find_template(const struct hamt *templates, enum model_kind k,
                                                 struct str name);

void docs_free(struct catalog_docs *d);

#endif
