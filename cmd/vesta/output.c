#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

#define TEXT_MAX (256u << 20)

bool output_read(const char *command, const char *text, enum output *ret)
{
    static const char *const names[] = {[OUTPUT_TABLE] = "",
                                        [OUTPUT_JSON] = "json",
                                        [OUTPUT_YAML] = "yaml",
                                        [OUTPUT_NAME] = "name"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum output)i;
            return true;
        }
    }
    fprintf(stderr, "vesta %s: --output must be json, yaml or name\n", command);
    return false;
}

static void print(const struct buf *text)
{
    if (text->failed)
        fprintf(stderr, "vesta: the answer is too large to be shown\n");
    else
        fwrite(text->p, 1, text->n, stdout);
}

void output_value(enum output o, const struct value *v)
{
    BUF_LOCAL(text, TEXT_MAX);
    if (o == OUTPUT_YAML)
        value_to_yaml(&text, v);
    else
        value_to_json(&text, v, VALUE_JSON_PRETTY);
    print(&text);
}

void output_line(const struct value *v)
{
    BUF_LOCAL(text, TEXT_MAX);
    value_to_json(&text, v, 0);
    buf_add_byte(&text, '\n');
    print(&text);
}

void output_colour(enum colour c)
{
    static const char *const codes[] = {
        [COLOUR_PLAIN] = "0", [COLOUR_GOOD] = "32", [COLOUR_DOUBT] = "33", [COLOUR_BAD] = "31"};
    const char *no = getenv("NO_COLOR");
    if (isatty(STDOUT_FILENO) && !(no && no[0]))
        printf("\033[%sm", codes[c]);
}

/* How many bytes at the beginning are a control character (C0, DEL, or C1 in UTF-8). */
static size_t control_at(struct str s)
{
    unsigned char c = (unsigned char)s.p[0], next = s.n > 1 ? (unsigned char)s.p[1] : 0;
    if (c < 0x20 || c == 0x7F)
        return 1;
    return c == 0xC2 && next >= 0x80 && next < 0xA0 ? 2 : 0;
}

/* How many bytes were written. */
static size_t put_text(FILE *to, struct str s)
{
    size_t written = 0;
    while (s.n) {
        size_t n = control_at(s);
        for (size_t i = 0; i < n; i++, written += 4)
            fprintf(to, "\\x%02x", (unsigned)(unsigned char)s.p[i]);
        if (!n) {
            fputc(s.p[0], to);
            written++;
        }
        s = str_skip(s, n ? n : 1);
    }
    return written;
}

void output_told(const char *prefix, const char *text)
{
    fputs(prefix, stderr);
    put_text(stderr, str_c(text));
    fputc('\n', stderr);
}

void output_text(struct str s, size_t width)
{
    for (size_t n = put_text(stdout, s); n < width; n++)
        putchar(' ');
}
