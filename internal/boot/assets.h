/*
 * assets.h - files below one directory, for kernels, initrds and images.
 *
 * The kernel keeps every path inside the directory (openat2 with RESOLVE_BENEATH, Linux 5.6):
 * symbolic links may point anywhere inside, by relative paths, and are not followed out of it. Only
 * regular files are served, without listings; names that begin with a dot are ordinary. The
 * directory may come, go or be replaced at any time: it is looked up for each request. Thread rule:
 * shared freely once open.
 */
#ifndef BOOT_ASSETS_H
#define BOOT_ASSETS_H

#include <sys/stat.h>

#include "http/http.h"

struct assets;

/* root need not exist yet. ERR_UNSUPPORTED: this kernel cannot contain paths; ERR_NOMEM. */
err_code assets_open(const char *root, struct assets **ret, struct err *e);
void assets_free(struct assets *a);

/*
 * Answers with the file that path_below_assets_raw names, percent-encoded and without the prefix
 * and its slash: "images/vmlinuz%20new". Without a type (NULL) its name says what it is. 404 for
 * all that is not a file inside; 503 when the system is out of descriptors or memory.
 */
void assets_respond(struct assets *a, struct str path_below_assets_raw, const char *type,
                    struct http_request *q, struct http_response *r);

/* As assets_respond, but with only the descriptor of the file, which is the caller's then, and what
   it is and is called: *ret_name lives as long as the request. -1 after it has answered. */
int assets_find(struct assets *a, struct str path_below_assets_raw, struct http_request *q,
                struct http_response *r, struct stat *ret_st, struct str *ret_name);

/* Calls each for every regular file, to a depth of 16 folders; symbolic links are passed over. What
   cannot be read is left out. fd is closed after the call. */
typedef void assets_each(void *arg, int fd, const struct stat *st, struct str name);
void assets_walk(const struct assets *a, assets_each *each, void *arg);

#endif
