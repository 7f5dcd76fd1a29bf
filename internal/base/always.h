/*
 * always.h - assertions that stay on in release builds.
 *
 * For what must not happen whatever the input is: a broken invariant of our own. Never for bad
 * input, never for a failed allocation that an error can report.
 */
#ifndef BASE_ALWAYS_H
#define BASE_ALWAYS_H

/* Prints the expression and its place to stderr and aborts. */
_Noreturn void always_failed(const char *expr, const char *file, int line);

#define always(x)                                                                                  \
    do {                                                                                           \
        if (__builtin_expect(!(x), 0))                                                             \
            always_failed(#x, __FILE__, __LINE__);                                                 \
    } while (0)

#endif
