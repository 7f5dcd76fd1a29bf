/*
 * etag.h - entity tags in conditions (RFC 9110, 8.8.3 and 13.1). Pure.
 */
#ifndef BASE_ETAG_H
#define BASE_ETAG_H

#include "base/str.h"

/*
 * Whether a list of entity tags, or "*", has ours (with its quotes). Weak comparison takes W/"x"
 * for "x"; strong comparison takes no weak tag at all. What follows a malformed tag is not looked
 * at.
 */
bool etag_in_list(struct str list, const char *ours, bool strong);

#endif
