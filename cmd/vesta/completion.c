/* `vesta completion`: what bash, zsh and fish complete commands with, from the table of commands.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"

/* Text inside single quotes of a shell. */
static void print_quoted(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

static void print_choices(const struct command *c, const char *separator)
{
    size_t at = 0;
    const char *before = "";
    for (struct str word; (word = command_choice(c, &at)).p; before = separator)
        printf("%s%.*s", before, STR_FMT(word));
}

static bool has_choices(const struct command *c)
{
    size_t at = 0;
    return command_choice(c, &at).p != NULL;
}

static bool takes_files(const struct command *c)
{
    return strstr(c->arguments, "FILE") || strstr(c->arguments, "DIR");
}

/* --- bash ------------------------------------------------------------------------------------- */

static void bash_flags(const struct flag *flags, void *arg)
{
    (void)arg;
    for (const struct flag *f = flags; f->name; f++)
        printf("%s%s%s", f == flags ? "" : " ", flag_dashes(f), f->name);
}

static void bash(void)
{
    fputs("# bash completion for vesta\n"
          "_vesta() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} flags='' choices=''\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '",
          stdout);
    for (const struct command *c = commands; c->name; c++)
        printf("%s%s", c == commands ? "" : " ", c->name);
    fputs("' -- \"$cur\")\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
    for (const struct command *c = commands; c->name; c++) {
        printf("    %s)\n        flags='", c->name);
        flags_describe(c, bash_flags, NULL);
        printf("'\n        choices='");
        print_choices(c, " ");
        printf("'\n        ;;\n");
    }
    fputs("    esac\n"
          "    if [[ $cur == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$flags --help\" -- \"$cur\")\n"
          "    elif ((COMP_CWORD == 2)) && [[ -n $choices ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\")\n"
          "    fi\n"
          "}\n"
          "complete -o default -F _vesta vesta\n",
          stdout);
}

/* --- zsh -------------------------------------------------------------------------------------- */

/* Text inside a specification of _arguments, which ':' and brackets would end. */
static void zsh_text(const char *text)
{
    for (; *text; text++) {
        char one[] = {*text, '\0'};
        if (strchr("[]:\\", *text))
            putchar('\\');
        print_quoted(one);
    }
}

static const char *zsh_values(const struct flag *f)
{
    return strcmp(f->argument, "DIR") == 0    ? "_files -/"
           : strcmp(f->argument, "FILE") == 0 ? "_files"
                                              : " ";
}

static void zsh_flags(const struct flag *flags, void *arg)
{
    (void)arg;
    for (const struct flag *f = flags; f->name; f++) {
        printf(" \\\n            '%s%s[", flag_dashes(f), f->name);
        zsh_text(f->help);
        putchar(']');
        if (f->argument) {
            putchar(':');
            zsh_text(f->argument);
            printf(":%s", zsh_values(f));
        }
        putchar('\'');
    }
}

static void zsh(void)
{
    fputs("#compdef vesta\n"
          "_vesta() {\n"
          "    local -a commands\n"
          "    commands=(\n",
          stdout);
    for (const struct command *c = commands; c->name; c++) {
        printf("        '%s:", c->name);
        zsh_text(c->summary);
        printf("'\n");
    }
    fputs("    )\n"
          "    if ((CURRENT == 2)); then\n"
          "        _describe command commands\n"
          "        return\n"
          "    fi\n"
          "    shift words\n"
          "    ((CURRENT--))\n"
          "    case $words[1] in\n",
          stdout);
    for (const struct command *c = commands; c->name; c++) {
        printf("    %s)\n        _arguments '--help[tell more]'", c->name);
        flags_describe(c, zsh_flags, NULL);
        if (has_choices(c)) {
            printf(" \\\n            '1:what:(");
            print_choices(c, " ");
            printf(")'");
        }
        if (takes_files(c))
            printf(" \\\n            '*:file:_files'");
        printf("\n        ;;\n");
    }
    fputs("    esac\n"
          "}\n"
          "if [[ $funcstack[1] == _vesta ]]; then\n"
          "    _vesta \"$@\"\n"
          "else\n"
          "    compdef _vesta vesta\n"
          "fi\n",
          stdout);
}

/* --- fish ------------------------------------------------------------------------------------- */

/* In single quotes of fish a backslash stands before a quote and before a backslash. */
static void fish_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
}

static void fish_flags(const struct flag *flags, void *arg)
{
    const struct command *c = arg;
    for (const struct flag *f = flags; f->name; f++) {
        printf("complete -c vesta -n '__fish_seen_subcommand_from %s' %s %s", c->name,
               f->name[1] ? "-l" : "-s", f->name);
        if (f->argument)
            printf(" -r%s", zsh_values(f)[0] == '_' ? "F" : "");
        printf(" -d '");
        fish_text(f->help);
        printf("'\n");
    }
}

static void fish(void)
{
    printf("# fish completion for vesta\ncomplete -c vesta -f\n");
    for (const struct command *c = commands; c->name; c++) {
        printf("complete -c vesta -n __fish_use_subcommand -a %s -d '", c->name);
        fish_text(c->summary);
        printf("'\n");
        flags_describe(c, fish_flags, (void *)(uintptr_t)c);
        if (has_choices(c)) {
            printf("complete -c vesta -n '__fish_seen_subcommand_from %s' -a '", c->name);
            print_choices(c, " ");
            printf("'\n");
        }
        if (takes_files(c))
            printf("complete -c vesta -n '__fish_seen_subcommand_from %s' -F\n", c->name);
    }
}

int command_completion(int argc, char **argv)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    static const struct flag flags[] = {FLAGS_END};
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(rest[0], shells[i].shell) == 0) {
            shells[i].print();
            return EXIT_DONE;
        }
    }
    fprintf(stderr, "vesta completion: say bash, zsh or fish\n");
    return EXIT_USAGE;
}
