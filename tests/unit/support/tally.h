/*
 * tally.h - for a test program of several files: check.h counts in each file by itself, the tally
 * is what main() adds up. A file that uses TALLY includes check.h.
 */
#ifndef TESTS_TALLY_H
#define TESTS_TALLY_H

struct tally {
    int passed, failed;
};

/* Ends the tests of a file. */
#define TALLY(t)                                                                                   \
    do {                                                                                           \
        check_done();                                                                              \
        (t)->passed += check_passed;                                                               \
        (t)->failed += check_failed;                                                               \
    } while (0)

#endif
