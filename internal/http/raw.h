/*
 * raw.h - the head of a request as it was sent (RFC 9112), before anybody interprets it.
 *
 * libmicrohttpd splits the head where it lies, by writing a NUL over each delimiter: the spaces of
 * the request line, the first colon of each field line, each byte of a line's end. So CRLF is seen
 * as two NULs, a bare LF as one, and a NUL that a client sent in a place where none belongs. What
 * has more than one reading is refused here, since a proxy in front may have chosen the other one.
 * Pure.
 */
#ifndef HTTP_RAW_H
#define HTTP_RAW_H

#include "base/str.h"

struct raw_head {
    unsigned fields; /* field lines */
    unsigned hosts, content_lengths, transfer_encodings;
    struct str host, content_length, transfer_encoding; /* the last of each */
};

/*
 * Scans the field lines from p, which is where the version of the request line ended, to end, which
 * is where the body begins. NULL, or what is wrong, as a phrase for the client.
 */
const char *raw_scan(const char *p, const char *end, struct raw_head *ret);

/*
 * NULL if target is in origin form, or in absolute form with http or https (RFC 9112, 3.2), without
 * bytes that no target may hold; else what is wrong.
 */
const char *raw_target(struct str target);
/*
 * What comes behind the authority of a target in absolute form: a path, a query alone, or nothing.
 * Any other target as it is.
 */
struct str raw_origin_form(struct str target);

/* Whether s is a token (RFC 9110, 5.6.2): at least one character, none a delimiter. */
bool raw_token(struct str s);

/* Whether s could be a Host (RFC 3986 host and port): only the characters that one is made of. */
bool raw_host(struct str s);

#endif
