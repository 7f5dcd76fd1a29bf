/*
 * nocloud.h - the paths of a NoCloud seed, as cloud-init makes them from `ds=nocloud;s=URL`:
 *
 *     /nocloud/<label>=<value>[;<label>=<value>...]/meta-data     (and user-data, ...)
 *     /nocloud?<label>=<value>[&...]&file=meta-data
 *
 * Pairs of the path are percent-encoded; ';' separates them and '+' is itself.
 * Source: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html.
 */
#ifndef BOOT_NOCLOUD_H
#define BOOT_NOCLOUD_H

#include "base/arena.h"
#include "base/err.h"
#include "render/render.h"

struct nocloud_ask {
    enum render_document document;
    struct str raw_query; /* the labels as a query string, without `file` */
};

/* ERR_NOT_FOUND when it names no file of a seed; ERR_NOMEM. Texts live in a. */
err_code nocloud_read(struct arena *a, struct str raw_path, struct str raw_query,
                      struct nocloud_ask *ret, struct err *e);

#endif
