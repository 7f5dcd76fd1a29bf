/*
 * Fuzzing of the Butane translator: any bytes, as a config, with a small set of local files. Built
 * by clang with -fsanitize=fuzzer,address,undefined from this file and internal/ignition,
 * internal/value and internal/base; needs libyaml and zlib.
 */
#include <stdlib.h>

#include "ignition/butane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool x)
{
    if (!x)
        abort();
}

static err_code read_file(void *ctx, struct str path, struct str *ret, struct err *e)
{
    (void)ctx;
    if (path.n > 8)
        return err_set(e, ERR_NOT_FOUND, "there is no such file");
    *ret = path;
    return ERR_OK;
}

static err_code list_tree(void *ctx, struct str path, const struct butane_tree_entry **ret,
                          size_t *ret_n, struct err *e)
{
    static const struct butane_tree_entry entries[] = {
        {STR_INIT("a"), BUTANE_FILE, {NULL, 0}},
        {STR_INIT("b"), BUTANE_DIRECTORY, {NULL, 0}},
        {STR_INIT("b/c"), BUTANE_EXECUTABLE, {NULL, 0}},
        {STR_INIT("d"), BUTANE_LINK, STR_INIT("a")},
        {STR_INIT("e"), BUTANE_OTHER, {NULL, 0}},
    };
    (void)ctx;
    if (!path.n)
        return err_set(e, ERR_NOT_FOUND, "there is no such directory");
    *ret = entries;
    *ret_n = path.n < 5 ? path.n : 5;
    return ERR_OK;
}

/* What is translated is valid by the rules that raw Ignition configs are checked by. */
static void try_config(struct str text, const struct butane_options *o)
{
    ARENA_LOCAL(a, 256u << 20);
    BUF_LOCAL(out, 64u << 20);
    struct findings f, again;
    struct ignition_version made, read;
    struct err e = ERR_INIT;
    findings_init(&f, &a);
    findings_init(&again, &a);
    err_code c = butane_translate(text, o, &a, &f, &out, &made, &e);
    must(c == ERR_OK || (e.code == c && e.msg[0] && out.n == 0));
    must(c != ERR_OK || f.errors == 0);
    if (c)
        return;
    must(ignition_validate(buf_str(&out), &a, &again, &read, &e) == ERR_OK);
    must(read.minor == made.minor && again.errors == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct butane_files files = {NULL, read_file, list_tree};
    static const struct butane_options with_files = {&files};
    struct str text = str_of((const char *)data, n);
    try_config(text, NULL);
    try_config(text, &with_files);
    return 0;
}
