/* parts.h - what the files of render share. */
#ifndef RENDER_PARTS_H
#define RENDER_PARTS_H

#include "render/render.h"

struct render_template {
    enum model_kind kind;
    enum tmpl_context context;
    bool raw;     /* the source is the document */
    bool builtin; /* uses nothing but the profile's boot */
    struct str name;
    struct str source;
    struct tmpl *compiled; /* NULL when raw */
    struct arena arena;
};

/*
 * cloud.c: is the rendered text what cloud-init takes as that? name is the template's. ERR_INVALID
 * with line and column.
 */
err_code cloud_check_config(struct str name, struct str text, struct err *e);
err_code cloud_check_user_data(struct str name, struct str text, struct err *e);
err_code cloud_check_meta_data(struct str name, struct str text, struct arena *a, struct err *e);
err_code cloud_check_yaml(struct str name, struct str text, struct err *e);

/* butane.c: the Ignition config that a rendered Butane text is; its first error is e. */
err_code butane_document(const struct render_input *in, struct str text, struct arena *a,
                         struct buf *out, struct err *e);

#endif
