/*
 * networks.h - sets of IP networks. Pure; a set that does not change any more may be asked by any
 * thread. IPv4 is held as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2).
 */
#ifndef HTTP_NETWORKS_H
#define HTTP_NETWORKS_H

#include <netinet/in.h>

#include "base/err.h"
#include "base/str.h"

#define NETWORKS_MAX 64

struct networks {
    struct {
        struct in6_addr address;
        unsigned bits; /* of its prefix, 0 to 128 */
    } v[NETWORKS_MAX];
    unsigned n;
};

/*
 * Adds "192.0.2.0/24", "2001:db8::/32", or one address. ERR_INVALID: it is none, or has bits beyond
 * its prefix; ERR_LIMIT: too many.
 */
err_code networks_add(struct networks *s, struct str text, struct err *e);
bool networks_have(const struct networks *s, const struct in6_addr *address);

/* An address without a prefix; in brackets or not, with a port or not. False: it is none. */
bool network_address(struct str text, struct in6_addr *ret);
bool network_is_loopback(const struct in6_addr *address);

#endif
