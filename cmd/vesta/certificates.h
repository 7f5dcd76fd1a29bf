/*
 * certificates.h - the certificates of a server that runs: from flags, again from their files when
 * these change or at SIGHUP, and told in the log before they expire. Thread rule: one thread.
 */
#ifndef VESTA_CERTIFICATES_H
#define VESTA_CERTIFICATES_H

#include "base/log.h"
#include "command.h"
#include "http/tls.h"

struct certificates_flags {
    struct flag_list cert_files, key_files;
    const char *ca_file; /* "": none */
};

struct certificates;

/* *ret is NULL when no flag is set. c and log stay the caller's. ERR_INVALID: flags are missing. */
err_code certificates_read(const struct certificates_flags *f, const struct log_sink *log,
                           struct certificates **ret, struct err *e);
void certificates_free(struct certificates *c);
/* NULL when c is. */
struct http_tls *certificates_tls(const struct certificates *c);

/* Reads the files again, and logs how it went. Whether others are served now. */
bool certificates_reload(struct certificates *c);
/* To be called each second: reloads what changed, and warns of what expires within 30 days. */
bool certificates_tick(struct certificates *c);
/* The public keys as CURLOPT_PINNEDPUBLICKEY has them: "sha256//...;sha256//...". */
void certificates_pins(const struct certificates *c, char *dst, size_t size);

#endif
