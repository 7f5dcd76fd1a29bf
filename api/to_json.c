/*
 * A program of the build: reads a YAML text on standard input and writes it as JSON, in the same
 * way as the server reads and writes both. That is how openapi.yaml becomes what is served.
 */
#include <stdio.h>

#include "value/value.h"

#define TEXT_MAX  ((size_t)4 << 20)
#define ARENA_MAX ((size_t)64 << 20)

static void read_all(FILE *f, struct buf *dst)
{
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(dst, part, n);
}

int main(void)
{
    ARENA_LOCAL(a, ARENA_MAX);
    BUF_LOCAL(text, TEXT_MAX);
    BUF_LOCAL(json, TEXT_MAX);
    struct value v;
    struct err e = ERR_INIT;
    read_all(stdin, &text);
    if (ferror(stdin) || text.failed) {
        fprintf(stderr, "to_json: the text cannot be read, or is over %zu bytes\n", TEXT_MAX);
        return 1;
    }
    if (value_from_yaml(&a, buf_str(&text), &v, &e)) {
        fprintf(stderr, "to_json: %d:%d: %s\n", e.line, e.column, e.msg);
        return 1;
    }
    value_to_json(&json, &v, VALUE_JSON_PRETTY);
    if (json.failed || fwrite(json.p, 1, json.n, stdout) != json.n || fflush(stdout)) {
        fprintf(stderr, "to_json: the JSON cannot be written\n");
        return 1;
    }
    return 0;
}
