/*
 * suites.h - the catalog's tests, one suite a file. check.h counts for each file by itself; main.c
 * adds up.
 */
#ifndef TESTS_CATALOG_SUITES_H
#define TESTS_CATALOG_SUITES_H

struct tally {
    int passed;
    int failed;
};

struct tally hamt_suite(void);
struct tally hamt_nomem_suite(void);
struct tally grace_suite(void);
struct tally view_suite(void);
struct tally rank_suite(void);
struct tally load_suite(void);

/* What a suite returns at its end. */
#define SUITE_TALLY ((void)check_done, (struct tally){check_passed, check_failed})

#endif
