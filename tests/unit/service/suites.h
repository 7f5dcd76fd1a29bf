/*
 * suites.h - the service's tests, a suite a file; check.h counts for each file by itself.
 */
#ifndef TESTS_SERVICE_SUITES_H
#define TESTS_SERVICE_SUITES_H

struct tally {
    int passed, failed;
};

struct tally labels_suite(void);
struct tally signing_suite(void);
struct tally plan_suite(void);
struct tally plan_turns_suite(void);
struct tally secrets_suite(void);

/* What a suite returns at its end. */
#define SUITE_TALLY ((void)check_done, (struct tally){check_passed, check_failed})

#endif
