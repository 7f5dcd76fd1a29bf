/*
 * file_signer.h - signatures over files, made once for each content.
 *
 * A file is known by device, inode, size and time of change: while these stay, so do its
 * signatures, of every form at once, up to 16 MiB of them in memory. Files are read in pieces, at
 * about 500 MB a second. Small ones, up to 4 MiB, are read at once on the threads for slow
 * signatures (signer.h); larger ones by one thread in the background, which begins when the file
 * itself is first asked for. OpenPGP signatures over files are of the binary class. Thread rule:
 * any thread; start and stop from one.
 */
#ifndef SERVICE_FILE_SIGNER_H
#define SERVICE_FILE_SIGNER_H

#include <sys/stat.h>

#include "service/service.h"

struct file_signer;
struct keyring;
struct signer;

#define FILE_SIGNER_SMALL (16u << 20) /* bytes */
#define FILE_SIGNER_QUEUE 256         /* large files that wait */

/* keys and small stay until it is stopped. ERR_NOMEM, ERR_IO. */
err_code file_signer_start(const struct keyring *keys, struct signer *small,
                           const struct log_sink *log, struct file_signer **ret, struct err *e);
/* Leaves what it is at; nobody may ask any more. */
void file_signer_stop(struct file_signer *f);

/* As service_sign_file. */
err_code file_signer_get(struct file_signer *f, const struct service_file *file,
                         enum service_form form, const char *remote, struct buf *dst,
                         struct err *e);
/* The file is being sent, so its signatures may be wanted soon. */
void file_signer_prepare(struct file_signer *f, const struct service_file *file);

#endif
