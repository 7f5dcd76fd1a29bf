/* The use cases, as boot, rest and the commands call them. A plain main(): it runs under TSan too.
 */
#include "service/service.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "support/check.h"

static char dir[64];

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *x; d && (x = readdir(d));) {
        char sub[600];
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        snprintf(sub, sizeof sub, "%s/%s", path, x->d_name);
        if (unlink(sub) != 0)
            remove_tree(sub);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

static struct service *open_fresh(void)
{
    snprintf(dir, sizeof dir, "/tmp/vesta-service-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    struct service *s = NULL;
    struct err e = ERR_INIT;
    struct service_options o = {.data_path = dir};
    CHECK(service_open(&o, &s, &e) == ERR_OK, "%s", e.msg);
    CHECK(service_wait_ready(s, &e) == ERR_OK, "%s", e.msg);
    return s;
}

static void close_and_remove(struct service *s)
{
    service_close(s);
    remove_tree(dir);
}

static const struct service_author author = {STR_INIT("test"), STR_INIT("")};

static err_code put(struct service *s, enum store_type type, enum model_kind kind, const char *name,
                    const char *body, struct err *e)
{
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    findings_init(&f, &a);
    struct store_key k = {type, kind, str_c(name)};
    struct service_condition none = {.none_match = false};
    struct service_written w;
    *e = ERR_INIT;
    err_code c = service_put(s, &k, str_c(body), &none, &author, &f, &w, e);
    if (c == ERR_INVALID && f.first)
        snprintf(e->msg, sizeof e->msg, "%.*s %.*s %d:%d", STR_FMT(f.first->pointer),
                 STR_FMT(f.first->message), f.first->line, f.first->column);
    return c;
}

static err_code delete (struct service *s, enum store_type type, enum model_kind kind,
                        const char *name, struct err *e)
{
    struct store_key k = {type, kind, str_c(name)};
    struct service_condition none = {.none_match = false};
    uint64_t revision;
    return service_delete(s, &k, &none, &author, &revision, e);
}

/* The document for one label as a C string in text. */
static err_code ask(struct service *s, enum render_document d, const char *key, const char *value,
                    char *text, size_t size, struct err *e)
{
    ARENA_LOCAL(a, 64u << 20);
    struct label l = {str_c(key), str_c(value)};
    struct labels labels = {.v = &l, .n = key[0] ? 1 : 0};
    char raw[200];
    snprintf(raw, sizeof raw, "%s=%s", key, value);
    struct service_question q = {
        .document = d, .labels = &labels, .raw_query = key[0] ? str_c(raw) : STR("")};
    struct service_answer answer;
    err_code c = service_answer(s, &q, &a, &answer, e);
    if (!c)
        snprintf(text, size, "%.*s", STR_FMT(answer.bytes));
    if (answer.held)
        catalog_doc_release(answer.held);
    return c;
}

static void small_site(struct service *s)
{
    struct err e;
    CHECK(put(s, STORE_TEMPLATE, MODEL_GENERIC, "t", "role={{.role}}", &e) == ERR_OK, "%s", e.msg);
    CHECK(put(s, STORE_PROFILE, 0, "p", "{\"boot\":{\"kernel\":\"/k\"},\"generic_id\":\"t\"}",
              &e) == ERR_OK,
          "%s", e.msg);
    CHECK(put(s, STORE_GROUP, 0, "g",
              "{\"profile\":\"p\",\"selector\":{\"mac\":\"52-54-00-00-00-01\"},"
              "\"metadata\":{\"role\":\"a\"}}",
              &e) == ERR_OK,
          "%s", e.msg);
}

static void a_write_is_answered_at_once(void)
{
    struct service *s = open_fresh();
    struct err e = ERR_INIT;
    char text[1000];
    CHECK(ask(s, RENDER_IPXE, "mac", "52:54:00:00:00:01", text, sizeof text, &e) == ERR_NOT_FOUND);
    small_site(s);
    CHECK(ask(s, RENDER_IPXE, "mac", "52:54:00:00:00:01", text, sizeof text, &e) == ERR_OK, "%s",
          e.msg);
    CHECK(strcmp(text, "#!ipxe\nkernel /k\nboot\n") == 0, "%s", text);
    for (int i = 0; i < 3; i++) {
        char body[100], want[100];
        snprintf(body, sizeof body, "v%d {{.role}}", i);
        snprintf(want, sizeof want, "v%d a", i);
        CHECK(put(s, STORE_TEMPLATE, MODEL_GENERIC, "t", body, &e) == ERR_OK, "%s", e.msg);
        for (int k = 0; k < 4; k++) { /* made, made and kept, kept */
            CHECK(ask(s, RENDER_GENERIC, "mac", "52:54:00:00:00:01", text, sizeof text, &e) ==
                      ERR_OK,
                  "%s", e.msg);
            CHECK(strcmp(text, want) == 0, "%s", text);
        }
    }
    CHECK(delete (s, STORE_GROUP, 0, "g", &e) == ERR_OK, "%s", e.msg);
    CHECK(ask(s, RENDER_IPXE, "mac", "52:54:00:00:00:01", text, sizeof text, &e) == ERR_NOT_FOUND);
    close_and_remove(s);
}

/* What is acknowledged is served: a text that grows beyond the limit on its way in is refused. */
static void what_could_not_be_loaded_is_not_stored(void)
{
    struct service *s = open_fresh();
    struct err e;
    small_site(s);
    BUF_LOCAL(body, MODEL_RESOURCE_MAX);
    buf_add_lit(&body, "{\"profile\":\"p\",\"selector\":{\"mac\":\"52:54:00:00:00:01\"},"
                       "\"metadata\":{\"role\":\"b\",\"a\":[0");
    for (int i = 0; i < 60000; i++)
        buf_add_lit(&body, ",1e20");
    buf_add_lit(&body, "]}}");
    CHECK(!body.failed);
    CHECK(put(s, STORE_GROUP, 0, "g", buf_c(&body), &e) == ERR_LIMIT, "%s", e.msg);
    char text[1000];
    CHECK(ask(s, RENDER_GENERIC, "mac", "52:54:00:00:00:01", text, sizeof text, &e) == ERR_OK, "%s",
          e.msg);
    CHECK(strcmp(text, "role=a") == 0, "%s", text);
    close_and_remove(s);
}

static void the_largest_resource_is_served(void)
{
    struct service *s = open_fresh();
    struct err e;
    small_site(s);
    BUF_LOCAL(body, MODEL_RESOURCE_MAX);
    buf_add_lit(&body, "{\"profile\":\"p\",\"selector\":{\"mac\":\"52:54:00:00:00:01\"},"
                       "\"metadata\":{\"role\":\"b\",\"a\":\"");
    while (body.n < MODEL_RESOURCE_MAX - 3)
        buf_add_byte(&body, 'x');
    buf_add_lit(&body, "\"}}");
    CHECK(!body.failed && body.n == MODEL_RESOURCE_MAX);
    CHECK(put(s, STORE_GROUP, 0, "g", buf_c(&body), &e) == ERR_OK, "%s", e.msg);
    char text[1000];
    CHECK(ask(s, RENDER_GENERIC, "mac", "52:54:00:00:00:01", text, sizeof text, &e) == ERR_OK, "%s",
          e.msg);
    CHECK(strcmp(text, "role=b") == 0, "%s", text);
    close_and_remove(s);
}

static void bad_resources_are_refused(void)
{
    struct service *s = open_fresh();
    struct err e;
    small_site(s);
    CHECK(put(s, STORE_GROUP, 0, "x", "{\"profile\":\"p\",\"selector\":{\"mac\":\"zz\"}}", &e) ==
          ERR_INVALID);
    CHECK(strstr(e.msg, "/selector/mac"), "%s", e.msg);
    CHECK(put(s, STORE_GROUP, 0, "x", "{\"selector\":{}}", &e) == ERR_INVALID);
    CHECK(strstr(e.msg, "/profile"), "%s", e.msg);
    CHECK(put(s, STORE_GROUP, 0, "x", "{\"profile\":\"nope\"}", &e) == ERR_INVALID);
    CHECK(strstr(e.msg, "\"nope\""), "%s", e.msg);
    CHECK(put(s, STORE_GROUP, 0, "x",
              "{\"profile\":\"p\",\"selector\":{\"mac\":\"5254.0000.0001\"}}", &e) == ERR_CONFLICT);
    CHECK(strstr(e.msg, "\"g\""), "%s", e.msg);
    CHECK(put(s, STORE_PROFILE, 0, "x", "{\"cloud_id\":\"nope\"}", &e) == ERR_INVALID);
    CHECK(strstr(e.msg, "/cloud_id"), "%s", e.msg);
    CHECK(put(s, STORE_TEMPLATE, MODEL_CLOUD, "x", "a\n {{if}}", &e) == ERR_INVALID);
    CHECK(strstr(e.msg, " 2:"), "%s", e.msg);
    CHECK(put(s, STORE_TEMPLATE, MODEL_IGNITION, "x.ign", "{}", &e) == ERR_INVALID);
    CHECK(put(s, STORE_TEMPLATE, MODEL_GENERIC, "t/below", "x", &e) == ERR_CONFLICT);
    CHECK(put(s, STORE_TEMPLATE, MODEL_CLOUD, "a/b/c", "x", &e) == ERR_OK);
    CHECK(put(s, STORE_TEMPLATE, MODEL_CLOUD, "a/b", "x", &e) == ERR_CONFLICT);
    CHECK(delete (s, STORE_TEMPLATE, MODEL_CLOUD, "a/b/c", &e) == ERR_OK);
    CHECK(put(s, STORE_GROUP, 0, "a/b", "{\"profile\":\"p\"}", &e) == ERR_INVALID);
    CHECK(delete (s, STORE_PROFILE, 0, "p", &e) == ERR_CONFLICT);
    CHECK(strstr(e.msg, "group \"g\""), "%s", e.msg);
    CHECK(delete (s, STORE_TEMPLATE, MODEL_GENERIC, "t", &e) == ERR_CONFLICT);
    CHECK(delete (s, STORE_GROUP, 0, "nope", &e) == ERR_NOT_FOUND);
    struct service_stats st;
    service_stats(s, &st);
    CHECK(st.revision == 5, "%llu", (unsigned long long)st.revision);
    close_and_remove(s);
}

static void conditions_and_patches(void)
{
    struct service *s = open_fresh();
    small_site(s);
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    findings_init(&f, &a);
    struct err e = ERR_INIT;
    struct store_key k = {STORE_GROUP, 0, STR("g")};
    struct service_resource r;
    struct service_written w;
    CHECK(service_get(s, &k, &a, &r, &e) == ERR_OK, "%s", e.msg);
    struct service_condition match = {.match = str_c(r.etag)}, fresh = {.none_match = true};
    struct str patch = STR("{\"metadata\":{\"x\":{\"y\":1}},\"name\":\"n\"}");
    struct str gone = STR("{\"metadata\":{\"x\":null}}"), needed = STR("{\"metadata\":null}");
    CHECK(service_put(s, &k, r.body, &fresh, &author, &f, &w, &e) == ERR_STALE);
    CHECK(service_patch(s, &k, patch, &match, &author, &f, &w, &e) == ERR_OK, "%s", e.msg);
    CHECK(!w.created);
    CHECK(service_patch(s, &k, patch, &match, &author, &f, &w, &e) == ERR_STALE);
    CHECK(service_get(s, &k, &a, &r, &e) == ERR_OK);
    CHECK(str_is(r.body,
                 "{\"id\":\"g\",\"metadata\":{\"role\":\"a\",\"x\":{\"y\":1}},\"name\":\"n\","
                 "\"profile\":\"p\",\"selector\":{\"mac\":\"52:54:00:00:00:01\"}}"),
          "%.*s", STR_FMT(r.body));
    struct service_condition any = {.none_match = false};
    CHECK(service_patch(s, &k, gone, &any, &author, &f, &w, &e) == ERR_OK, "%s", e.msg);
    CHECK(str_find(w.stored.body, STR("\"x\""), 0) == w.stored.body.n);
    CHECK(service_patch(s, &k, needed, &any, &author, &f, &w, &e) == ERR_INVALID);
    CHECK(f.first && str_find(f.first->message, STR("would get no generic"), 0) < 80);
    close_and_remove(s);
}

static void sign(struct service *s, const char *text, char *sig, size_t size)
{
    ARENA_LOCAL(a, 1u << 20);
    struct err e = ERR_INIT;
    struct str made = {NULL, 0};
    struct service_to_sign in = {
        .bytes = str_c(text), .form = SERVICE_ASC, .name = "generic", .remote = "192.0.2.1"};
    CHECK(service_sign(s, &in, &a, &made, &e) == ERR_OK, "%s", e.msg);
    snprintf(sig, size, "%.*s", STR_FMT(made));
}

static void signatures_fit_what_is_served(void)
{
    struct service *s = open_fresh();
    small_site(s);
    struct err e = ERR_INIT;
    struct sign_key *k;
    struct sign_verdict v;
    char text[1000], sig[2000], again[2000];
    CHECK(sign_key_read(service_public_key(s, SERVICE_ASC), SIGN_NO_PASSPHRASE, &k, &e) == ERR_OK,
          "%s", e.msg);
    CHECK(ask(s, RENDER_GENERIC, "mac", "52:54:00:00:00:01", text, sizeof text, &e) == ERR_OK);
    sign(s, text, sig, sizeof sig);
    sign(s, text, again, sizeof again);
    CHECK(strcmp(sig, again) == 0, "the same bytes get the same signature");
    CHECK(sign_verify(k, str_c(text), str_c(sig), &v, &e) == ERR_OK && v.good);
    text[0] ^= 1;
    CHECK(sign_verify(k, str_c(text), str_c(sig), &v, &e) == ERR_OK && !v.good);
    sign_key_free(k);
    close_and_remove(s);
}

static void tokens_are_checked(void)
{
    struct service *s = open_fresh();
    char path[200], token[200] = "";
    struct stat st;
    struct err e = ERR_INIT;
    snprintf(path, sizeof path, "%s/admin.token", dir);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    FILE *f = fopen(path, "r");
    CHECK(f && fgets(token, sizeof token, f));
    if (f)
        fclose(f);
    token[strcspn(token, "\n")] = '\0';
    struct service_identity who;
    CHECK(service_authenticate(s, str_c(token), &who, &e) == ERR_OK, "%s", e.msg);
    CHECK(who.role == STORE_ROLE_ADMIN && strcmp(who.name, "admin") == 0);
    token[10] = token[10] == 'a' ? 'b' : 'a';
    CHECK(service_authenticate(s, str_c(token), &who, &e) == ERR_DENIED);
    CHECK(service_authenticate(s, STR(""), &who, &e) == ERR_DENIED);
    snprintf(path, sizeof path, "%s/keys/signing.key", dir);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    close_and_remove(s);
}

static void reading_only_makes_nothing(void)
{
    struct service *s = open_fresh();
    struct err e = ERR_INIT;
    char text[1000] = "", token[64];
    small_site(s);
    service_close(s);
    snprintf(text, sizeof text, "%s/keys", dir);
    remove_tree(text);
    service_token_text(token, sizeof token);
    struct service_options o = {.data_path = dir, .read_only = true, .own_token = token};
    CHECK(service_open(&o, &s, &e) == ERR_OK, "%s", e.msg);
    CHECK(service_wait_ready(s, &e) == ERR_OK, "%s", e.msg);
    CHECK(access(text, F_OK) != 0, "a key was made");
    struct service_identity who = {.name = ""};
    CHECK(service_authenticate(s, str_c(token), &who, &e) == ERR_OK, "%s", e.msg);
    CHECK(who.role == STORE_ROLE_ADMIN);
    CHECK(service_authenticate(s, STR("vesta_another"), &who, &e) == ERR_DENIED);
    CHECK(ask(s, RENDER_GENERIC, "mac", "52:54:00:00:00:01", text, sizeof text, &e) == ERR_OK, "%s",
          e.msg);
    CHECK(strcmp(text, "role=a") == 0, "%s", text);
    CHECK(delete (s, STORE_GROUP, 0, "g", &e) == ERR_DENIED);
    service_close(s);
    CHECK(service_open(&(struct service_options){.data_path = dir}, &s, &e) == ERR_OK, "%s", e.msg);
    CHECK(service_authenticate(s, str_c(token), &who, &e) == ERR_DENIED, "it was stored");
    close_and_remove(s);
}

static void write_file(const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/site/%s", dir, name);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL, "%s", path);
    if (f) {
        fputs(text, f);
        fclose(f);
    }
}

static void make_site(void)
{
    static const char *const folders[] = {"",         "/groups",      "/profiles",
                                          "/generic", "/generic/sub", "/ignition"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/site%s", dir, folders[i]);
        CHECK(mkdir(path, 0755) == 0);
    }
    write_file("generic/sub/t.tmpl", "{{.role}}");
    write_file("profiles/p.json", "{\"id\":\"other\",\"generic_id\":\"./sub/t.tmpl\"}");
    write_file("groups/a.json",
               "{\"profile\":\"p\",\"selector\":{\"x\":\"1\"},\"metadata\":{\"role\":\"a\"}}");
    write_file("groups/b.json",
               "{\"profile\":\"p\",\"selector\":{\"x\":\"1\"},\"metadata\":{\"role\":\"b\"}}");
    write_file("groups/c.json", "{\"profile\":\"gone\",\"selector\":{\"x\":\"3\"}}");
    write_file("groups/README", "no group");
}

static err_code import(struct service *s, bool skip, bool dry, struct service_imported *done,
                       struct findings *f, struct err *e)
{
    char path[300];
    snprintf(path, sizeof path, "%s/site", dir);
    struct service_import in = {
        .dir = path, .skip_invalid = skip, .dry_run = dry, .author = author};
    return service_import(s, &in, f, done, e);
}

static void a_directory_is_imported(void)
{
    struct service *s = open_fresh();
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    findings_init(&f, &a);
    struct err e = ERR_INIT;
    struct service_imported done;
    char text[1000];
    make_site();
    CHECK(import(s, false, true, &done, &f, &e) == ERR_OK, "%s", e.msg);
    CHECK(done.groups == 3 && done.profiles == 1 && done.templates == 1);
    CHECK(ask(s, RENDER_GENERIC, "x", "1", text, sizeof text, &e) == ERR_NOT_FOUND,
          "a dry run writes nothing");
    CHECK(import(s, false, false, &done, &f, &e) == ERR_OK, "%s", e.msg);
    CHECK(f.errors == 0 && f.warnings == 5, "%zu", f.warnings);
    CHECK(ask(s, RENDER_GENERIC, "x", "1", text, sizeof text, &e) == ERR_OK, "%s", e.msg);
    CHECK(strcmp(text, "a") == 0, "the first by id is active: %s", text);
    CHECK(ask(s, RENDER_GENERIC, "x", "3", text, sizeof text, &e) == ERR_NOT_FOUND);
    close_and_remove(s);
}

static void an_import_is_all_or_nothing(void)
{
    struct service *s = open_fresh();
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    findings_init(&f, &a);
    struct err e = ERR_INIT;
    struct service_imported done;
    char text[1000];
    make_site();
    write_file("groups/d.json", "{\"profile\":5,\n\"selector\":[]}");
    write_file("groups/e.json", "{\"profile\":\"p\",\n \"profile\":\"q\"}");
    write_file("generic/bad.tmpl", "x\n{{.y");
    write_file("ignition/bad.ign", "{");
    CHECK(import(s, false, false, &done, &f, &e) == ERR_INVALID);
    CHECK(f.errors == 5, "%zu", f.errors);
    CHECK(ask(s, RENDER_GENERIC, "x", "1", text, sizeof text, &e) == ERR_NOT_FOUND);
    CHECK(import(s, true, false, &done, &f, &e) == ERR_OK, "%s", e.msg);
    CHECK(done.skipped == 3, "%zu", done.skipped);
    CHECK(ask(s, RENDER_GENERIC, "x", "1", text, sizeof text, &e) == ERR_OK);
    close_and_remove(s);
}

static void an_export_of_little_can_be_imported(void)
{
    struct service *s = open_fresh();
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    findings_init(&f, &a);
    struct err e = ERR_INIT;
    struct service_imported done;
    struct service_exported out;
    char to[300];
    CHECK(put(s, STORE_TEMPLATE, MODEL_GENERIC, "t", "x", &e) == ERR_OK, "%s", e.msg);
    snprintf(to, sizeof to, "%s/out", dir);
    CHECK(service_export(s, to, false, NULL, NULL, &out, &e) == ERR_OK, "%s", e.msg);
    struct service_import in = {.dir = to, .author = author};
    CHECK(service_import(s, &in, &f, &done, &e) == ERR_OK, "%s", e.msg);
    CHECK(done.templates == 1 && done.groups == 0 && done.profiles == 0);
    close_and_remove(s);
}

static void export_then_import_is_the_same(void)
{
    struct service *s = open_fresh();
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    findings_init(&f, &a);
    struct err e = ERR_INIT;
    struct service_imported done;
    struct service_exported out;
    char to[300], first[100], second[100];
    make_site();
    CHECK(import(s, false, false, &done, &f, &e) == ERR_OK, "%s", e.msg);
    snprintf(to, sizeof to, "%s/out", dir);
    CHECK(service_export(s, to, false, NULL, NULL, &out, &e) == ERR_OK, "%s", e.msg);
    CHECK(out.groups == 3 && out.profiles == 1 && out.templates == 1);
    CHECK(service_export(s, to, false, NULL, NULL, &out, &e) == ERR_CONFLICT, "it is not empty");
    struct service_import in = {.dir = to, .author = author};
    uint64_t before = done.revision;
    CHECK(service_import(s, &in, &f, &done, &e) == ERR_OK, "%s", e.msg);
    CHECK(done.revision == before, "the same again is no revision");
    CHECK(ask(s, RENDER_GENERIC, "x", "1", first, sizeof first, &e) == ERR_OK);
    CHECK(ask(s, RENDER_METADATA, "x", "3", second, sizeof second, &e) == ERR_OK);
    close_and_remove(s);
}

/* What another process writes to the same file is served. */
static void another_writer_is_noticed(void)
{
    struct service *s = open_fresh();
    struct service *other = NULL;
    struct err e = ERR_INIT;
    char text[1000];
    struct service_options o = {.data_path = dir, .store_only = true};
    CHECK(service_open(&o, &other, &e) == ERR_OK, "%s", e.msg);
    small_site(other);
    service_close(other);
    err_code c = ERR_NOT_FOUND;
    for (int i = 0; i < 200 && c == ERR_NOT_FOUND; i++) {
        usleep(50000);
        c = ask(s, RENDER_IPXE, "mac", "52:54:00:00:00:01", text, sizeof text, &e);
    }
    CHECK(c == ERR_OK, "%s", e.msg);
    close_and_remove(s);
}

/* Whoever writes serves all that was written elsewhere before, and not only its own. */
static void writers_in_turn_see_all(void)
{
    struct service *two[2] = {open_fresh(), NULL};
    struct err e = ERR_INIT;
    char text[1000], body[200], value[20];
    struct service_options o = {.data_path = dir};
    small_site(two[0]);
    CHECK(service_open(&o, &two[1], &e) == ERR_OK && !service_wait_ready(two[1], &e), "%s", e.msg);
    for (int i = 0; i < 20; i++) {
        struct service *s = two[i % 2];
        snprintf(body, sizeof body, "{\"profile\":\"p\",\"selector\":{\"n\":\"%d\"}}", i);
        snprintf(value, sizeof value, "%d", i);
        CHECK(put(s, STORE_GROUP, 0, value, body, &e) == ERR_OK, "%s", e.msg);
        /* The first one again, which makes no revision; the other has not seen this one yet. */
        snprintf(body, sizeof body, "{\"profile\":\"p\",\"selector\":{\"n\":\"0\"}}");
        CHECK(put(two[!(i % 2)], STORE_GROUP, 0, "0", body, &e) == ERR_OK, "%s", e.msg);
        for (int k = 0; k <= 2 * i + 1; k++) {
            snprintf(value, sizeof value, "%d", k / 2);
            CHECK(ask(two[k % 2], RENDER_IPXE, "n", value, text, sizeof text, &e) == ERR_OK,
                  "%d of %d", k / 2, i);
        }
    }
    service_close(two[1]);
    close_and_remove(two[0]);
}

struct crowd {
    struct service *s;
    int number;
    int bad;
};

/* Each writer's own group is seen by itself right after each of its writes. */
static void *write_and_read(void *arg)
{
    struct crowd *c = arg;
    struct err e;
    char id[40], body[200], text[1000], want[40], value[20];
    snprintf(id, sizeof id, "w%d", c->number);
    snprintf(value, sizeof value, "%d", c->number);
    for (int i = 0; i < 20; i++) {
        snprintf(body, sizeof body,
                 "{\"profile\":\"p\",\"selector\":{\"n\":\"%d\"},\"metadata\":{\"role\":\"r%d\"}}",
                 c->number, i);
        snprintf(want, sizeof want, "role=r%d", i);
        if (put(c->s, STORE_GROUP, 0, id, body, &e) != ERR_OK ||
            ask(c->s, RENDER_GENERIC, "n", value, text, sizeof text, &e) != ERR_OK ||
            strcmp(text, want) != 0)
            c->bad++;
    }
    return NULL;
}

static void writers_see_what_they_wrote(void)
{
    struct service *s = open_fresh();
    small_site(s);
    pthread_t t[8];
    struct crowd c[8];
    for (int i = 0; i < 8; i++) {
        c[i] = (struct crowd){s, i, 0};
        CHECK(pthread_create(&t[i], NULL, write_and_read, &c[i]) == 0);
    }
    int bad = 0;
    for (int i = 0; i < 8; i++) {
        pthread_join(t[i], NULL);
        bad += c[i].bad;
    }
    CHECK(bad == 0, "%d of 160 were not seen", bad);
    close_and_remove(s);
}

/* Whether the answer is a kept document: one of more than 4 KiB is held then, not copied. */
static bool is_kept(struct service *s)
{
    ARENA_LOCAL(a, 1u << 20);
    struct label l = {STR("mac"), STR("52:54:00:00:00:01")};
    struct labels labels = {.v = &l, .n = 1};
    struct service_question q = {.document = RENDER_GENERIC, .labels = &labels};
    struct service_answer answer;
    CHECK(service_answer(s, &q, &a, &answer, NULL) == ERR_OK && answer.bytes.n == 5001);
    bool held = answer.held != NULL;
    if (held)
        catalog_doc_release(answer.held);
    return held;
}

static void documents_are_kept_from_the_second_request_on(void)
{
    struct service *s = open_fresh();
    struct err e = ERR_INIT;
    char large[5100];
    small_site(s);
    snprintf(large, sizeof large, "%05000d{{.role}}", 0);
    CHECK(put(s, STORE_TEMPLATE, MODEL_GENERIC, "t", large, &e) == ERR_OK, "%s", e.msg);
    CHECK(!is_kept(s) && !is_kept(s), "two had to be made");
    CHECK(is_kept(s) && is_kept(s));
    close_and_remove(s);
}

static void add(struct tally t)
{
    check_passed += t.passed;
    check_failed += t.failed;
}

int main(void)
{
    RUN(a_write_is_answered_at_once);
    RUN(bad_resources_are_refused);
    RUN(what_could_not_be_loaded_is_not_stored);
    RUN(the_largest_resource_is_served);
    RUN(conditions_and_patches);
    RUN(signatures_fit_what_is_served);
    RUN(tokens_are_checked);
    RUN(reading_only_makes_nothing);
    RUN(a_directory_is_imported);
    RUN(an_import_is_all_or_nothing);
    RUN(an_export_of_little_can_be_imported);
    RUN(export_then_import_is_the_same);
    RUN(another_writer_is_noticed);
    RUN(writers_in_turn_see_all);
    RUN(writers_see_what_they_wrote);
    RUN(documents_are_kept_from_the_second_request_on);
    add(labels_suite());
    add(signing_suite());
    add(secrets_suite());
    add(plan_suite());
    add(plan_turns_suite());
    return check_done();
}
