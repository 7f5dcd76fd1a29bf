/* template and functions: for those who write templates, without a site and without a server. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "command.h"
#include "render/render.h"
#include "tmpl/func.h"

#define MEMORY_MAX ((size_t)256 << 20)
#define DATA_MAX   ((size_t)16 << 20)

/* --- errors with their line ------------------------------------------------------------------ */

static struct str line_of(struct str source, int line)
{
    struct str rest = source, found = STR("");
    for (int i = 0; i < line && rest.p; i++)
        found = str_cut(rest, '\n', &rest);
    return found;
}

/* The line, with spaces for control characters that a terminal would act on; and the caret. */
static void show_line(struct str line, int column)
{
    size_t at = column > 0 ? (size_t)column - 1 : 0;
    for (size_t i = 0; i < line.n; i++)
        fputc((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t' ? ' ' : line.p[i], stderr);
    fputc('\n', stderr);
    struct str before = str_sub(line, 0, at < line.n ? at : line.n);
    while (before.n) {
        size_t len;
        fputc(utf8_decode(before, &len) == '\t' ? '\t' : ' ', stderr);
        before = str_skip(before, len);
    }
    fputs("^\n", stderr);
}

/* "file:line:column: error: message", the line and a caret below its column. */
static int complain_in(const struct err *e, const char *file, struct str source)
{
    if (e->line <= 0)
        return complain(e);
    const char *name = strcmp(file, "-") == 0 ? "stdin" : file;
    fprintf(stderr, "%s:%d:%d: error: %s\n", name, e->line, e->column, e->msg);
    show_line(line_of(source, e->line), e->column);
    return EXIT_FAILED;
}

/* --- data ------------------------------------------------------------------------------------ */

/* Marks what a server would have from the request; the value was just made and is ours alone. */
static void mark_all(struct value *v)
{
    v->marked = true;
    for (uint32_t i = 0; v->kind == VALUE_LIST && i < v->n; i++)
        mark_all((struct value *)(uintptr_t)&v->list[i]);
    for (uint32_t i = 0; value_is_map(*v) && i < v->n; i++)
        mark_all((struct value *)(uintptr_t)&v->map[i].v);
}

static void as_request(struct value *data)
{
    struct value *request = (struct value *)(uintptr_t)value_get(data, STR("request"));
    if (!request)
        return;
    mark_all(request);
    struct value *query = (struct value *)(uintptr_t)value_get(request, STR("query"));
    bool texts = query && query->kind == VALUE_MAP;
    for (uint32_t i = 0; texts && i < query->n; i++)
        texts = query->map[i].v.kind == VALUE_STRING;
    if (texts)
        query->kind = VALUE_STRMAP;
}

static bool looks_like_json(const char *path, struct str text)
{
    size_t i = 0;
    if (str_ends(str_c(path), STR(".json")))
        return true;
    while (i < text.n && strchr(" \t\r\n", text.p[i]))
        i++;
    return i < text.n && text.p[i] == '{';
}

static int read_data(const char *path, struct arena *a, struct value *ret)
{
    struct err e = ERR_INIT;
    BUF_LOCAL(text, DATA_MAX);
    *ret = value_map(VALUE_MAP, NULL, 0);
    if (!path[0])
        return EXIT_DONE;
    err_code c = read_file(path, &text, &e);
    if (c)
        return complain(&e);
    if (looks_like_json(path, buf_str(&text)))
        c = value_from_json(a, buf_str(&text), ret, &e);
    else
        c = value_from_yaml(a, buf_str(&text), ret, &e);
    if (c)
        return complain_in(&e, path, buf_str(&text));
    if (ret->kind == VALUE_NIL)
        *ret = value_map(VALUE_MAP, NULL, 0);
    as_request(ret);
    return EXIT_DONE;
}

/* --- template -------------------------------------------------------------------------------- */

static int write_out(struct str s)
{
    if (fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0)
        return EXIT_DONE;
    fputs("vesta: cannot write the output\n", stderr);
    return EXIT_FAILED;
}

static int render_file(const char *path, const char *data_path, enum model_kind kind, bool trust)
{
    struct err e = ERR_INIT;
    struct value data;
    struct tmpl *t = NULL;
    ARENA_LOCAL(a, MEMORY_MAX);
    BUF_LOCAL(source, MODEL_TEMPLATE_MAX);
    BUF_LOCAL(out, RENDER_OUTPUT_MAX);
    if (read_file(path, &source, &e))
        return complain(&e);
    int status = read_data(data_path, &a, &data);
    if (status)
        return status;
    struct tmpl_options options = {.context = render_context(kind, buf_str(&source))};
    if (trust)
        options.context = TMPL_TRUSTED;
    err_code c = tmpl_compile(str_c(path), buf_str(&source), &t, &e);
    if (!c)
        c = tmpl_execute(t, &data, &a, &options, &out, &e);
    tmpl_free(t);
    return c ? complain_in(&e, path, buf_str(&source)) : write_out(buf_str(&out));
}

int command_template(int argc, char **argv)
{
    const char *data = "", *kind_name = "generic";
    bool trust = false;
    const struct flag flags[] = {
        {"data", FLAG_TEXT, &data, false, "FILE",
         "what the template sees, JSON or YAML (default: an empty map)"},
        {"kind", FLAG_TEXT, &kind_name, false, "KIND", "ipxe, grub, cloud, ignition, generic, ..."},
        {"trust-request", FLAG_SWITCH, &trust, true, NULL,
         "print .request as it is, as `vesta serve --trust-request` does"},
        FLAGS_END,
    };
    char *rest[1];
    int status;
    enum model_kind kind;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    if (!model_kind_from_name(str_c(kind_name), &kind) || kind == MODEL_FILES) {
        fprintf(stderr, "vesta template: there is no kind %s; there are:", kind_name);
        for (int k = 0; k < MODEL_PROFILE_KINDS; k++)
            fprintf(stderr, " %s", model_kind_name((enum model_kind)k));
        fputc('\n', stderr);
        return EXIT_USAGE;
    }
    if (strcmp(rest[0], "-") == 0 && strcmp(data, "-") == 0) {
        fputs("vesta template: standard input cannot be both the template and its data\n", stderr);
        return EXIT_USAGE;
    }
    return render_file(rest[0], data, kind, trust);
}

/* --- functions ------------------------------------------------------------------------------- */

/* "1", "2-3", "1 or more". */
static void arity(const struct func *f, char *dst, size_t size)
{
    if (f->max == FUNC_ANY_NUMBER)
        snprintf(dst, size, f->min ? "%u or more" : "any", (unsigned)f->min);
    else if (f->min == f->max)
        snprintf(dst, size, "%u", (unsigned)f->min);
    else
        snprintf(dst, size, "%u to %u", (unsigned)f->min, (unsigned)f->max);
}

static void print_markdown(void)
{
    fputs(
        "# Functions\n\n"
        "All that templates can call, as `vesta functions --markdown` prints it. A piped value is\n"
        "the last argument. What \"clears the mark\" means is in [templates.md](templates.md).\n\n"
        "| call | arguments | gives |\n|---|---|---|\n",
        stdout);
    for (const struct func *f = func_table; f->name; f++) {
        char count[20];
        const char *colon = strchr(f->doc, ':');
        arity(f, count, sizeof count);
        printf("| `%.*s` | %s | %s |\n", (int)(colon - f->doc), f->doc, count, colon + 2);
    }
}

int command_functions(int argc, char **argv)
{
    bool markdown = false;
    const struct flag flags[] = {
        {"markdown", FLAG_SWITCH, &markdown, false, NULL, "as docs/functions.md"},
        FLAGS_END,
    };
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 0, 0, rest, &status) < 0)
        return status;
    if (markdown) {
        print_markdown();
        return EXIT_DONE;
    }
    for (const struct func *f = func_table; f->name; f++) {
        char count[20];
        arity(f, count, sizeof count);
        printf("%-11s %-10s %s\n", f->name, count, f->doc);
    }
    return EXIT_DONE;
}
