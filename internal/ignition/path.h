/*
 * path.h - file paths as an Ignition config must write them. Pure.
 */
#ifndef IGNITION_PATH_H
#define IGNITION_PATH_H

#include "base/buf.h"

/* NULL if the path is absolute and has no //, /./, /../ and no / at the end, else what is wrong. */
const char *path_check(struct str path);
/* Makes such a path of an absolute one, as Go's path.Clean. */
void path_clean(struct str path, struct buf *dst);
/* What follows the last '.' of the last part, with it ("" without a '.'), as Go's path.Ext. */
struct str path_extension(struct str path);

#endif
