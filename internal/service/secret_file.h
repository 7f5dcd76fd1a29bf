/*
 * secret_file.h - files that only their owner may read: keys and tokens.
 *
 * A secret file has mode 0600 and a folder of them 0700; what others could read is refused, since
 * nobody knows who did. Writes are whole or not at all, also after a power failure. Thread rule:
 * any thread; two writers of one name do not disturb each other.
 */
#ifndef SERVICE_SECRET_FILE_H
#define SERVICE_SECRET_FILE_H

#include "base/buf.h"
#include "base/err.h"

#define SECRET_FILE_MAX   (256u << 10)
#define SECRET_PATH_BYTES 4096

/* folder/name. ERR_INVALID when it is too long. */
err_code secret_path(const char *folder, const char *name, char dst[SECRET_PATH_BYTES],
                     struct err *e);
/* The folder is there and closed to others. With create it is made (0700) if it is not there, else
   that is ERR_NOT_FOUND. ERR_DENIED: others can look into it; ERR_IO. */
err_code secret_folder(const char *path, bool create, struct err *e);
/* ERR_DENIED if there is such a file and others can read it. */
err_code secret_check(const char *path, struct err *e);
/* All of a file, appended to dst. ERR_NOT_FOUND; ERR_DENIED: not ours to read, or others can read
   it; ERR_LIMIT; ERR_IO. */
err_code secret_read(const char *path, struct buf *dst, struct err *e);
/* As secret_read, but a file that others can read is told in *exposed instead of refused. */
err_code secret_read_exposed(const char *path, struct buf *dst, bool *exposed, struct err *e);
/* Writes a new file. ERR_CONFLICT: the name is taken; ERR_IO. */
err_code secret_write(const char *path, struct str bytes, struct err *e);
/* As secret_write, in the place of what may be there. */
err_code secret_replace(const char *path, struct str bytes, struct err *e);
/* Renames a file within a folder, over what may be there. */
err_code secret_rename(const char *from, const char *to, struct err *e);

#endif
