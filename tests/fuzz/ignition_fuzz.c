/*
 * Ignition configs: what is taken has a version that is known and no error among its findings; what
 * is not has an error that says why.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/always.h"
#include "ignition/ignition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_LOCAL(a, 64u << 20);
    struct findings f;
    struct ignition_version v = {0, 0, 0};
    struct err e = ERR_INIT;
    findings_init(&f, &a);
    err_code c = ignition_validate(str_of((const char *)data, size), &a, &f, &v, &e);
    always((c == ERR_OK) == (f.errors == 0) || c == ERR_NOMEM);
    always(c != ERR_OK || v.major == 2 || (v.major == 3 && v.minor <= IGNITION_MINOR_MAX));
    always(c == ERR_OK || (e.code == c && e.msg[0] != '\0'));
    for (const struct finding *x = f.first; x; x = x->next)
        always(x->message.n > 0 && x->line >= 0 && x->column >= 0);
    return 0;
}
