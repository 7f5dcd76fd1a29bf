/*
 * files.h - the site's files/ folder, as Butane's `local` and `trees` read it: templates of the
 * kind MODEL_FILES in a view. A name is a path, so nothing outside can be named.
 */
#ifndef SERVICE_FILES_H
#define SERVICE_FILES_H

#include "catalog/catalog.h"
#include "ignition/butane.h"

struct files_source {
    const struct catalog_view *view;
    struct arena *arena;
};

/* What is below a folder, from the names of all files: add each, then end. */
struct files_listing {
    struct arena *arena;
    struct str root; /* with a '/' at its end, or empty */
    struct butane_tree_entry *v;
    size_t n, cap;
    bool failed;
};
/* ERR_NOMEM. */
err_code files_listing_begin(struct arena *a, struct str folder, struct files_listing *ret,
                             struct err *e);
/* A name that is not below the folder is passed over; name stays where it is. */
void files_listing_add(struct files_listing *l, struct str name);
/* As butane.h wants it. ERR_NOT_FOUND: nothing is below the folder. */
err_code files_listing_end(struct files_listing *l, const struct butane_tree_entry **ret,
                           size_t *ret_n, struct err *e);

/* Valid as long as source, and the view that it has. */
struct butane_files files_of(struct files_source *source);

#endif
