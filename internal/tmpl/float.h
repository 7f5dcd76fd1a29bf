/*
 * float.h - floats as text, as Go's strconv.FormatFloat writes them.
 */
#ifndef TMPL_FLOAT_H
#define TMPL_FLOAT_H

#include "base/buf.h"

/*
 * Appends f. verb is one of e E f g G x X b; precision -1 means the shortest text that reads back
 * to f (g, G, x and X only). No plus sign except in +Inf. Exact for every precision.
 */
void float_append(struct buf *dst, double f, char verb, int precision);

#endif
