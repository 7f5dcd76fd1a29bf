/*
 * gpg.h - the real gpg and gpgv for tests, in a home directory of their own.
 *
 * gpg_open and gpg_close go around each test (Criterion's .init and .fini). Programs run in the
 * home directory, so file names are relative to it. One home at a time.
 */
#ifndef TESTS_GPG_H
#define TESTS_GPG_H

#include "base/buf.h"

void gpg_open(void);
/* Ends the agent that gpg started and removes the directory. */
void gpg_close(void);

/* Runs a program; its exit status. What it printed is in gpg_output(). */
int gpg_run(const char *const argv[]);
#define RUN(...) gpg_run((const char *const[]){__VA_ARGS__, NULL})
#define GPG(...) RUN("gpg", "--batch", "--no-tty", "--trust-model", "always", __VA_ARGS__)
const char *gpg_output(void);

void gpg_write_file(const char *name, struct str bytes);
/* Into dst, after what is there. */
void gpg_read_file(const char *name, struct buf *dst);

/* A key without a passphrase. */
void gpg_make_key(const char *user_id, const char *algorithm, const char *usage);

#endif
