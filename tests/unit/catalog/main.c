#include <stdio.h>

#include "suites.h"

int main(void)
{
    struct tally (*const suites[])(void) = {hamt_suite, hamt_nomem_suite, grace_suite,
                                            view_suite, rank_suite,       load_suite};
    struct tally all = {0};
    for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++) {
        struct tally t = suites[i]();
        all.passed += t.passed;
        all.failed += t.failed;
    }
    printf("%d passed, %d failed\n", all.passed, all.failed);
    return all.failed ? 1 : 0;
}
