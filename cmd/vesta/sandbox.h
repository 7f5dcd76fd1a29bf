/*
 * sandbox.h - what the server gives up before it talks to anybody.
 *
 * In three steps, since they bind to different things: sandbox_enter before the first thread, since
 * Landlock and capabilities belong to a thread and are inherited by those that it starts;
 * sandbox_seal when all has started, since starting needs more system calls than serving, and
 * seccomp can reach threads that run; sandbox_tell when there is a log. Sockets are opened before
 * the first step, since only root may open ports below 1024; files (keys, certificates, the
 * database) after it, so that what cannot be read again on a reload is not read at the start
 * either.
 *
 * What is given up, unless switched off: root (for an unprivileged user), capabilities, new
 * privileges, core dumps and being traced; writing outside of the data path, executing files, TCP
 * connections (Landlock, where the kernel has it); every system call that serving does not need
 * (seccomp). Assets in the data path cannot be kept from writing by Landlock, which has no
 * exceptions: their owner does that, or --assets-path.
 */
#ifndef VESTA_SANDBOX_H
#define VESTA_SANDBOX_H

#include <sys/types.h>

#include "base/err.h"
#include "base/log.h"

struct sandbox_options {
    bool off;              /* only the user is changed */
    const char *user;      /* to become, when started as root; "": DEFAULT_USER if there is one */
    const char *data_path; /* made (0700) and given to that user if root has it */
};

/* What became of it. */
struct sandbox {
    bool off;
    char user[64];     /* as which the server runs: a name, or a number that has none */
    bool root;         /* it is root, and nobody said so */
    unsigned landlock; /* the version of the kernel's interface; 0: the kernel has none */
    bool sealed;
};

#define SANDBOX_DEFAULT_USER "vesta"

/*
 * Before any thread runs. ERR_NOT_FOUND: there is no such user; ERR_DENIED: only root can become
 * another one, or the user cannot use the data path; ERR_IO.
 */
err_code sandbox_enter(const struct sandbox_options *o, struct sandbox *ret, struct err *e);

/*
 * When all has started. From then on a system call that is not on the list answers ENOSYS, as on a
 * kernel that does not have it, and is told once on stderr as a log line of this form. ERR_IO: the
 * kernel has no seccomp.
 */
err_code sandbox_seal(struct sandbox *s, enum log_format format, struct err *e);

/* Logs one line about it, and a warning where less is given up than could be. */
void sandbox_tell(const struct sandbox *s, const struct log_sink *log);

/* --- its parts -----------------------------------------------------------------------------------
 */

/* sandbox_user.c: becomes the user, and gives it what root has in the data path. Fills user, root.
 */
err_code sandbox_user(const struct sandbox_options *o, struct sandbox *s, struct err *e);
/* sandbox_files.c: Landlock. The version of the kernel's interface, 0 if it has none. */
err_code sandbox_files(const char *data_path, unsigned *ret_version, struct err *e);
/* sandbox_calls.c: seccomp, for all threads. */
err_code sandbox_calls(enum log_format format, struct err *e);

#endif
