/*
 * The system calls that serving needs, and nothing else. Calls that are not on the list are
 * answered by a signal handler of ours, which tells the name and lets them fail with ENOSYS:
 * libraries take that for an older kernel and do without. Ending the process instead would let one
 * call that a new libc makes take the boot of a whole site down; what an attacker gains is nothing,
 * since the call was not made. (A handler that was taken away ends the process at the next such
 * call.)
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "sandbox.h"

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* --- what is allowed -----------------------------------------------------------------------------
 */

#define C(name) SCMP_SYS(name)

/* With any arguments. What an architecture does not have, libseccomp passes over. */
static const int allowed[] = {
    /* files: which ones is for Landlock and the user to say */
    C(read), C(write), C(readv), C(writev), C(pread64), C(pwrite64), C(preadv), C(pwritev),
    C(close), C(lseek), C(open), C(openat), C(openat2), C(stat), C(fstat), C(lstat), C(newfstatat),
    C(statx), C(statfs), C(fstatfs), C(access), C(faccessat), C(faccessat2), C(readlink),
    C(readlinkat), C(getcwd), C(getdents64), C(mkdir), C(mkdirat), C(rmdir), C(unlink), C(unlinkat),
    C(rename), C(renameat), C(renameat2), C(link), C(linkat), C(ftruncate), C(fallocate), C(fsync),
    C(fdatasync), C(flock), C(fcntl), C(fadvise64), C(fchmod), C(fchown), C(umask), C(utimensat),
    C(dup), C(dup2), C(dup3), C(pipe2), C(copy_file_range),
    /* connections that machines make to us; a socket of our own: see below */
    C(accept), C(accept4), C(bind), C(listen), C(shutdown), C(getsockname), C(getpeername),
    C(getsockopt), C(setsockopt), C(recvfrom), C(recvmsg), C(sendto), C(sendmsg), C(sendmmsg),
    C(sendfile), C(poll), C(ppoll), C(select), C(pselect6), C(epoll_create1), C(epoll_ctl),
    C(epoll_wait), C(epoll_pwait), C(eventfd2),
    /* memory and threads */
    C(brk), C(munmap), C(mremap), C(madvise), C(mlock), C(mlock2), C(munlock), C(membarrier),
    C(futex), C(set_robust_list), C(get_robust_list), C(rseq), C(set_tid_address), C(exit),
    C(exit_group), C(sched_yield), C(sched_getaffinity), C(gettid), C(getpid), C(getppid),
    C(getuid), C(geteuid), C(getgid), C(getegid), C(getrandom), C(sysinfo), C(uname), C(getrusage),
    C(prlimit64), C(getrlimit), C(restart_syscall),
    /* signals and time */
    C(rt_sigaction), C(rt_sigprocmask), C(rt_sigreturn), C(rt_sigtimedwait), C(sigaltstack),
    C(nanosleep), C(clock_nanosleep), C(clock_gettime), C(clock_getres), C(gettimeofday), C(time),
    C(times)};

/*
 * The address sanitizer's search for leaks, at the end, stops all threads by ptrace from a process
 * that it makes; reports are symbolized by a program that it runs. Without this a sanitized server
 * could not be tested within the sandbox.
 */
static const int allowed_sanitized[] = {
    C(ptrace),    C(clone),   C(wait4), C(prctl),  C(tgkill),  C(kill),        C(mmap),
    C(mprotect),  C(fork),    C(vfork), C(execve), C(getpgrp), C(personality), C(process_vm_readv),
    C(setrlimit), C(getdents)};

static int allow_list(scmp_filter_ctx f, const int *calls, size_t n)
{
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
    return rc;
}

/* One argument must be datum, or its bits of mask must be. */
static int allow_if(scmp_filter_ctx f, int call, unsigned arg, uint64_t mask, uint64_t datum)
{
    struct scmp_arg_cmp x = {.arg = arg, .op = SCMP_CMP_EQ, .datum_a = datum};
    if (mask)
        x = (struct scmp_arg_cmp){arg, SCMP_CMP_MASKED_EQ, mask, datum};
    return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &x);
}

/* With some arguments only. */
static int allow_partly(scmp_filter_ctx f)
{
    static const unsigned long ioctls[] = {FIONBIO, FIONREAD, TCGETS, TIOCGWINSZ};
    /* What is written is never run. */
    int rc = allow_if(f, C(mmap), 2, PROT_EXEC, 0);
    if (!rc)
        rc = allow_if(f, C(mprotect), 2, PROT_EXEC, 0);
    /* Threads, no processes. clone3 hides its flags in memory, so libc is told that there is none;
       it may have all signals blocked then, which our handler could not bear. */
    if (!rc)
        rc = allow_if(f, C(clone), 0, CLONE_THREAD, CLONE_THREAD);
    if (!rc)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), C(clone3), 0);
    /* Names of threads. */
    if (!rc)
        rc = allow_if(f, C(prctl), 0, 0, PR_SET_NAME);
    /* Aborting. */
    if (!rc)
        rc = allow_if(f, C(tgkill), 0, 0, (uint64_t)getpid());
    /* The listener nobody knows that http puts in the place of one that stops; and no other. */
    if (!rc)
        rc = allow_if(f, C(socket), 0, 0, AF_UNIX);
    for (size_t i = 0; i < sizeof ioctls / sizeof *ioctls && !rc; i++)
        rc = allow_if(f, C(ioctl), 1, 0, ioctls[i]);
    return rc;
}

/* --- what is refused -----------------------------------------------------------------------------
 */

/* Where the result of a refused call goes; without it calls are refused untold. */
#if defined(__x86_64__)
#define RESULT(u) ((u)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define RESULT(u) ((u)->uc_mcontext.regs[0])
#endif

#ifdef RESULT
#define REFUSE    SCMP_ACT_TRAP
#define NAMES_MAX 1024

/* Written once, before the filter is in force; the handler may not ask libseccomp, which allocates.
 */
static char *names[NAMES_MAX];
static atomic_bool told[NAMES_MAX];
static enum log_format log_form;

static void learn_names(void)
{
    for (int i = 0; i < NAMES_MAX; i++)
        if (!names[i])
            names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
}

/* One write of one line, made on the stack. */
static void tell(int number)
{
    bool known = number >= 0 && number < NAMES_MAX;
    if (known && atomic_exchange(&told[number], true))
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char line[512];
    struct buf b = {.p = line, .cap = sizeof line, .max = sizeof line};
    const char *name = known && names[number] ? names[number] : "unknown";
    struct log_field f[] = {log_text("call", str_c(name)), log_number("number", (uint64_t)number)};
    struct log_clock clock = {0};
    log_line(&b, log_form, &clock, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
             LOG_ERROR_LEVEL, "sandbox-refused", f, 2);
    if (!b.failed && write(STDERR_FILENO, b.p, b.n) < 0)
        return;
}

static void on_refused(int signal, siginfo_t *info, void *context)
{
    int had = errno;
    ucontext_t *u = context;
    (void)signal;
    tell(info->si_syscall);
    RESULT(u) = (__typeof__(RESULT(u)))-ENOSYS;
    errno = had;
}

static bool catch_refused(enum log_format format)
{
    struct sigaction on = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&on.sa_mask);
    log_form = format;
    learn_names();
    return sigaction(SIGSYS, &on, NULL) == 0;
}
#else
#define REFUSE SCMP_ACT_ERRNO(ENOSYS)
static bool catch_refused(enum log_format format)
{
    (void)format;
    return true;
}
#endif

static int load(scmp_filter_ctx f)
{
    int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!rc)
        rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    /* A binary tree: older kernels run the filter for each call. No slower memory for each thread:
       that is for programs that run code of strangers. */
    if (!rc)
        rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (!rc)
        rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
    if (!rc && SANITIZED)
        rc = allow_list(f, allowed_sanitized, sizeof allowed_sanitized / sizeof *allowed_sanitized);
    if (!rc)
        rc = allow_list(f, allowed, sizeof allowed / sizeof *allowed);
    if (!rc)
        rc = allow_partly(f);
    return rc ? rc : seccomp_load(f);
}

err_code sandbox_calls(enum log_format format, struct err *e)
{
    if (!catch_refused(format))
        return err_errno(e, ERR_IO, errno, "cannot prepare the list of system calls");
    scmp_filter_ctx f = seccomp_init(REFUSE);
    if (!f)
        return err_set(e, ERR_NOMEM, "out of memory while making the list of system calls");
    int rc = load(f);
    seccomp_release(f);
    if (rc)
        return err_errno(e, ERR_IO, -rc,
                         "the list of system calls cannot be put in force: the kernel has no "
                         "seccomp, or what started this process forbids it; --no-sandbox runs "
                         "without");
    return ERR_OK;
}
