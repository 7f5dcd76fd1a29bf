#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

/* Of later kernels than the headers that this is built with: linux/landlock.h of Linux 6.12. */
#define FS_TRUNCATE           (1ULL << 14) /* version 3 */
#define FS_IOCTL_DEV          (1ULL << 15) /* version 5 */
#define NET_BIND_TCP          (1ULL << 0)  /* version 4 */
#define NET_CONNECT_TCP       (1ULL << 1)
#define SCOPE_ABSTRACT_SOCKET (1ULL << 0) /* version 6 */
#define SCOPE_SIGNAL          (1ULL << 1)

struct ruleset_attr {
    uint64_t fs, net, scoped;
};

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                                   \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |   \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR)
/* What nobody gets. */
#define FS_NEVER                                                                                   \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static err_code failed(struct err *e, const char *what)
{
    return err_errno(e, ERR_IO, errno, "Landlock: %s", what);
}

static err_code allow(int ruleset, const char *path, uint64_t access, struct err *e)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot open %s", path);
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int errnum = errno;
    close(rule.parent_fd);
    errno = errnum;
    return rc == 0 ? ERR_OK : failed(e, "a rule is not taken");
}

static err_code add_rules(int ruleset, const char *data_path, uint64_t handled, struct err *e)
{
    uint64_t all = FS_READ | FS_WRITE | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE;
    err_code c = allow(ruleset, "/", FS_READ, e);
    if (!c)
        c = allow(ruleset, data_path, all & handled, e);
    if (!c && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        c = failed(e, "the rules cannot be put in force");
    return c;
}

err_code sandbox_files(const char *data_path, unsigned *ret_version, struct err *e)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version <= 0) {
        *ret_version = 0;
        return ERR_OK;
    }
    struct ruleset_attr attr = {.fs = FS_READ | FS_WRITE | FS_NEVER};
    size_t size = offsetof(struct ruleset_attr, net);
    if (version >= 2)
        attr.fs |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        attr.fs |= FS_TRUNCATE;
    if (version >= 4) {
        attr.net = NET_BIND_TCP | NET_CONNECT_TCP;
        size = offsetof(struct ruleset_attr, scoped);
    }
    if (version >= 5)
        attr.fs |= FS_IOCTL_DEV;
    if (version >= 6) {
        attr.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
        size = sizeof attr;
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        return failed(e, "cannot make rules");
    err_code c = add_rules(ruleset, data_path, attr.fs, e);
    close(ruleset);
    if (!c)
        *ret_version = (unsigned)version;
    return c;
}
