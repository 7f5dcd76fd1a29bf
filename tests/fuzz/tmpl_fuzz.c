/*
 * Templates and data from bytes: the template, a zero byte, the data as JSON ({} if it is not).
 * Whatever they are, compiling and executing must end soon, with text or with an error that has a
 * message, and without touching memory that is not theirs.
 */
#include "base/always.h"
#include "tmpl/tmpl.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void execute(const struct tmpl *t, struct str json)
{
    ARENA_LOCAL(a, 2 << 20);
    BUF_LOCAL(out, 256 << 10);
    struct tmpl_limits limits = {.depth = 50, .steps = 20000, .output = 64 << 10, .width = 200};
    struct value data;
    struct err e = ERR_INIT;
    if (value_from_json(&a, json, &data, &e))
        data = value_map(VALUE_MAP, NULL, 0);
    err_code code = tmpl_execute(t, &data, &a, &limits, &out, &e);
    always(out.n <= limits.output);
    always(code == ERR_OK || (e.code == code && e.msg[0] && e.line > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str input = str_of((const char *)bytes, size), json = STR("{}");
    struct str source = str_cut(input, '\0', &json);
    struct tmpl *t = NULL;
    struct err e = ERR_INIT;
    err_code code = tmpl_compile(STR("fuzz"), source, &t, &e);
    if (code) {
        always(!t && e.code == code && e.msg[0]);
        return 0;
    }
    always(tmpl_memory(t) >= source.n);
    execute(t, json);
    tmpl_free(t);
    return 0;
}
