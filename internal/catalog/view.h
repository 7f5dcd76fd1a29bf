/* view.h - what the files of catalog share: the view's insides and the objects in it. */
#ifndef CATALOG_VIEW_H
#define CATALOG_VIEW_H

#include "catalog/bulk.h"
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
    struct catalog_docs *docs; /* see docs.c: not always a pointer */
    struct group_lists *lists; /* NULL: the selector has no lists */
};

/*
 * What a group with lists in its selector is filed under beside its first combination: an object
 * for each of the others, with that combination as its selector. They share the texts of the group
 * that they belong to and go with it.
 */
struct group_lists {
    struct arena arena;
    uint32_t n;
    struct group_object v[];
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

/* What is asked of each for each request lies side by side. */
struct shape_entry {
    uint64_t hash, wants; /* of the shape */
    struct shape_object *object;
    size_t groups;
};

/* In the order of match_shape_order. */
struct shape_table {
    size_t n;
    size_t odd; /* shapes that are not plain: the order does not decide */
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

/* One change of many resources. The tables' edits share `replaced`. */
struct catalog_edit {
    struct catalog *catalog;
    struct grace_batch made;     /* objects of this edit: freed if it is abandoned */
    struct grace_batch replaced; /* what the old view had: freed after a grace period */
    struct grace_batch old_view; /* room for what commit itself replaces */
    struct hamt_edit groups, selectors, profiles, templates, unreadable;
    struct shape_table *shapes; /* this edit's own copy */
    struct catalog_view *view;  /* the one to publish */
    size_t broken;
    uint64_t files;
    bool fresh;
};

/* --- catalog.c */
/* Returns the error that it was given, so that who publishes can tell it. */
err_code edit_note_unreadable(struct catalog_edit *x, bool profile, struct str name, err_code why,
                              struct err *e);

/* --- shapes.c: made is where new objects are noted, or NULL; ERR_NOMEM */
struct shape_table *shapes_copy(const struct shape_table *from);
/* One more group has the shape of this selector. The table may move. */
err_code shapes_use(struct shape_table **table, const struct labels *selector,
                    struct grace_batch *made, struct err *e);
/* One less; a shape that nobody has goes to replaced. */
err_code shapes_drop(struct shape_table *t, const struct labels *selector,
                     struct grace_batch *replaced, struct err *e);
/* Moves all of `from`, which is empty afterwards unless there is an error. */
err_code shapes_merge(struct shape_table **table, struct shape_table *from,
                      struct grace_batch *made, struct err *e);

uint64_t view_id_hash(struct str id);
uint64_t view_template_hash(enum model_kind k, struct str name);

/* Of two groups with one selector the first by id is active: the order of a hash's items. */
int group_object_order(const void *a, const void *b);

/* Objects from what the store has; each is one allocation and what it owns; a group's comes from
   bulk, which may be NULL. */
err_code group_object_make(struct str id, struct str body, struct bulk *bulk,
                           struct group_object **ret, struct err *e);
err_code profile_object_make(struct str id, struct str body, struct profile_object **ret,
                             struct err *e);
err_code template_object_make(enum model_kind k, struct str name, struct str source,
                              struct template_object **ret, struct err *e);
err_code shape_object_make(const struct labels *selector, struct shape_object **ret, struct err *e);
/* Take void pointers, so that a grace period can end in them. */
void group_object_free(void *p);
/* Files what the lists of a group stand for in x. ERR_NOMEM. */
err_code group_lists_file(struct catalog_edit *x, const struct group_object *o, struct err *e);
/* The other way. */
err_code group_lists_unfile(struct catalog_edit *x, const struct group_object *o, struct err *e);
/* Makes them for an object that is laid out; `any` is copied. Nothing without lists. ERR_NOMEM. */
err_code group_lists_make(struct group_object *o, const struct model_group *read, struct err *e);
void group_lists_free(struct group_lists *l);
void profile_object_free(void *p);
void template_object_free(void *p);
void shape_object_free(void *p);

const struct group_object *view_find_group(const struct hamt *groups, struct str id);
const struct profile_object *view_find_profile(const struct hamt *profiles, struct str id);
const struct template_object *view_find_template(const struct hamt *templates, enum model_kind k,
                                                 struct str name);

void docs_free(struct catalog_docs *d);

#endif
