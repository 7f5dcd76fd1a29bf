/*
 * command.h - what the subcommands share. Each is a function that gets its own arguments (argv[0]
 * is its name) and returns the exit status: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef VESTA_COMMAND_H
#define VESTA_COMMAND_H

#include "base/err.h"
#include "base/finding.h"
#include "base/str.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name;
    const char *arguments; /* for the usage line; "a|b ..." first: one of these words */
    const char *summary;   /* one line */
    int (*run)(int argc, char **argv);
    const char *examples; /* at least one, each ended by a newline */
};
extern const struct command commands[]; /* ended by a NULL name */

int command_serve(int argc, char **argv);
int command_import(int argc, char **argv);
int command_export(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_get(int argc, char **argv);
int command_put(int argc, char **argv);
int command_delete(int argc, char **argv);
int command_edit(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_render(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_apply(int argc, char **argv);
int command_revisions(int argc, char **argv);
int command_rollback(int argc, char **argv);
int command_token(int argc, char **argv);
int command_health(int argc, char **argv);
int command_check(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_template(int argc, char **argv);
int command_butane(int argc, char **argv);
int command_functions(int argc, char **argv);
int command_keygen(int argc, char **argv);
int command_key(int argc, char **argv);
int command_dhcp_config(int argc, char **argv);
int command_ipxe_embed(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_completion(int argc, char **argv);
int command_man(int argc, char **argv);
int command_version(int argc, char **argv);

/* --- flags: a table for each command -------------------------------------------------------------
 */

enum flag_kind { FLAG_TEXT, FLAG_SWITCH, FLAG_COUNT, FLAG_LIST };

/* Of a flag that may be given more than once, or with commas. */
struct flag_list {
    char text[4096]; /* with commas between */
    bool from_environment;
};

struct flag {
    const char *name; /* without the dashes */
    enum flag_kind kind;
    void *value;          /* const char **, bool *, unsigned * or struct flag_list *; holds the
                             default before */
    bool env;             /* also VESTA_NAME; the flag wins */
    const char *argument; /* how the help calls it */
    const char *help;
};

#define FLAGS_END                                                                                  \
    {                                                                                              \
        NULL, FLAG_SWITCH, NULL, false, NULL, NULL                                                 \
    }

/*
 * Reads environment and arguments; what is no flag is left in rest, whose size is the result, or -1
 * when usage was printed: *status is then the exit status. Between min and max arguments must be
 * left. "--" ends the flags; one dash is as good as two, as in matchbox.
 */
int flags_parse(int argc, char **argv, const struct flag *flags, int min, int max, char **rest,
                int *status);

/* The flags of a command, without running it. */
typedef void flags_visit(const struct flag *flags, void *arg);
void flags_describe(const struct command *c, flags_visit *visit, void *arg);
/* "--name", or "-o" when it has one letter; two texts, so that nothing needs room. */
static inline const char *flag_dashes(const struct flag *f)
{
    return f->name[1] ? "--" : "-";
}
/* The words that the first argument can be, one after another: *at is 0 at first; absent when there
   are no more. */
struct str command_choice(const struct command *c, size_t *at);

/* "vesta: message" on stderr, with the place; returns EXIT_FAILED. */
int complain(const struct err *e);
/* Every finding, a line each, on stderr. */
void print_findings(const struct findings *f);

#define DEFAULT_DATA_PATH "/var/lib/vesta"

/* All of a file, or of standard input for "-"; the bytes are in dst. */
struct buf;
err_code read_file(const char *path, struct buf *dst, struct err *e);

#endif
