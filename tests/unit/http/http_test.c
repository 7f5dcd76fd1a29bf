#include <stdio.h>

#include "support.h"

int main(void)
{
    struct tally t = {0, 0};
    refuse_tests(&t);
    serve_tests(&t);
    limit_tests(&t);
    deadline_tests(&t);
    stop_tests(&t);
    file_tests(&t);
    counts_tests(&t);
    body_tests(&t);
    address_tests(&t);
    raw_tests(&t);
    printf("%d passed, %d failed\n", t.passed, t.failed);
    return t.failed ? 1 : 0;
}
