/* `vesta edit`: a resource in the user's editor, written back if nobody has changed it meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "output.h"
#include "parcel.h"
#include "resource.h"
#include "show_plan.h"
#include "target.h"
#include "value/yaml.h"

#define ANSWER_ARENA (64u << 20)
#define EDITED_MAX   (8u << 20)
#define NO_BODY      ((struct str){NULL, 0})

struct editing {
    const char *collection, *name;
    const char *type; /* as the user said it */
    char dir[512];
    char file[1024];
    struct buf path;   /* in the API */
    struct buf before; /* what the editor was given */
    struct buf after;
    char etag[CLIENT_ETAG_MAX];
};

/* --- the file --------------------------------------------------------------------------------- */

/* Named like the resource, so that an editor knows what is in it. */
static err_code make_file(struct editing *x, struct err *e)
{
    const char *tmp = getenv("TMPDIR"), *slash = strrchr(x->name, '/');
    bool template = strcmp(x->collection, "templates") == 0;
    int n = snprintf(x->dir, sizeof x->dir, "%s/vesta-edit-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    if (n < 0 || (size_t)n >= sizeof x->dir)
        return err_set(e, ERR_INVALID, "TMPDIR is too long");
    if (!mkdtemp(x->dir))
        return err_errno(e, ERR_IO, errno, "cannot make a folder %s", x->dir);
    snprintf(x->file, sizeof x->file, "%s/%s%s", x->dir, slash ? slash + 1 : x->name,
             template ? "" : ".json");
    int fd = open(x->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    bool good = f && fwrite(x->before.p, 1, x->before.n, f) == x->before.n;
    int errnum = errno;
    if (f && fclose(f) != 0) {
        errnum = errno;
        good = false;
    }
    return good ? ERR_OK : err_errno(e, ERR_IO, errnum, "cannot write %s", x->file);
}

static void remove_file(const struct editing *x)
{
    unlink(x->file);
    rmdir(x->dir);
}

/* VISUAL and EDITOR may have arguments, so a shell starts them. */
static err_code run_editor(const struct editing *x, struct err *e)
{
    const char *editor = getenv("VISUAL");
    if (!editor || !editor[0])
        editor = getenv("EDITOR");
    if (!editor || !editor[0])
        editor = "vi";
    BUF_LOCAL(script, 8192);
    buf_addf(&script, "%s \"$1\"", editor);
    const char *text = buf_c(&script);
    if (!text)
        return err_set(e, ERR_INVALID, "the name of the editor is too long");
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", text, "vesta", x->file, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0)
        return err_errno(e, ERR_IO, errno, "cannot start an editor");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(e, ERR_IO, "the editor \"%s\" failed; your text is in %s", editor, x->file);
    return ERR_OK;
}

/* --- the resource ----------------------------------------------------------------------------- */

static err_code fetch(const struct client *c, struct editing *x, struct err *e)
{
    struct client_answer answer;
    err_code code = resource_path(x->collection, x->name, &x->path, e);
    if (!code)
        code = client_request(c, "GET", buf_c(&x->path), NO_BODY, NULL, &answer, e);
    if (code)
        return code;
    memcpy(x->etag, answer.etag, sizeof x->etag);
    ARENA_LOCAL(a, ANSWER_ARENA);
    struct value v;
    if (strcmp(x->collection, "templates") == 0)
        buf_add(&x->before, answer.body.p, answer.body.n);
    else if ((code = value_from_json(&a, buf_str(&answer.body), &v, e)) == ERR_OK)
        value_to_json(&x->before, &v, VALUE_JSON_PRETTY);
    buf_free(&answer.body);
    if (!code && x->before.failed)
        code = err_set(e, ERR_NOMEM, "out of memory");
    return code;
}

static err_code store(struct client *c, struct editing *x, struct err *e)
{
    struct client_answer answer;
    struct str body = x->after.n ? buf_str(&x->after) : STR("");
    c->if_match = x->etag;
    err_code code = client_request(c, "PUT", buf_c(&x->path), body,
                                   resource_content_type(x->collection), &answer, e);
    c->if_match = NULL;
    if (!code)
        buf_free(&answer.body);
    return code;
}

/* --- what it would change ----------------------------------------------------------------------
 */

/* What the server finds in the one line that it is sent, in the file that the user edits. */
struct edited {
    const char *file;
    struct str text;
};

static void place_in_file(void *arg, struct finding *x)
{
    const struct edited *f = arg;
    ARENA_LOCAL(a, ANSWER_ARENA);
    struct yaml_document doc;
    bool in_template = x->file.n != 0;
    x->file = str_c(f->file);
    if (in_template)
        return;
    x->line = x->column = 0;
    x->pointer = str_skip(x->pointer, str_find_byte(x->pointer, '/', 1));
    if (yaml_read(&a, f->text, &doc, NULL) == ERR_OK)
        yaml_locate(doc.root, x->pointer, &x->line, &x->column);
}

static err_code key_of(const struct editing *x, struct store_key *ret, struct err *e)
{
    struct str rest = {NULL, 0}, name = str_c(x->name);
    *ret = (struct store_key){.type = STORE_GROUP, .name = name};
    if (strcmp(x->collection, "profiles") == 0)
        ret->type = STORE_PROFILE;
    if (strcmp(x->collection, "templates") != 0)
        return ERR_OK;
    ret->type = STORE_TEMPLATE;
    if (!model_kind_from_name(str_cut(name, '/', &rest), &ret->kind))
        return err_set(e, ERR_INVALID, "there is no such kind of template");
    ret->name = rest;
    return ERR_OK;
}

/* Shows what the edited text would change; ERR_INVALID when it cannot be taken. */
static err_code plan(const struct client *c, struct editing *x, bool quiet, struct err *e)
{
    ARENA_LOCAL(a, ANSWER_ARENA);
    BUF_LOCAL(line, 16u << 20);
    struct findings f;
    struct store_key k;
    struct client_answer answer;
    struct edited edited = {x->file, x->after.n ? buf_str(&x->after) : STR("")};
    findings_init(&f, &a);
    f.file = str_c(x->file);
    err_code code = key_of(x, &k, e);
    if (!code)
        code = parcel_line(&k, edited.text, &f, &line, e);
    print_findings(&f);
    if (code)
        return code;
    struct client asking = *c;
    asking.place = place_in_file;
    asking.place_arg = &edited;
    code = client_request(&asking, "POST", "/api/v1/plan", buf_str(&line), "application/x-ndjson",
                          &answer, e);
    if (!code) {
        struct str text = buf_str(&answer.body);
        code = quiet ? show_plan_warnings(&asking, text, e)
                     : show_plan(&asking, text, OUTPUT_TABLE, false, e);
        buf_free(&answer.body);
    }
    return code;
}

/* --- the loop ----------------------------------------------------------------------------------
 */

enum wish { WISH_APPLY, WISH_EDIT, WISH_NOTHING };

/* Only a person can be asked; who is none has said it by saving the file. */
static enum wish ask(const char *question, enum wish unasked, enum wish usual)
{
    char line[16] = "";
    if (!isatty(STDIN_FILENO))
        return unasked;
    fflush(stdout);
    fprintf(stderr, "%s ", question);
    if (!fgets(line, sizeof line, stdin))
        return WISH_NOTHING;
    switch (line[0]) {
    case '\n': return usual;
    case 'y':
    case 'Y': return usual;
    case 'e':
    case 'E': return WISH_EDIT;
    default: return WISH_NOTHING;
    }
}

static int give_up(const struct editing *x)
{
    fprintf(stderr, "vesta: nothing was changed; your text is in %s\n", x->file);
    return EXIT_FAILED;
}

static int finish(const struct editing *x, bool same, bool quiet)
{
    remove_file(x);
    if (!quiet)
        printf("%s %s %s\n", x->type, x->name, same ? "not changed" : "changed");
    return EXIT_DONE;
}

/* Until it is stored, unchanged or given up. */
static int edit_loop(struct client *c, struct editing *x, bool quiet)
{
    for (;;) {
        struct err e = ERR_INIT;
        buf_clear(&x->after);
        err_code code = run_editor(x, &e);
        if (!code)
            code = read_file(x->file, &x->after, &e);
        if (code)
            return complain(&e);
        if (str_eq(buf_str(&x->before), buf_str(&x->after)))
            return finish(x, true, quiet);
        enum wish wish = WISH_APPLY;
        code = plan(c, x, quiet || !isatty(STDIN_FILENO), &e);
        if (!code)
            wish = ask("Apply this? [Y/n/e: edit again]", WISH_APPLY, WISH_APPLY);
        if (!code && wish == WISH_APPLY)
            code = store(c, x, &e);
        if (!code && wish == WISH_APPLY)
            return finish(x, false, quiet);
        if (code) {
            complain(&e);
            bool repairable = code == ERR_INVALID || code == ERR_CONFLICT;
            wish = repairable ? ask("Edit it again? [Y/n]", WISH_NOTHING, WISH_EDIT) : WISH_NOTHING;
        }
        if (wish != WISH_EDIT)
            return give_up(x);
    }
}

int command_edit(int argc, char **argv)
{
    struct target t = TARGET_DEFAULT;
    const char *message = "";
    bool quiet = false;
    const struct flag flags[] = {
        TARGET_FLAGS(t),
        {"message", FLAG_TEXT, &message, false, "TEXT", "why, for the history"},
        QUIET_FLAGS(quiet, "say nothing when it is done"),
        FLAGS_END,
    };
    char *rest[2];
    int status;
    if (flags_parse(argc, argv, flags, 2, 2, rest, &status) < 0)
        return status;
    struct editing x = {.type = rest[0], .name = rest[1]};
    x.collection = resource_collection(rest[0]);
    if (!x.collection)
        return resource_unknown("edit", rest[0]);
    buf_init(&x.path, 4096);
    buf_init(&x.before, EDITED_MAX);
    buf_init(&x.after, EDITED_MAX);
    struct err e = ERR_INIT;
    struct client c;
    err_code code = client_open(&c, &t, &e);
    c.message = message;
    if (!code)
        code = fetch(&c, &x, &e);
    if (!code)
        code = make_file(&x, &e);
    status = code ? complain(&e) : edit_loop(&c, &x, quiet);
    buf_free(&x.path);
    buf_free(&x.before);
    buf_free(&x.after);
    return status;
}
