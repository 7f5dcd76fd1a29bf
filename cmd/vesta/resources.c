#include <stdio.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "output.h"
#include "resource.h"
#include "server_file.h"
#include "target.h"
#include "value/value.h"

/* put and delete: one resource by its path. */
static int change(const char *command, struct target *t, char **rest, bool with_file, bool quiet)
{
    const char *collection = resource_collection(rest[0]);
    if (!collection)
        return resource_unknown(command, rest[0]);
    struct err e = ERR_INIT;
    struct client c;
    BUF_LOCAL(path, 4096);
    BUF_LOCAL(body, MODEL_TEMPLATE_MAX);
    struct client_answer answer;
    err_code code = client_open(&c, t, &e);
    if (!code)
        code = resource_path(collection, rest[1], &path, &e);
    if (!code && with_file)
        code = read_file(rest[2], &body, &e);
    struct str bytes = !with_file ? (struct str){NULL, 0} : body.n ? buf_str(&body) : STR("");
    const char *type = resource_content_type(collection);
    if (!code)
        code = client_request(&c, with_file ? "PUT" : "DELETE", buf_c(&path), bytes, type, &answer,
                              &e);
    if (code)
        return complain(&e);
    if (!quiet)
        printf("%s %s %s\n", rest[0], rest[1],
               !with_file             ? "deleted"
               : answer.status == 201 ? "created"
                                      : "changed");
    buf_free(&answer.body);
    return EXIT_DONE;
}

int command_put(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    bool quiet = false;
    const struct flag flags[] = {TARGET_FLAGS(t), QUIET_FLAGS(quiet, "say nothing when it is done"),
                                 FLAGS_END};
    char *rest[3];
    int status;
    if (flags_parse(argc, argv, flags, 3, 3, rest, &status) < 0)
        return status;
    return change("put", &t, rest, true, quiet);
}

int command_delete(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    bool quiet = false;
    const struct flag flags[] = {TARGET_FLAGS(t), QUIET_FLAGS(quiet, "say nothing when it is done"),
                                 FLAGS_END};
    char *rest[2];
    int status;
    if (flags_parse(argc, argv, flags, 2, 2, rest, &status) < 0)
        return status;
    return change("delete", &t, rest, false, quiet);
}

int command_health(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const struct flag flags[] = {
        {"server", FLAG_TEXT, &t.server, true, "URL", "the boot plane or the API"},
        {"ca-file", FLAG_TEXT, &t.ca_file, true, "FILE",
         "who may have signed the certificate of --server (default: whom the system trusts)"},
        {"data-path", FLAG_TEXT, &t.data_path, true, "DIR", "whose server is asked"},
        FLAGS_END,
    };
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 0, 0, rest, &status) < 0)
        return status;
    struct err e = ERR_INIT;
    struct client c = {.url = "", .ca_file = t.ca_file, .cert_file = "", .key_file = ""};
    struct client_answer answer;
    err_code code = ERR_OK;
    if (t.server[0])
        snprintf(c.url, sizeof c.url, "%s", t.server);
    else
        code = server_file_read(t.data_path, "boot", c.url, sizeof c.url, &e);
    if (!code)
        code = client_request(&c, "GET", "/readyz", (struct str){NULL, 0}, NULL, &answer, &e);
    if (code)
        return complain(&e);
    fwrite(answer.body.p, 1, answer.body.n, stdout);
    buf_free(&answer.body);
    return EXIT_DONE;
}
