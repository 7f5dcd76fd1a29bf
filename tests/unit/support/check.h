/*
 * check.h - the least that a test program with a plain main() needs.
 *
 *     static void counts_to_two(void) { CHECK(1 + 1 == 2, "sum is %d", 1 + 1); }
 *     int main(void) { RUN(counts_to_two); return check_done(); }
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>

static int check_passed, check_failed, check_bad;

#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            check_bad = 1;                                                                         \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #cond);                             \
            fprintf(stderr, " " __VA_ARGS__);                                                      \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)

#define RUN(test)                                                                                  \
    do {                                                                                           \
        check_bad = 0;                                                                             \
        test();                                                                                    \
        if (check_bad) {                                                                           \
            check_failed++;                                                                        \
            fprintf(stderr, "FAIL %s\n", #test);                                                   \
        } else {                                                                                   \
            check_passed++;                                                                        \
        }                                                                                          \
    } while (0)

static int check_done(void)
{
    printf("%d passed, %d failed\n", check_passed, check_failed);
    return check_failed ? 1 : 0;
}

#endif
