/* passphrase.h - where commands get the passphrase of a key from. */
#ifndef VESTA_PASSPHRASE_H
#define VESTA_PASSPHRASE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * The first line of the file, else VESTA_PASSPHRASE, else MATCHBOX_PASSPHRASE as matchbox has it,
 * else absent. file may be NULL or "". *ret may lie in dst, which the caller wipes.
 */
err_code passphrase_read(const char *file, struct buf *dst, struct str *ret, struct err *e);

/* A buffer for secrets that is wiped at the end of its scope. */
void passphrase_wipe(struct buf *b);
#define SECRET_LOCAL(name, max_bytes)                                                              \
    __attribute__((cleanup(passphrase_wipe))) struct buf name;                                     \
    buf_init(&name, max_bytes)

#endif
