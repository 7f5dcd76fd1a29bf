/*
 * range.h - the Range header (RFC 9110, 14.2), read as Go's net/http reads it, which is what the
 * clients of matchbox know. Pure.
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/str.h"

enum range_kind {
    RANGE_WHOLE,       /* all of it: no range, several, or one that the empty file cannot have */
    RANGE_PART,        /* first and length; the length may be 0 */
    RANGE_NO_OVERLAP,  /* 416: every range begins behind the end */
    RANGE_NOT_A_RANGE, /* 416 */
};

struct range {
    uint64_t first, length; /* bytes; first + length <= size */
};

/* value: of the header. size: bytes of what it is a range of, at most INT64_MAX. */
enum range_kind range_parse(struct str value, uint64_t size, struct range *ret);

#endif
