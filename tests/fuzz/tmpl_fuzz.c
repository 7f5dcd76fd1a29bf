/*
 * Templates and data from bytes: the template, a zero byte, the data as JSON ({} if it is not). Of
 * the data, `request` is marked, or all of it if there is none.
 *
 * Whatever they are, compiling and executing must end soon, with text or with an error that has a
 * message, without touching memory that is not theirs and within the limits. In a context that
 * checks marks the text must be what it is without the check, or an error.
 */
#include "base/always.h"
#include "tmpl/tmpl.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define MEMORY_MAX ((size_t)1 << 20)
#define OUTPUT_MAX ((size_t)64 << 10)

static void mark_all(struct value *v)
{
    v->marked = true;
    for (uint32_t i = 0; v->kind == VALUE_LIST && i < v->n; i++)
        mark_all((struct value *)(uintptr_t)&v->list[i]);
    for (uint32_t i = 0; value_is_map(*v) && i < v->n; i++)
        mark_all((struct value *)(uintptr_t)&v->map[i].v);
}

static void make_data(struct arena *a, struct str json, struct value *ret)
{
    struct err e = ERR_INIT;
    if (value_from_json(a, json, ret, &e))
        *ret = value_map(VALUE_MAP, NULL, 0);
    const struct value *request = value_get(ret, STR("request"));
    mark_all(request ? (struct value *)(uintptr_t)request : ret);
}

/* True if it came out; the text is in out. */
static bool execute(const struct tmpl *t, enum tmpl_context context, struct str json,
                    struct buf *out)
{
    ARENA_LOCAL(a, 4 << 20);
    struct tmpl_options options = {.context = context,
                                   .depth = 50,
                                   .steps = 20000,
                                   .memory = MEMORY_MAX,
                                   .output = OUTPUT_MAX,
                                   .width = 200};
    struct value data;
    struct err e = ERR_INIT;
    make_data(&a, json, &data);
    size_t before = a.used;
    err_code code = tmpl_execute(t, &data, &a, &options, out, &e);
    always(out->n <= OUTPUT_MAX || code);
    always(a.used - before <= MEMORY_MAX);
    always(code == ERR_OK || (e.code == code && e.msg[0] && e.line > 0));
    return !code;
}

static void execute_everywhere(const struct tmpl *t, struct str json)
{
    BUF_LOCAL(trusted, 256 << 10);
    bool good = execute(t, TMPL_TRUSTED, json, &trusted);
    for (int c = 0; c < TMPL_TRUSTED; c++) {
        BUF_LOCAL(checked, 256 << 10);
        if (execute(t, (enum tmpl_context)c, json, &checked))
            always(good && str_eq(buf_str(&trusted), buf_str(&checked)));
    }
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
    execute_everywhere(t, json);
    tmpl_free(t);
    return 0;
}
