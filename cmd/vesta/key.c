/* `vesta key`: the keys of a data path. They change files; a server sees that at its next start. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "command.h"
#include "passphrase.h"
#include "service/keyring.h"

#define KEY_MAX (256u << 10)

struct settings {
    const char *data_path, *passphrase_file;
    bool next;
};

static const char *state_word(enum keyring_state s)
{
    return s == KEYRING_IN_USE ? "in use" : s == KEYRING_NEXT ? "next" : "old";
}

static void print_key(const struct keyring_entry *k, void *arg)
{
    char until[32] = "";
    time_t t = (time_t)k->until;
    struct tm tm;
    (void)arg;
    if (k->until)
        strftime(until, sizeof until, "  until %Y-%m-%d", gmtime_r(&t, &tm));
    printf("%-8s  %-6s  %s  %s%s\n", keyring_role_name(k->role), state_word(k->state), k->id,
           k->name, until);
}

static void say_restart(const struct keyring_entry *k)
{
    print_key(k, NULL);
    printf("A server of this data path %s it when it is started again.\n",
           k->state == KEYRING_NEXT ? "publishes" : "uses");
}

static err_code import(const struct settings *o, const char *file, struct err *e)
{
    SECRET_LOCAL(text, KEY_MAX);
    SECRET_LOCAL(secret, 4096);
    struct str passphrase;
    struct keyring_entry k;
    err_code c = passphrase_read(o->passphrase_file, &secret, &passphrase, e);
    if (!c)
        c = read_file(file, &text, e);
    if (!c)
        c = keyring_import(o->data_path, buf_str(&text), passphrase, o->next, &k, e);
    if (!c)
        say_restart(&k);
    else if (c == ERR_INVALID || c == ERR_DENIED || c == ERR_UNSUPPORTED)
        err_in_file(e, file);
    return c;
}

static err_code rotate(const struct settings *o, const char *verb, const char *kind, struct err *e)
{
    enum keyring_role role;
    struct keyring_entry k;
    if (!keyring_role_from_name(str_c(kind), &role))
        return err_set(e, ERR_INVALID, "there is no kind of key \"%s\": ed25519, openpgp, cms",
                       kind);
    err_code c = strcmp(verb, "next") == 0 ? keyring_make_next(o->data_path, role, &k, e)
                                           : keyring_use_next(o->data_path, role, &k, e);
    if (!c)
        say_restart(&k);
    return c;
}

int command_key(int argc, char **argv)
{
    struct settings o = {.data_path = DEFAULT_DATA_PATH, .passphrase_file = ""};
    const struct flag flags[] = {
        {"data-path", FLAG_TEXT, &o.data_path, true, "DIR", "where the keys are"},
        {"passphrase-file", FLAG_TEXT, &o.passphrase_file, true, "FILE",
         "of the key that is imported (or VESTA_PASSPHRASE)"},
        {"next", FLAG_SWITCH, &o.next, false, NULL, "import: publish it, and do not use it yet"},
        FLAGS_END,
    };
    char *rest[2];
    int status;
    int n = flags_parse(argc, argv, flags, 1, 2, rest, &status);
    if (n < 0)
        return status;
    struct err e = ERR_INIT;
    err_code c;
    bool verb_alone = strcmp(rest[0], "list") == 0;
    if (verb_alone && n == 1)
        c = keyring_list(o.data_path, print_key, NULL, &e);
    else if (strcmp(rest[0], "import") == 0 && n == 2)
        c = import(&o, rest[1], &e);
    else if ((strcmp(rest[0], "next") == 0 || strcmp(rest[0], "use") == 0) && n == 2)
        c = rotate(&o, rest[0], rest[1], &e);
    else {
        fprintf(stderr, "vesta key: list, import FILE, next KIND or use KIND; KIND is ed25519, "
                        "openpgp or cms\n");
        return EXIT_USAGE;
    }
    return c ? complain(&e) : EXIT_DONE;
}
