/*
 * boot.h - the boot plane: what machines ask, GET and HEAD only, without credentials.
 *
 * Turns paths and query strings into questions to `service` and its answers into responses. Nothing
 * here depends on the Host header. Thread rule: boot_handle and boot_done run on any thread; a
 * struct boot is immutable once made, but for its counters.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "base/log.h"
#include "http/counts.h"
#include "http/http.h"
#include "service/service.h"

struct boot;

struct boot_config {
    struct service *service;
    const char *assets_path; /* NULL or "": no assets are served */
    const char *public_url;  /* of this plane, as boot_public_url gives it; NULL or "": the address
                                that a machine's connection came to */
    unsigned misses_per_minute; /* of labels that match nothing, for each address; 0: no limit */
    bool strict_labels;         /* a label that is given twice with two values is a 400 */
    bool tls; /* the label tls_subject comes from certificates, never from queries */
    struct log_sink log;
};

/*
 * The URL that machines reach this plane by, as an operator writes it: http or https, a host,
 * perhaps a port and a path; without a '/' at its end. ERR_INVALID says what is wrong.
 */
err_code boot_public_url(struct arena *a, struct str text, struct str *ret, struct err *e);

err_code boot_make(const struct boot_config *c, struct boot **ret, struct err *e);
void boot_free(struct boot *b);

/* For struct http_config; ctx is the struct boot. */
void boot_handle(void *ctx, struct http_request *q, struct http_response *r);
/* Writes the access log and counts. */
void boot_done(void *ctx, const struct http_request *q, const struct http_done *d);
/* Requests by what they asked for; lives as long as b. */
const struct http_counts *boot_counts(const struct boot *b);

#endif
