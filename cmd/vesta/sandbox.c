#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A server that stays root keeps what it needs for files that belong to somebody else, and nothing
 * that reaches beyond files. Any other keeps nothing, whatever it was started with.
 */
static err_code drop_capabilities(bool root, struct err *e)
{
    const unsigned files = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct had[2], left[2] = {{0}};
    if (syscall(SYS_capget, &head, had) != 0)
        return err_errno(e, ERR_IO, errno, "cannot read the capabilities of this process");
    left[0].permitted = left[0].effective = root ? had[0].permitted & files : 0;
    if (syscall(SYS_capset, &head, left) != 0)
        return err_errno(e, ERR_IO, errno, "cannot drop capabilities");
    return ERR_OK;
}

/* A core dump or a debugger would show keys, tokens and every secret of the site. */
static err_code hide_memory(struct err *e)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_errno(e, ERR_IO, errno, "cannot switch core dumps off");
    return ERR_OK;
}

err_code sandbox_enter(const struct sandbox_options *o, struct sandbox *ret, struct err *e)
{
    struct sandbox s = {.off = o->off};
    err_code c = sandbox_user(o, &s, e);
    if (!c && !o->off)
        c = drop_capabilities(geteuid() == 0, e);
    if (!c && !o->off)
        c = hide_memory(e);
    if (!c && !o->off && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        c = err_errno(e, ERR_IO, errno, "cannot give up new privileges");
    if (!c && !o->off)
        c = sandbox_files(o->data_path, &s.landlock, e);
    if (!c)
        *ret = s;
    return c;
}

err_code sandbox_seal(struct sandbox *s, enum log_format format, struct err *e)
{
    err_code c = s->off ? ERR_OK : sandbox_calls(format, e);
    if (!c)
        s->sealed = !s->off;
    return c;
}

void sandbox_tell(const struct sandbox *s, const struct log_sink *log)
{
    struct log_field user = log_text("user", str_c(s->user));
    if (s->off) {
        struct log_field f[] = {user, log_text("reason", STR("--no-sandbox"))};
        log_event(log, LOG_WARN_LEVEL, "sandbox-off", f, 2);
    } else {
        struct log_field f[] = {user, log_text("seccomp", s->sealed ? STR("on") : STR("off")),
                                log_number("landlock", s->landlock)};
        log_event(log, LOG_INFO_LEVEL, "sandbox-on", f, 3);
    }
    if (s->root) {
        struct log_field f[] = {log_text("reason", STR("make a user " SANDBOX_DEFAULT_USER
                                                       " for it, or name another with --user"))};
        log_event(log, LOG_WARN_LEVEL, "runs-as-root", f, 1);
    }
    if (!s->off && !s->landlock) {
        struct log_field f[] = {log_text(
            "reason", STR("this kernel has no Landlock (Linux 5.13, listed in its lsm= setting): "
                          "only file permissions limit what can be written"))};
        log_event(log, LOG_WARN_LEVEL, "no-landlock", f, 1);
    }
}
