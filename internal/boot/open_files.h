/*
 * open_files.h - files that were served a moment ago, kept open.
 *
 * To open a file so that its path stays inside a directory takes the kernel several times as long
 * as to see whether it is still the same file: a hall of machines asks for one kernel and one
 * initrd. Each use compares what the path leads to now (device, inode, size and both times) with
 * what was opened, so a file that is replaced, changed or gone is so at once. A file that nobody
 * has asked for in ten seconds is let go at the next use of any. Thread rule: any thread.
 */
#ifndef BOOT_OPEN_FILES_H
#define BOOT_OPEN_FILES_H

#include <sys/stat.h>

struct open_files;

/* NULL without memory. */
struct open_files *open_files_make(void);
void open_files_free(struct open_files *o);

/* A descriptor of its own for the caller, and *st of it as now; -1 if it is not kept. path is
   whole: from the root, or from where the process is. */
int open_files_get(struct open_files *o, const char *path, struct stat *st);
/* Keeps a copy of fd, which path has led to and which st describes. */
void open_files_keep(struct open_files *o, const char *path, int fd, const struct stat *st);

#endif
