#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "version.h"

const struct command commands[] = {
    {"serve", "", "answer machines and operators", command_serve},
    {"import", "DIR", "merge a site directory into the database", command_import},
    {"export", "DIR", "write the site as a directory", command_export},
    {"get", "groups|profiles|templates [NAME]", "show resources", command_get},
    {"put", "group|profile|template NAME FILE", "create or replace one", command_put},
    {"delete", "group|profile|template NAME", "delete one", command_delete},
    {"health", "", "is the server alive?", command_health},
    {"keygen", "", "make a signing key", command_keygen},
    {"verify", "FILE SIGNATURE", "check a signature", command_verify},
    {"version", "", "print the version", command_version},
    {NULL, NULL, NULL, NULL},
};

static void usage(FILE *to)
{
    fputs("vesta: network boot for machines, matched by their labels\n\nusage: vesta COMMAND\n\n",
          to);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "  %-8s %-34s %s\n", c->name, c->arguments, c->summary);
    fputs("\n`vesta COMMAND --help` tells more.\n", to);
}

int command_version(int argc, char **argv)
{
    static const struct flag flags[] = {FLAGS_END};
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 0, 0, rest, &status) < 0)
        return status;
    printf("vesta %s (%s)\n", VESTA_VERSION, VESTA_COMMIT);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    const char *name = argc > 1 ? argv[1] : "";
    while (*name == '-')
        name++;
    if (strcmp(name, "help") == 0 || strcmp(name, "h") == 0) {
        usage(stdout);
        return EXIT_DONE;
    }
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(name, c->name) == 0)
            return c->run(argc - 1, argv + 1);
    if (argc > 1)
        fprintf(stderr, "vesta: there is no command \"%s\"\n\n", argv[1]);
    usage(stderr);
    return EXIT_USAGE;
}
