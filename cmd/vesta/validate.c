/* butane, validate and check: is it right? Without a site, and without a server. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "command.h"
#include "ignition/butane.h"
#include "render/render.h"
#include "service/service.h"

#define MEMORY_MAX ((size_t)512 << 20)

/* --- butane ------------------------------------------------------------------------------------
 */

static int finish(const struct findings *f, bool strict, err_code c, const struct err *e)
{
    print_findings(f);
    if (c && f->errors == 0)
        return complain(e);
    return c || f->errors || (strict && f->warnings) ? EXIT_FAILED : EXIT_DONE;
}

int command_butane(int argc, char **argv)
{
    bool strict = false;
    const struct flag flags[] = {
        {"strict", FLAG_SWITCH, &strict, false, NULL, "a warning is a failure too"},
        FLAGS_END,
    };
    char *rest[1] = {"-"};
    int status;
    if (flags_parse(argc, argv, flags, 0, 1, rest, &status) < 0)
        return status;
    ARENA_LOCAL(a, MEMORY_MAX);
    BUF_LOCAL(text, BUTANE_MAX_TEXT);
    BUF_LOCAL(out, (size_t)64 << 20);
    struct findings f;
    struct err e = ERR_INIT;
    findings_init(&f, &a);
    f.file = strcmp(rest[0], "-") == 0 ? STR("stdin") : str_c(rest[0]);
    err_code c = read_file(rest[0], &text, &e);
    if (c)
        return complain(&e);
    struct ignition_version v;
    c = butane_translate(buf_str(&text), NULL, &a, &f, &out, &v, &e);
    if (c && f.errors == 0 && f.file.n)
        err_in_file(&e, f.file.p);
    status = finish(&f, strict, c, &e);
    if (status == EXIT_DONE) {
        buf_add_byte(&out, '\n');
        fwrite(out.p, 1, out.n, stdout);
    }
    return status;
}

/* --- validate ----------------------------------------------------------------------------------
 */

enum what { WHAT_GROUP, WHAT_PROFILE, WHAT_TEMPLATE };

/* A word such as "group", "ignition", "butane". */
static bool what_from_word(const char *word, enum what *what, enum model_kind *kind)
{
    *what = WHAT_TEMPLATE;
    *kind = MODEL_IGNITION;
    if (strcmp(word, "group") == 0 || strcmp(word, "groups") == 0)
        *what = WHAT_GROUP;
    else if (strcmp(word, "profile") == 0 || strcmp(word, "profiles") == 0)
        *what = WHAT_PROFILE;
    else if (strcmp(word, "butane") != 0 && !model_kind_from_name(str_c(word), kind))
        return false;
    return true;
}

/* From the name of a folder on the way to the file, the last that says something. */
static bool what_from_path(const char *path, enum what *what, enum model_kind *kind)
{
    bool found = false;
    struct str rest = str_c(path);
    while (rest.p) {
        struct str part = str_cut(rest, '/', &rest);
        char word[40];
        enum what w;
        enum model_kind k;
        if (!rest.p || part.n >= sizeof word)
            continue;
        snprintf(word, sizeof word, "%.*s", STR_FMT(part));
        if (strcmp(word, "group") != 0 && strcmp(word, "profile") != 0 &&
            what_from_word(word, &w, &k)) {
            *what = w;
            *kind = k;
            found = true;
        }
    }
    return found;
}

static struct str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_c(slash ? slash + 1 : path);
}

static err_code validate_ignition(struct str name, struct str text, struct arena *a,
                                  struct findings *f, struct err *e)
{
    struct ignition_version v;
    if (ignition_is_raw(name))
        return ignition_validate(text, a, f, &v, e);
    BUF_LOCAL(out, (size_t)64 << 20);
    return butane_translate(text, NULL, a, f, &out, &v, e);
}

/* A template is compiled; what needs no data is then seen as what its client would get. */
static err_code validate_template(enum model_kind kind, struct str name, struct str text,
                                  struct arena *a, struct findings *f, struct err *e)
{
    bool plain = str_find(text, STR("{{"), 0) == text.n;
    if (kind == MODEL_IGNITION && (plain || ignition_is_raw(name)))
        return validate_ignition(name, text, a, f, e);
    struct render_template *t = NULL;
    err_code c = render_template_make(kind, name, text, &t, e);
    if (!c && plain && (kind == MODEL_CLOUD || kind == MODEL_META_DATA)) {
        struct value none = {.kind = VALUE_MAP};
        struct render_input in = {.document =
                                      kind == MODEL_CLOUD ? RENDER_USER_DATA : RENDER_META_DATA,
                                  .tmpl = t,
                                  .group = &none,
                                  .findings = f};
        BUF_LOCAL(out, RENDER_OUTPUT_MAX);
        c = render(&in, a, &out, e);
        if (!c && kind == MODEL_CLOUD)
            render_cloud_warnings(text, a, f);
    }
    render_template_free(t);
    return c;
}

static err_code validate_text(enum what what, enum model_kind kind, const char *path,
                              struct str text, struct arena *a, struct findings *f, struct err *e)
{
    struct str name = base_name(path);
    if (what == WHAT_TEMPLATE)
        return validate_template(kind, name, text, a, f, e);
    if (str_ends(name, STR(".json")))
        name.n -= 5;
    struct model_group *g;
    struct model_profile *p;
    return what == WHAT_GROUP ? model_group_read(a, name, text, MODEL_STRICT, f, &g, e)
                              : model_profile_read(a, name, text, MODEL_STRICT, f, &p, e);
}

static int validate_file(const char *word, const char *path, bool strict)
{
    enum what what;
    enum model_kind kind;
    bool known = word[0] ? what_from_word(word, &what, &kind) : what_from_path(path, &what, &kind);
    if (!known) {
        fprintf(stderr,
                "vesta validate: what is %s? Say --kind group, profile, ignition, butane, cloud, "
                "generic, ipxe, grub, ...\n",
                path);
        return EXIT_USAGE;
    }
    ARENA_LOCAL(a, MEMORY_MAX);
    BUF_LOCAL(text, MODEL_TEMPLATE_MAX);
    struct findings f;
    struct err e = ERR_INIT;
    findings_init(&f, &a);
    err_code c = read_file(path, &text, &e);
    if (c)
        return complain(&e);
    f.file = str_c(path);
    c = validate_text(what, kind, path, text.n ? buf_str(&text) : STR(""), &a, &f, &e);
    if (c && f.errors == 0) {
        err_in_file(&e, path);
        findings_add_err(&f, FINDING_ERROR, &e);
    }
    return finish(&f, strict, c, &e);
}

int command_validate(int argc, char **argv)
{
    const char *word = "";
    bool strict = false;
    const struct flag flags[] = {
        {"strict", FLAG_SWITCH, &strict, false, NULL, "a warning is a failure too"},
        {"kind", FLAG_TEXT, &word, false, "KIND",
         "what the files are (default: their folder says)"},
        FLAGS_END,
    };
    char **rest = calloc((size_t)argc, sizeof *rest);
    int status;
    int n = rest ? flags_parse(argc, argv, flags, 1, argc, rest, &status) : -1;
    if (n < 0) {
        free(rest);
        return status;
    }
    status = EXIT_DONE;
    for (int i = 0; i < n; i++) {
        int one = validate_file(word, rest[i], strict);
        if (one > status)
            status = one;
    }
    free(rest);
    return status;
}

/* --- check -------------------------------------------------------------------------------------
 */

/* What asks for each group's documents, as a machine that has just its labels would. */
struct asking {
    struct service *service;
    struct findings *findings;
    size_t documents;
};

static void ask_one(struct asking *x, const struct model_group *g, enum render_document d)
{
    ARENA_LOCAL(a, MEMORY_MAX);
    struct err e = ERR_INIT;
    struct service_question q = {.document = d,
                                 .labels = &g->selector,
                                 .raw_query = STR(""),
                                 .base = STR("http://127.0.0.1:8080")};
    struct service_answer answer;
    err_code c = service_answer(x->service, &q, &a, &answer, &e);
    if (!c)
        x->documents++;
    if (!c && d == RENDER_USER_DATA)
        render_cloud_warnings(answer.bytes, &a, x->findings);
    if (answer.held)
        catalog_doc_release(answer.held);
    if (c && c != ERR_NOT_FOUND)
        findings_add_err(x->findings, FINDING_ERROR, &e);
}

static err_code ask_group(void *arg, const struct store_resource *r, struct err *e)
{
    struct asking *x = arg;
    ARENA_LOCAL(a, MEMORY_MAX);
    struct findings ignored;
    struct model_group *g;
    findings_init(&ignored, &a);
    err_code c = model_group_read(&a, r->key.name, r->body, MODEL_IMPORT, &ignored, &g, e);
    for (int d = 0; !c && d < RENDER_DOCUMENTS; d++)
        ask_one(x, g, (enum render_document)d);
    return c;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static void remove_folder(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static err_code check_in(const char *data, const char *site, struct findings *f,
                         struct service_imported *imported, size_t *documents, struct err *e)
{
    struct service_options o = {.data_path = data};
    struct service *s;
    err_code c = service_open(&o, &s, e);
    if (c)
        return c;
    struct service_import in = {.dir = site, .author = {STR("check"), STR("")}};
    struct asking x = {s, f, 0};
    c = service_wait_ready(s, e);
    if (!c)
        c = service_import(s, &in, f, imported, e);
    struct store_list groups = {.type = STORE_GROUP};
    if (!c)
        c = service_list(s, &groups, ask_group, &x, e);
    *documents = x.documents;
    service_close(s);
    return c;
}

int command_check(int argc, char **argv)
{
    static const struct flag flags[] = {FLAGS_END};
    char *rest[1];
    int status;
    if (flags_parse(argc, argv, flags, 1, 1, rest, &status) < 0)
        return status;
    const char *tmp = getenv("TMPDIR");
    char data[400];
    struct err e = ERR_INIT;
    snprintf(data, sizeof data, "%s/vesta-check-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    if (!mkdtemp(data)) {
        err_errno(&e, ERR_IO, errno, "cannot make a folder for the check in %s", data);
        return complain(&e);
    }
    ARENA_LOCAL(a, (size_t)64 << 20);
    struct findings f;
    struct service_imported imported = {0};
    size_t documents = 0;
    findings_init(&f, &a);
    err_code c = check_in(data, rest[0], &f, &imported, &documents, &e);
    remove_folder(data);
    print_findings(&f);
    if (c)
        return complain(&e);
    printf("%zu groups, %zu profiles, %zu templates; %zu documents can be rendered, %zu cannot\n",
           imported.groups, imported.profiles, imported.templates, documents, f.errors);
    return f.errors ? EXIT_FAILED : EXIT_DONE;
}
