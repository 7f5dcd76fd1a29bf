/*
 * support.h - what the store's tests share: a scratch folder, short ways to write and read, and
 * this program itself run as another process.
 */
#ifndef TESTS_STORE_SUPPORT_H
#define TESTS_STORE_SUPPORT_H

#include <sys/types.h>

#include "store/store.h"

struct tally {
    int passed, failed;
};
struct tally open_tests(void);
struct tally write_tests(void);
struct tally read_tests(void);
struct tally changes_tests(void);
struct tally crash_tests(void);
struct tally token_tests(void);
struct tally history_tests(void);
struct tally backup_tests(void);

/* What a child does: its exit status. Named on the command line with a path and an argument. */
int child_write(const char *path, const char *arg);
int child_write_for_ever(const char *path, const char *arg);
int child_full_disk(const char *path, const char *arg);
int child_nobody(const char *path, const char *arg);
int child_lock(const char *path, const char *arg);

/* Starts this program again in a role; its output is *ret_out if that is not NULL. */
pid_t spawn(const char *role, const char *path, const char *arg, int *ret_out);
/* Its exit status, or 128 + the signal that ended it. */
int wait_for(pid_t pid);

void scratch_make(void);
void scratch_remove(void);
/* A path in the scratch folder, in one of a few buffers that take turns. */
const char *scratch(const char *name);
/* The same, and no file of that name is there. */
const char *fresh(const char *name);
void write_file(const char *path, const void *p, size_t n);
bool file_exists(const char *path);

/* Opens for writing; a failure ends the program with the error's text. */
struct store *must_open(const char *path);

struct store_key group_key(const char *id);
err_code put_group(struct store *s, const char *id, const char *body, uint64_t *ret_revision,
                   struct err *e);
err_code put_resource(struct store *s, const struct store_resource *r, uint64_t *ret_revision,
                      struct err *e);
err_code delete_resource(struct store *s, const struct store_key *k, struct err *e);
/* Whether the resource is there with that body. */
bool has_body(struct store *s, const struct store_key *k, struct str body);
bool has_group(struct store *s, const char *id);

/* Straight to SQLite, past the store. A failure ends the program. */
void raw_run(const char *path, const char *sql);
long long raw_number(const char *path, const char *sql);
/* "ok", or what integrity_check says first. */
const char *raw_integrity(const char *path);

#endif
