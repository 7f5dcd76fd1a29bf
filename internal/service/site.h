/*
 * site.h - a site directory, file by file: groups, profiles, and a folder for each kind of
 * template.
 */
#ifndef SERVICE_SITE_H
#define SERVICE_SITE_H

#include "service/parts.h"

struct site_file {
    struct store_key key; /* its name is the file's, without .json for groups and profiles */
    struct str path;      /* below the directory, for findings */
    struct str bytes;
};

/* What is in f is gone after the call. Anything but ERR_OK ends the walk. */
typedef err_code site_each(void *arg, const struct site_file *f, struct err *e);

/*
 * Calls each for templates, then profiles, then groups, each in byte order of names, so that what a
 * resource refers to comes before it. Files are opened below dir only: a symbolic link that leads
 * out is not followed. What is not read (other names, sub-folders of groups) is a warning, what
 * cannot be read is an error in f. ERR_NOT_FOUND when dir is none, ERR_IO, ERR_NOMEM.
 */
err_code site_walk(const char *dir, struct findings *f, site_each *each, void *arg, struct err *e);

/* Creates dir, or takes an empty one. The result is a file descriptor. ERR_CONFLICT, ERR_IO. */
err_code site_create(const char *dir, int *ret_fd, struct err *e);
/* Appends the name of a resource's file below a site directory. */
void site_name(const struct store_key *k, struct buf *dst);
/* Writes one file, with the folders that it needs. */
err_code site_write(int dir, const struct store_key *k, struct str bytes, struct err *e);

#endif
