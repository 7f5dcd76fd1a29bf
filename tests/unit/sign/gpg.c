#include "gpg.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[] = "/tmp/vesta-gpg-XXXXXX";
static char output[16384];

static void path_of(const char *name, char *dst, size_t size)
{
    int n = snprintf(dst, size, "%s/%s", home, name);
    cr_assert(n > 0 && (size_t)n < size);
}

void gpg_open(void)
{
    cr_assert_not_null(mkdtemp(home));
    cr_assert_eq(setenv("GNUPGHOME", home, 1), 0);
    cr_assert_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
}

void gpg_close(void)
{
    cr_expect_eq(RUN("gpgconf", "--kill", "all"), 0, "%s", output);
    cr_expect_eq(RUN("rm", "-rf", home), 0);
}

const char *gpg_output(void)
{
    return output;
}

static _Noreturn void become(const char *const argv[], int out)
{
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0 && chdir(home) == 0)
        execvp(argv[0], (char *const *)argv);
    _exit(127);
}

int gpg_run(const char *const argv[])
{
    int out = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    cr_assert_geq(out, 0, "no temporary file");
    pid_t pid = fork();
    cr_assert_geq(pid, 0, "no process");
    if (pid == 0)
        become(argv, out);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    ssize_t n = pread(out, output, sizeof output - 1, 0);
    output[n > 0 ? n : 0] = '\0';
    close(out);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) != 127, "%s did not run", argv[0]);
    return WEXITSTATUS(status);
}

void gpg_write_file(const char *name, struct str bytes)
{
    char path[128];
    path_of(name, path, sizeof path);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f, "%s", path);
    cr_assert_eq(fwrite(bytes.n ? bytes.p : "", 1, bytes.n, f), bytes.n);
    cr_assert_eq(fclose(f), 0);
}

void gpg_read_file(const char *name, struct buf *dst)
{
    char path[128], block[4096];
    path_of(name, path, sizeof path);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(dst, block, n);
    cr_assert(!ferror(f) && !dst->failed, "%s", path);
    fclose(f);
}

void gpg_make_key(const char *user_id, const char *algorithm, const char *usage)
{
    cr_assert_eq(
        GPG("--passphrase", "", "--quick-generate-key", user_id, algorithm, usage, "never"), 0,
        "%s", output);
}
