/*
 * url.h - which URLs Ignition fetches from.
 *
 * What parses and what does not follows Go's net/url, with which Ignition reads them; data URLs
 * (RFC 2397) follow github.com/vincent-petithory/dataurl. Pure; the slices of a result point into
 * the text. Each check gives NULL if all is well, else what is wrong, a constant text.
 */
#ifndef IGNITION_URL_H
#define IGNITION_URL_H

#include "base/str.h"

struct url {
    struct str scheme; /* as written; empty: none, and then the rest is empty too */
    struct str opaque; /* what follows the scheme if that is no '/' */
    struct str query;  /* without the '?' */
};

/* False if Go would not parse it. */
bool url_parse(struct str s, struct url *ret);

/* A resource's source in Ignition 3.minor: http, https, tftp, s3, data; gs and arn later. */
const char *url_check_source(struct str s, unsigned minor);
/* http or https only. */
const char *url_check_http(struct str s);

/* Does it say what it should and can its data be decoded? */
const char *url_check_data(struct str s);

#endif
