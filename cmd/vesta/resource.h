/*
 * resource.h - how resources are named on the command line, and where the API has them.
 */
#ifndef VESTA_RESOURCE_H
#define VESTA_RESOURCE_H

#include "base/buf.h"
#include "base/err.h"
#include "model/model.h"

/* "groups" for "group" and "groups" and so on; NULL for what is no type of resource. */
const char *resource_collection(const char *word);
/* Says that word is none; the exit status. */
int resource_unknown(const char *command, const char *word);
/*
 * Appends "/api/v1/groups/NAME". Names that no resource can have are refused, so nothing needs
 * escapes. ERR_INVALID.
 */
err_code resource_path(const char *collection, const char *name, struct buf *dst, struct err *e);
/* The Content-Type of its body. */
const char *resource_content_type(const char *collection);

#endif
