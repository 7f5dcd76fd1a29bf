/* The API from a socket to the database and back. */
#include <stdio.h>

#include "support.h"

int main(void)
{
    void (*const all[])(struct tally *) = {
        access_tests,  resource_tests, condition_tests, invalid_tests, list_tests,
        race_tests,    openapi_tests,  revision_tests,  metrics_tests, token_tests,
        explain_tests, gzip_tests,     plan_tests};
    struct tally t = {0, 0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        api_start();
        all[i](&t);
        api_stop();
    }
    printf("%d passed, %d failed\n", t.passed, t.failed);
    return t.failed ? 1 : 0;
}
