/* The store's tests; with arguments, the other process that some of them need. */
#include <stdio.h>
#include <string.h>

#include "support.h"

static int run_role(const char *role, const char *path, const char *arg)
{
    static const struct {
        const char *name;
        int (*run)(const char *path, const char *arg);
    } roles[] = {
        {"write", child_write},    {"write-for-ever", child_write_for_ever},
        {"full", child_full_disk}, {"nobody", child_nobody},
        {"lock", child_lock},
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(role, roles[i].name) == 0)
            return roles[i].run(path, arg);
    fprintf(stderr, "no such role: %s\n", role);
    return 99;
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return run_role(argv[1], argv[2], argv[3]);
    struct tally (*const all[])(void) = {open_tests,  write_tests, read_tests,    changes_tests,
                                         crash_tests, token_tests, history_tests, backup_tests};
    scratch_make();
    struct tally sum = {0, 0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct tally t = all[i]();
        sum.passed += t.passed;
        sum.failed += t.failed;
    }
    scratch_remove();
    printf("%d passed, %d failed\n", sum.passed, sum.failed);
    return sum.failed ? 1 : 0;
}
