/* `vesta man`: the manual page, from the table of commands, in roff's man macros (man(7)). */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "version.h"

/* A line of text: roff's own characters lose their meaning. */
static void print_text(struct str s)
{
    if (s.n && (s.p[0] == '.' || s.p[0] == '\''))
        fputs("\\&", stdout);
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '\\': fputs("\\e", stdout); break;
        case '-': fputs("\\-", stdout); break;
        case '~': fputs("\\(ti", stdout); break;
        case '^': fputs("\\(ha", stdout); break;
        case '`': fputs("\\(ga", stdout); break;
        case '"': fputs("\\(dq", stdout); break;
        default: putchar(s.p[i]);
        }
    }
}

static void print_environment(const struct flag *f)
{
    printf(" Also \\fBVESTA_");
    for (const char *p = f->name; *p; p++)
        putchar(*p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    printf("\\fR.");
}

static void print_flags(const struct flag *flags, void *arg)
{
    (void)arg;
    for (const struct flag *f = flags; f->name; f++) {
        printf(".TP\n\\fB");
        print_text(str_c(flag_dashes(f)));
        print_text(str_c(f->name));
        printf("\\fR");
        if (f->argument)
            printf(" \\fI%s\\fR", f->argument);
        putchar('\n');
        print_text(str_c(f->help));
        putchar('.');
        if (f->env)
            print_environment(f);
        const char *preset = f->kind == FLAG_TEXT ? *(const char **)f->value : "";
        if (preset && preset[0]) {
            printf(" Default: ");
            print_text(str_c(preset));
            putchar('.');
        }
        putchar('\n');
    }
}

static void print_command(const struct command *c)
{
    printf(".SS vesta %s", c->name);
    if (c->arguments[0])
        putchar(' ');
    print_text(str_c(c->arguments));
    putchar('\n');
    print_text(str_c(c->summary));
    printf(".\n");
    flags_describe(c, print_flags, NULL);
    printf(".PP\n.EX\n");
    for (struct str rest = str_c(c->examples); rest.n;) {
        print_text(str_cut(rest, '\n', &rest));
        putchar('\n');
    }
    printf(".EE\n");
}

int command_man(int argc, char **argv)
{
    static const struct flag flags[] = {FLAGS_END};
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 0, 0, rest, &status) < 0)
        return status;
    printf(".TH VESTA 1 \"\" \"vesta %s\" \"User Commands\"\n", VESTA_VERSION);
    fputs(".SH NAME\n"
          "vesta \\- network boot for machines, matched by their labels\n"
          ".SH SYNOPSIS\n"
          "\\fBvesta\\fR \\fICOMMAND\\fR [\\fIFLAG\\fR...] [\\fIARGUMENT\\fR...]\n"
          ".SH DESCRIPTION\n"
          "A machine that boots asks for a document with its labels, such as its MAC address.\n"
          "Vesta finds the group that these labels belong to, and renders the document from the\n"
          "group's profile and metadata.\n"
          ".PP\n"
          "Flags may stand anywhere after the command, with one dash or two; \\fB\\-\\-\\fR ends\n"
          "them. A flag wins over its environment variable.\n"
          ".SH COMMANDS\n",
          stdout);
    for (const struct command *c = commands; c->name; c++)
        print_command(c);
    fputs(".SH EXIT STATUS\n"
          "0 if it is done, 1 if it failed, 2 if the command was not used as it should be.\n"
          ".SH ENVIRONMENT\n"
          ".TP\n"
          "\\fBVESTA_TOKEN\\fR\n"
          "A token, where no \\fB\\-\\-token\\-file\\fR is given.\n"
          ".TP\n"
          "\\fBVISUAL\\fR, \\fBEDITOR\\fR\n"
          "What \\fBvesta edit\\fR starts; vi without them.\n",
          stdout);
    return EXIT_DONE;
}
