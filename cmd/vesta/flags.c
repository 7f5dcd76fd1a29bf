#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "command.h"
#include "output.h"

#define READ_PIECE 65536

static const struct command *find_command(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

/* VESTA_DATA_PATH for data-path. */
static const char *in_environment(const struct flag *f)
{
    char name[64];
    int n = snprintf(name, sizeof name, "VESTA_%s", f->name);
    for (int i = 6; i < n && i < (int)sizeof name; i++)
        name[i] = (char)(name[i] == '-'                     ? '_'
                         : name[i] >= 'a' && name[i] <= 'z' ? name[i] - 32
                                                            : name[i]);
    return f->env ? getenv(name) : NULL;
}

static void print_examples(FILE *to, const struct command *c)
{
    fprintf(to, "\nexamples:\n");
    for (struct str rest = str_c(c->examples); rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        fprintf(to, "  %.*s\n", STR_FMT(line));
    }
}

static void print_help(FILE *to, const char *command, const struct flag *flags)
{
    const struct command *c = find_command(command);
    fprintf(to, "usage: vesta %s [flags]%s%s\n", command, c && c->arguments[0] ? " " : "",
            c ? c->arguments : "");
    if (c)
        fprintf(to, "\n%s\n", c->summary);
    if (flags->name)
        fputc('\n', to);
    for (const struct flag *f = flags; f->name; f++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s", flag_dashes(f), f->name, f->argument ? " " : "",
                 f->argument ? f->argument : "");
        fprintf(to, "  %-28s %s\n", left, f->help);
        const char *text = f->kind == FLAG_TEXT ? *(const char **)f->value : NULL;
        if (text && text[0])
            fprintf(to, "  %-28s (%s)\n", "", text);
    }
    if (c)
        print_examples(to, c);
}

/* What is given replaces what the environment has. */
static bool add_to_list(struct flag_list *l, const char *value, bool environment)
{
    if (l->from_environment && !environment)
        l->text[0] = '\0';
    l->from_environment = environment;
    size_t n = strlen(l->text);
    int more = snprintf(l->text + n, sizeof l->text - n, "%s%s", n ? "," : "", value);
    return value[0] && more >= 0 && (size_t)more < sizeof l->text - n;
}

/* "true" and "1" switch on, as Go's flag package has it. */
static bool set_flag(const struct flag *f, const char *value, bool environment)
{
    struct str s = str_c(value);
    uint64_t n;
    switch (f->kind) {
    case FLAG_TEXT: *(const char **)f->value = value; return true;
    case FLAG_SWITCH:
        if (!str_is(s, "true") && !str_is(s, "1") && !str_is(s, "false") && !str_is(s, "0"))
            return false;
        *(bool *)f->value = value[0] == 't' || value[0] == '1';
        return true;
    case FLAG_COUNT:
        if (!str_to_u64(s, 1u << 30, &n))
            return false;
        *(unsigned *)f->value = (unsigned)n;
        return true;
    case FLAG_LIST: return add_to_list(f->value, value, environment);
    }
    return false;
}

static int wrong(const char *command, const char *what, const char *about, int *status)
{
    fprintf(stderr, "vesta %s: %s%s\n`vesta %s --help` lists what there is.\n", command, what,
            about, command);
    *status = EXIT_USAGE;
    return -1;
}

/* One argument that begins with a dash; *used is set when the next one was its value. */
static int take_flag(int argc, char **argv, int at, const struct flag *flags, int *used,
                     int *status)
{
    const char *arg = argv[at] + (argv[at][1] == '-' ? 2 : 1);
    size_t n = strcspn(arg, "=");
    if (strcmp(arg, "help") == 0 || strcmp(arg, "h") == 0) {
        print_help(stdout, argv[0], flags);
        *status = EXIT_DONE;
        return -1;
    }
    for (const struct flag *f = flags; f->name; f++) {
        if (strlen(f->name) != n || strncmp(f->name, arg, n) != 0)
            continue;
        const char *value = arg[n] == '=' ? arg + n + 1 : NULL;
        if (!value && f->kind == FLAG_SWITCH)
            value = "true";
        if (!value && at + 1 < argc) {
            value = argv[at + 1];
            *used = 1;
        }
        if (!value)
            return wrong(argv[0], "a value is missing after ", argv[at], status);
        if (!set_flag(f, value, false))
            return wrong(argv[0], "this value cannot be: ", argv[at], status);
        return 0;
    }
    return wrong(argv[0], "there is no flag ", argv[at], status);
}

/* While a command is described, flags_parse only shows its flags. */
static struct {
    flags_visit *visit;
    void *arg;
} describing;

void flags_describe(const struct command *c, flags_visit *visit, void *arg)
{
    char name[32];
    snprintf(name, sizeof name, "%s", c->name);
    char *argv[] = {name, NULL};
    describing.visit = visit;
    describing.arg = arg;
    c->run(1, argv);
    describing.visit = NULL;
}

struct str command_choice(const struct command *c, size_t *at)
{
    struct str first = str_c(c->arguments);
    first.n = strcspn(c->arguments, " ");
    if (!memchr(c->arguments, '|', first.n) || c->arguments[0] == '[' || *at >= first.n)
        return (struct str){NULL, 0};
    size_t end = str_find_byte(first, '|', *at);
    struct str word = str_sub(first, *at, end);
    *at = end + 1;
    return word;
}

int flags_parse(int argc, char **argv, const struct flag *flags, int min, int max, char **rest,
                int *status)
{
    if (describing.visit) {
        describing.visit(flags, describing.arg);
        *status = EXIT_DONE;
        return -1;
    }
    for (const struct flag *f = flags; f->name; f++) {
        const char *value = in_environment(f);
        if (value && !set_flag(f, value, true))
            return wrong(argv[0], "the environment has a value that cannot be for --", f->name,
                         status);
    }
    int n = 0;
    bool only_rest = false;
    for (int i = 1; i < argc; i++) {
        int used = 0;
        if (!only_rest && strcmp(argv[i], "--") == 0) {
            only_rest = true;
        } else if (!only_rest && argv[i][0] == '-' && argv[i][1]) {
            if (take_flag(argc, argv, i, flags, &used, status) < 0)
                return -1;
            i += used;
        } else if (n == max) {
            return wrong(argv[0], "too many arguments, from ", argv[i], status);
        } else {
            rest[n++] = argv[i];
        }
    }
    if (n < min)
        return wrong(argv[0], "an argument is missing", "", status);
    return n;
}

int complain(const struct err *e)
{
    char text[1200];
    err_format(e, text, sizeof text);
    output_told("vesta: ", text);
    return EXIT_FAILED;
}

void print_findings(const struct findings *f)
{
    for (const struct finding *x = f->first; x; x = x->next) {
        BUF_LOCAL(line, 1u << 16);
        finding_format(x, &line);
        const char *text = buf_c(&line);
        output_told("", text ? text : "out of memory");
    }
    size_t all = f->errors + f->warnings;
    if (all > FINDINGS_MAX)
        fprintf(stderr, "... and %zu more\n", all - FINDINGS_MAX);
}

/* The next piece of a file; with dst full, one byte more says whether there is too much. */
static ssize_t read_piece(int fd, struct buf *dst)
{
    char extra = 0;
    size_t room = dst->max - dst->n < READ_PIECE ? dst->max - dst->n : READ_PIECE;
    char *at = room ? buf_reserve(dst, room) : &extra;
    if (!at) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t n = read(fd, at, room ? room : 1);
    if (n > 0 && room == 0) {
        errno = EFBIG;
        return -1;
    }
    if (n > 0)
        dst->n += (size_t)n;
    return n;
}

err_code read_file(const char *path, struct buf *dst, struct err *e)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, ERR_IO, errno, "cannot open %s", path);
    ssize_t n;
    do
        n = read_piece(fd, dst);
    while (n > 0 || (n < 0 && errno == EINTR));
    int errnum = errno;
    if (!standard)
        close(fd);
    if (n == 0)
        return ERR_OK;
    if (errnum == EFBIG)
        return err_set(e, ERR_LIMIT, "%s is too large: the most is %zu bytes", path, dst->max);
    return err_errno(e, ERR_IO, errnum, "cannot read %s", path);
}
