/*
 * local.h - the API over a data path, inside a command: for commands that only read where no server
 * runs. It is the server's own API over the server's own service, on a port of loopback that takes
 * one token, made for this process and stored nowhere; so a command asks it as it asks a server.
 * Nothing is written or created.
 */
#ifndef VESTA_LOCAL_H
#define VESTA_LOCAL_H

#include <stdbool.h>

#include "base/err.h"

#define LOCAL_URL   64
#define LOCAL_TOKEN 64

struct local;

struct local_options {
    const char *data_path;
    bool machines; /* it also says what machines get, for which the whole site is loaded first */
    const char *public_url; /* as of `vesta serve`; NULL or "": that of a server by default */
};
/* Errors as service_open. */
err_code local_start(const struct local_options *o, struct local **ret, struct err *e);
void local_stop(struct local *l); /* NULL is fine */
/* Both live as long as l. */
const char *local_url(const struct local *l);
const char *local_token(const struct local *l);

#endif
