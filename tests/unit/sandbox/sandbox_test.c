/*
 * What a process that has entered the sandbox can still do. Each case is a child that enters it and
 * tries; what it prints to stderr is read by the parent.
 */
#include "../support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../cmd/vesta/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* --- a folder, a child, what it said -------------------------------------------------------------
 */

static char root[64], data[80], told[1 << 16];

static void make_folders(void)
{
    snprintf(root, sizeof root, "/tmp/vesta-sandbox-XXXXXX");
    CHECK(mkdtemp(root));
    chmod(root, 0755);
    snprintf(data, sizeof data, "%s/data", root);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

/* The path of a name in the folder above the data path; good until the fourth call after. */
static const char *at(const char *name)
{
    static char paths[4][200];
    static unsigned turn;
    char *p = paths[turn++ % 4];
    snprintf(p, sizeof paths[0], "%s/%s", root, name);
    return p;
}

static void write_file(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    CHECK(fd >= 0 && write(fd, "text", 4) == 4, "%s: %s", path, strerror(errno));
    close(fd);
}

/* In the child: a sentence about what is wrong, and the end. */
#define MUST(cond, ...)                                                                            \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(STDERR_FILENO, "%s:%d: %s (errno %d) ", __FILE__, __LINE__, #cond, errno);     \
            dprintf(STDERR_FILENO, " " __VA_ARGS__);                                               \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static struct sandbox enter(const char *user)
{
    struct sandbox s;
    struct err e = ERR_INIT;
    const struct sandbox_options o = {.user = user, .data_path = data};
    MUST(sandbox_enter(&o, &s, &e) == ERR_OK, "%s", e.msg);
    return s;
}

static void seal(struct sandbox *s)
{
    struct err e = ERR_INIT;
    MUST(sandbox_seal(s, LOG_TEXT, &e) == ERR_OK, "%s", e.msg);
}

static const char *myself(void)
{
    return geteuid() == 0 ? "root" : "";
}

/* Runs it in a child; what that says on stderr is in `told`. */
static void in_child(void (*body)(void))
{
    int ends[2], status = 0;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t n = 0;
    ssize_t k;
    while ((k = read(ends[0], told + n, sizeof told - 1 - n)) > 0)
        n += (size_t)k;
    told[n] = '\0';
    close(ends[0]);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x: %s", (unsigned)status, told);
}

/* --- system calls --------------------------------------------------------------------------------
 */

struct forbidden {
    const char *name;
    long number;
    long args[6];
    bool sanitizer_needs_it;
};

static const struct forbidden forbidden[] = {
    {"execve", SYS_execve, {0}, true},
    {"execveat", SYS_execveat, {0}, false},
    {"ptrace", SYS_ptrace, {0}, true},
    {"process_vm_writev", SYS_process_vm_writev, {0}, false},
    {"clone", SYS_clone, {SIGCHLD}, true},
    {"socket", SYS_socket, {AF_INET, SOCK_STREAM}, false},
    {"connect", SYS_connect, {-1}, false},
    {"mount", SYS_mount, {0}, false},
    {"chroot", SYS_chroot, {0}, false},
    {"unshare", SYS_unshare, {0}, false},
    {"setns", SYS_setns, {-1}, false},
    {"setuid", SYS_setuid, {0}, false},
    {"capset", SYS_capset, {0}, false},
    {"kill", SYS_kill, {1, 0}, true},
    {"bpf", SYS_bpf, {0}, false},
    {"io_uring_setup", SYS_io_uring_setup, {1}, false},
    {"perf_event_open", SYS_perf_event_open, {0}, false},
    {"init_module", SYS_init_module, {0}, false},
    {"keyctl", SYS_keyctl, {0}, false},
    {"seccomp", SYS_seccomp, {0}, false},
    {"memfd_create", SYS_memfd_create, {0}, false},
    {"fchmodat", SYS_fchmodat, {0}, false},
    {"mmap", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}, true},
    {"mprotect", SYS_mprotect, {0, 4096, PROT_EXEC}, true},
    {"prctl", SYS_prctl, {PR_SET_DUMPABLE, 1}, true},
    {"tgkill", SYS_tgkill, {1, 1, 0}, true},
};
#define FORBIDDEN_N (sizeof forbidden / sizeof *forbidden)

static void try_forbidden(void)
{
    struct sandbox s = enter(myself());
    seal(&s);
    for (size_t i = 0; i < FORBIDDEN_N; i++) {
        const struct forbidden *f = &forbidden[i];
        const long *a = f->args;
        if (SANITIZED && f->sanitizer_needs_it)
            continue;
        errno = 0;
        long rc = syscall(f->number, a[0], a[1], a[2], a[3], a[4], a[5]);
        MUST(rc == -1 && errno == ENOSYS, "%s", f->name);
        syscall(f->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    MUST(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == ENOSYS);
    MUST(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == ENOSYS);
    MUST(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static void other_calls_are_refused_and_told_once(void)
{
    make_folders();
    in_child(try_forbidden);
    for (size_t i = 0; i < FORBIDDEN_N; i++) {
        char line[80];
        snprintf(line, sizeof line, " error sandbox-refused call=%s number=%ld\n",
                 forbidden[i].name, forbidden[i].number);
        if (SANITIZED && forbidden[i].sanitizer_needs_it)
            continue;
        const char *found = strstr(told, line);
        CHECK(found, "not told: %s", line);
        CHECK(!found || !strstr(found + 1, line), "told twice: %s", line);
    }
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static _Atomic int stage;

/* Started before the filter, so that it must reach it. */
static void *earlier_thread(void *unused)
{
    while (stage == 0)
        sched_yield();
    MUST(syscall(SYS_chroot, "/") == -1 && errno == ENOSYS);
    return unused;
}

static void *later_thread(void *unused)
{
    pthread_setname_np(pthread_self(), "later");
    MUST(syscall(SYS_unshare, 0) == -1 && errno == ENOSYS);
    return unused;
}

static void run_threads(void)
{
    struct sandbox s = enter(myself());
    pthread_t earlier, later;
    MUST(pthread_create(&earlier, NULL, earlier_thread, NULL) == 0);
    seal(&s);
    stage = 1;
    MUST(pthread_create(&later, NULL, later_thread, NULL) == 0);
    pthread_join(earlier, NULL);
    pthread_join(later, NULL);
    char *big = malloc(64u << 20);
    MUST(big);
    memset(big, 1, 64u << 20);
    free(big);
}

static void threads_of_before_and_after_are_inside(void)
{
    make_folders();
    in_child(run_threads);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- files ---------------------------------------------------------------------------------------
 */

static void use_data(void)
{
    MUST(mkdir(at("data/keys"), 0700) == 0);
    int fd = open(at("data/new"), O_RDWR | O_CREAT | O_EXCL, 0600);
    MUST(fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0 && fsync(fd) == 0);
    MUST(close(fd) == 0 && link(at("data/new"), at("data/linked")) == 0);
    MUST(rename(at("data/new"), at("data/keys/moved")) == 0);
    MUST(unlink(at("data/linked")) == 0);
    fd = open(data, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
    MUST(unlink(at("data/keys/moved")) == 0 && rmdir(at("data/keys")) == 0);
}

static void use_outside(void)
{
    MUST(open(at("outside"), O_RDONLY) >= 0);
    MUST(open("/etc/passwd", O_RDONLY) >= 0 && open("/", O_RDONLY | O_DIRECTORY) >= 0);
    MUST(open(at("outside"), O_WRONLY) == -1 && errno == EACCES);
    MUST(open(at("outside"), O_RDONLY | O_TRUNC) == -1 && errno == EACCES);
    MUST(open(at("made"), O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES);
    MUST(open("/tmp", O_TMPFILE | O_RDWR, 0600) == -1 && errno == EACCES);
    MUST(mkdir(at("folder"), 0700) == -1 && errno == EACCES);
    MUST(unlink(at("outside")) == -1 && errno == EACCES);
    MUST(rename(at("outside"), at("data/outside")) == -1 && (errno == EACCES || errno == EXDEV));
    MUST(link(at("outside"), at("data/outside")) == -1 && (errno == EACCES || errno == EXDEV));
    MUST(open(at("data/../made"), O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES);
}

static void try_files(void)
{
    struct sandbox s = enter(myself());
    seal(&s);
    use_data();
    if (!s.landlock) {
        dprintf(STDERR_FILENO, "this kernel has no Landlock");
        return;
    }
    use_outside();
}

static void only_the_data_path_is_written(void)
{
    make_folders();
    write_file(at("outside"), 0666);
    in_child(try_files);
    if (strcmp(told, "this kernel has no Landlock") == 0)
        fprintf(stderr, "note: %s, so writing elsewhere was not tried\n", told);
    CHECK(access(at("made"), F_OK) != 0 && access(at("outside"), F_OK) == 0);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- the process ---------------------------------------------------------------------------------
 */

static void look_at_myself(void)
{
    struct sandbox s = enter(myself());
    struct rlimit core;
    MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    MUST(prctl(PR_GET_DUMPABLE) == 0);
    MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2];
    MUST(syscall(SYS_capget, &head, caps) == 0);
    const unsigned files = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER;
    MUST((caps[0].permitted & ~files) == 0 && caps[1].permitted == 0 && caps[0].inheritable == 0);
    seal(&s);
    MUST(s.sealed);
}

static void memory_and_privileges_are_given_up(void)
{
    make_folders();
    in_child(look_at_myself);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void stay_outside(void)
{
    struct sandbox s;
    struct err e = ERR_INIT;
    const struct sandbox_options o = {.off = true, .user = myself(), .data_path = data};
    MUST(sandbox_enter(&o, &s, &e) == ERR_OK && sandbox_seal(&s, LOG_TEXT, &e) == ERR_OK);
    MUST(!s.sealed && s.off && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    MUST(open(at("made"), O_WRONLY | O_CREAT, 0600) >= 0);
    MUST(syscall(SYS_unshare, 0) == 0);
}

static void it_can_be_switched_off(void)
{
    make_folders();
    in_child(stay_outside);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- the user ------------------------------------------------------------------------------------
 */

#define NOBODY 65534

static void become_nobody(void)
{
    struct sandbox s = enter("nobody");
    gid_t groups[8];
    int n = getgroups(8, groups);
    MUST(getuid() == NOBODY && geteuid() == NOBODY && getegid() == NOBODY);
    MUST(n <= 1 && (n == 0 || groups[0] == NOBODY));
    MUST(strcmp(s.user, "nobody") == 0 && !s.root);
    MUST(setuid(0) == -1 && seteuid(0) == -1);
    MUST(open(at("data/vesta.db"), O_RDWR) >= 0);
    MUST(open(at("data/keys/secret.key"), O_RDONLY) >= 0);
    MUST(open(at("data/assets/kernel"), O_RDONLY) >= 0);
    MUST(open(at("data/assets/kernel"), O_WRONLY) == -1);
    MUST(open(at("theirs"), O_RDONLY) == -1 && errno == EACCES);
    seal(&s);
}

static void expect_owner(const char *path, uid_t uid)
{
    struct stat st;
    CHECK(lstat(path, &st) == 0 && st.st_uid == uid, "%s belongs to %u", path, st.st_uid);
}

static void root_gives_the_data_path_away(void)
{
    if (geteuid() != 0)
        return;
    make_folders();
    mkdir(data, 0700);
    mkdir(at("data/keys"), 0700);
    mkdir(at("data/assets"), 0755);
    write_file(at("data/vesta.db"), 0600);
    write_file(at("data/keys/secret.key"), 0600);
    write_file(at("data/assets/kernel"), 0644);
    write_file(at("theirs"), 0600);
    write_file(at("others"), 0600);
    CHECK(link(at("theirs"), at("data/hard")) == 0 && symlink(at("others"), at("data/soft")) == 0);
    in_child(become_nobody);
    expect_owner(data, NOBODY);
    expect_owner(at("data/vesta.db"), NOBODY);
    expect_owner(at("data/keys"), NOBODY);
    expect_owner(at("data/keys/secret.key"), NOBODY);
    expect_owner(at("data/assets"), 0);
    expect_owner(at("data/assets/kernel"), 0);
    expect_owner(at("theirs"), 0);
    expect_owner(at("others"), 0);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void refuse_users(void)
{
    struct sandbox s;
    struct err e = ERR_INIT;
    struct sandbox_options o = {.user = "no-such-user", .data_path = data};
    MUST(sandbox_enter(&o, &s, &e) == ERR_NOT_FOUND);
    MUST(strstr(e.msg, "there is no user \"no-such-user\"") && strstr(e.msg, "useradd"));
    MUST(access(data, F_OK) != 0);
    if (geteuid() == 0) {
        MUST(mkdir(data, 0700) == 0 && chmod(root, 0700) == 0);
        o.user = "nobody";
        MUST(sandbox_enter(&o, &s, &e) == ERR_DENIED);
        MUST(strstr(e.msg, data) && strstr(e.msg, "chown -R nobody"), "%s", e.msg);
    }
    o.user = "root";
    MUST(sandbox_enter(&o, &s, &e) == ERR_DENIED && strstr(e.msg, "only root can become"));
}

static void users_that_cannot_be_are_told(void)
{
    make_folders();
    in_child(refuse_users);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    RUN(other_calls_are_refused_and_told_once);
    RUN(threads_of_before_and_after_are_inside);
    RUN(only_the_data_path_is_written);
    RUN(memory_and_privileges_are_given_up);
    RUN(it_can_be_switched_off);
    RUN(root_gives_the_data_path_away);
    RUN(users_that_cannot_be_are_told);
    return check_done();
}
