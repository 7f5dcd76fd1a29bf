/* parts.h - what the files of render share. */
#ifndef RENDER_PARTS_H
#define RENDER_PARTS_H

#include "render/render.h"

struct render_template {
    enum model_kind kind;
    bool raw;     /* the source is the document */
    bool builtin; /* uses nothing but the profile's boot */
    struct str name;
    struct str source;
    struct tmpl *compiled; /* NULL when raw */
    struct arena arena;
};

#endif
