/* Plan and apply: what a bundle would change, what is told of it, and that all or nothing happens.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/service.h"
#include "suites.h"
#include "support/check.h"

static char dir[64];
static struct service *site;

static const struct service_author author = {STR_INIT("test"), STR_INIT("")};

/* What the last plan said, as "add groups/a|change …" and "a ipxe|b cloud". */
static struct told {
    struct buf changes, documents, diffs, findings;
    struct service_planned done;
    struct err e;
    int begun;
    void (*meanwhile)(void); /* once, when the plan has ended its changes */
} told;

static void clear(void)
{
    buf_clear(&told.changes);
    buf_clear(&told.documents);
    buf_clear(&told.diffs);
}

static void begin(void *arg)
{
    (void)arg;
    told.begun++;
    clear();
}

static err_code tell_change(void *arg, const struct service_plan_change *c, struct err *e)
{
    static const char *const actions[] = {"add", "change", "remove"};
    static const char *const types[] = {"", "groups", "profiles", "templates"};
    (void)arg;
    (void)e;
    buf_addf(&told.changes, "%s%s %s/%.*s", told.changes.n ? "|" : "", actions[c->action],
             types[c->key.type], STR_FMT(c->key.name));
    buf_add_str(&told.diffs, c->diff);
    return ERR_OK;
}

static err_code tell_document(void *arg, const struct service_plan_document *d, struct err *e)
{
    (void)arg;
    (void)e;
    buf_addf(&told.documents, "%s%.*s %s", told.documents.n ? "|" : "", STR_FMT(d->group),
             render_name(d->document));
    buf_add_str(&told.diffs, d->diff);
    if (told.meanwhile) {
        void (*now)(void) = told.meanwhile;
        told.meanwhile = NULL;
        now();
    }
    return ERR_OK;
}

static const struct service_plan_sink sink = {begin, tell_change, tell_document, NULL};

static void open_fresh(void)
{
    snprintf(dir, sizeof dir, "/tmp/vesta-plan-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    struct err e = ERR_INIT;
    struct service_options o = {.data_path = dir};
    CHECK(service_open(&o, &site, &e) == ERR_OK, "%s", e.msg);
    CHECK(service_wait_ready(site, &e) == ERR_OK, "%s", e.msg);
    told = (struct told){.begun = 0};
    buf_init(&told.changes, 1u << 20);
    buf_init(&told.documents, 1u << 20);
    buf_init(&told.diffs, 64u << 20);
    buf_init(&told.findings, 1u << 20);
}

static void close_and_remove(void)
{
    static const char *const names[] = {"vesta.db",    "vesta.db-wal", "vesta.db-shm",
                                        "signing.key", "admin.token",  ""};
    service_close(site);
    buf_free(&told.changes);
    buf_free(&told.documents);
    buf_free(&told.diffs);
    buf_free(&told.findings);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        if (unlink(path) != 0)
            rmdir(path);
    }
}

struct how {
    bool apply, lines;
    struct service_plan_options o;
};

static err_code run_text(struct str text, struct how how)
{
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    struct service_bundle b = {text, how.lines};
    findings_init(&f, &a);
    told.e = ERR_INIT;
    told.begun = 0;
    clear();
    err_code c = how.apply
                     ? service_apply(site, &b, &how.o, &author, &sink, &f, &told.done, &told.e)
                     : service_plan(site, &b, &how.o, &sink, &f, &told.done, &told.e);
    buf_clear(&told.findings);
    for (const struct finding *x = f.first; x; x = x->next) {
        finding_format(x, &told.findings);
        buf_add_byte(&told.findings, '\n');
    }
    return c;
}

static err_code plan(const char *text)
{
    return run_text(str_c(text), (struct how){.apply = false});
}
static err_code apply(const char *text)
{
    return run_text(str_c(text), (struct how){.apply = true});
}
static err_code apply_pruned(const char *text)
{
    return run_text(str_c(text), (struct how){.apply = true, .o.prune = true});
}

static bool says(struct buf *b, const char *want)
{
    return str_is(buf_str(b), want);
}
static bool found(const char *want)
{
    return str_find(buf_str(&told.findings), str_c(want), 0) < told.findings.n;
}
static bool differs(const char *want)
{
    return str_find(buf_str(&told.diffs), str_c(want), 0) < told.diffs.n;
}
static const char *text_of(struct buf *b)
{
    const char *text = buf_c(b);
    return text ? text : "";
}

static uint64_t revision(void)
{
    uint64_t n = 0;
    CHECK(service_newest(site, &n, NULL) == ERR_OK);
    return n;
}

/* Two groups of a profile with one template, and one of another. */
static const char small[] =
    "{\"templates\":["
    "{\"kind\":\"generic\",\"name\":\"t\",\"content\":\"role={{.role}}\\n\"},"
    "{\"kind\":\"cloud\",\"name\":\"c.yaml\",\"content\":\"#cloud-config\\nhostname: "
    "{{.role}}\\n\"}],"
    "\"profiles\":[{\"id\":\"p\",\"boot\":{\"kernel\":\"/k\"},\"generic_id\":\"t\"},"
    "{\"id\":\"q\",\"cloud_id\":\"c.yaml\"}],"
    "\"groups\":["
    "{\"id\":\"a\",\"profile\":\"p\",\"selector\":{\"m\":\"a\"},\"metadata\":{\"role\":\"x\"}},"
    "{\"id\":\"b\",\"profile\":\"p\",\"selector\":{\"m\":\"b\"},\"metadata\":{\"role\":\"y\"}},"
    "{\"id\":\"c\",\"profile\":\"q\",\"selector\":{\"m\":\"c\"},\"metadata\":{\"role\":\"z\"}}],"
    "\"message\":\"first\"}";

static void small_site(void)
{
    open_fresh();
    CHECK(apply(small) == ERR_OK, "%s %s", told.e.msg, text_of(&told.findings));
    CHECK(told.done.revision == 1 && told.done.added == 7);
}

/* --- what is told ------------------------------------------------------------------------------
 */

static void a_plan_changes_nothing(void)
{
    open_fresh();
    CHECK(plan(small) == ERR_OK, "%s %s", told.e.msg, text_of(&told.findings));
    CHECK(says(&told.changes, "add groups/a|add groups/b|add groups/c|add profiles/p|"
                              "add profiles/q|add templates/c.yaml|add templates/t"),
          "%s", text_of(&told.changes));
    CHECK(told.done.revision == 0 && revision() == 0);
    CHECK(differs("+++ b/groups/a.json\n") && differs("+role=x\n") && differs("--- /dev/null\n"));
    CHECK(told.done.groups == 3, "%llu", (unsigned long long)told.done.groups);
    close_and_remove();
}

static void the_same_again_makes_no_revision(void)
{
    small_site();
    CHECK(apply(small) == ERR_OK);
    CHECK(told.done.revision == 1 && revision() == 1 && told.done.unchanged == 7);
    CHECK(told.changes.n == 0 && told.documents.n == 0, "%s", text_of(&told.documents));
    ARENA_LOCAL(a, 1u << 16);
    struct store_revision r;
    CHECK(service_revision(site, 1, &a, &r, NULL) == ERR_OK);
    CHECK(str_is(r.message, "first") && str_is(r.who, "test") && r.changes == 7);
    close_and_remove();
}

static void documents_follow_what_they_are_made_of(void)
{
    static const struct {
        const char *bundle, *changes, *documents;
    } cases[] = {
        {"{\"groups\":[{\"id\":\"a\",\"profile\":\"p\",\"selector\":{\"m\":\"a\"},"
         "\"metadata\":{\"role\":\"new\"}}]}",
         "change groups/a", "a generic|a metadata"},
        {"{\"groups\":[{\"id\":\"a\",\"name\":\"only the name\",\"profile\":\"p\","
         "\"selector\":{\"m\":\"a\"},\"metadata\":{\"role\":\"x\"}}]}",
         "change groups/a", ""},
        {"{\"profiles\":[{\"id\":\"p\",\"boot\":{\"kernel\":\"/new\"},\"generic_id\":\"t\"}]}",
         "change profiles/p", "a ipxe|a grub|a pxelinux|b ipxe|b grub|b pxelinux"},
        {"{\"profiles\":[{\"id\":\"q\"}]}", "change profiles/q", "c cloud"},
        {"{\"templates\":[{\"kind\":\"generic\",\"name\":\"t\",\"content\":\"v2 {{.role}}\"}]}",
         "change templates/t", "a generic|b generic"},
        {"{\"templates\":[{\"kind\":\"generic\",\"name\":\"t\","
         "\"content\":\"{{/* other */}}role={{.role}}\\n\"}]}",
         "change templates/t", ""},
        {"{\"templates\":[{\"kind\":\"generic\",\"name\":\"unused\",\"content\":\"x\"}]}",
         "add templates/unused", ""},
        {"{\"templates\":[{\"kind\":\"generic\",\"name\":\"t\","
         "\"content\":\"{{.request.query.m}} {{.request.raw_query}}\"}]}",
         "change templates/t", "a generic|b generic"},
    };
    small_site();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(plan(cases[i].bundle) == ERR_OK, "%zu: %s %s", i, told.e.msg,
              text_of(&told.findings));
        CHECK(says(&told.changes, cases[i].changes), "%zu: %s", i, text_of(&told.changes));
        CHECK(says(&told.documents, cases[i].documents), "%zu: %s", i, text_of(&told.documents));
    }
    CHECK(differs("-role=x\n+a m=a\n"), "%s", text_of(&told.diffs));
    CHECK(differs("--- a/a/generic\n+++ b/a/generic\n"));
    close_and_remove();
}

static void files_are_part_of_butane_configs(void)
{
    static const char with_file[] =
        "{\"templates\":[{\"kind\":\"files\",\"name\":\"motd\",\"content\":\"%s\"},"
        "{\"kind\":\"ignition\",\"name\":\"w.bu\",\"content\":"
        "\"variant: fcos\\nversion: 1.5.0\\nstorage:\\n  files:\\n    - path: /etc/motd\\n"
        "      contents:\\n        local: motd\\n\"}],"
        "\"profiles\":[{\"id\":\"w\",\"ignition_id\":\"w.bu\"}],"
        "\"groups\":[{\"id\":\"w\",\"profile\":\"w\",\"selector\":{\"m\":\"w\"}}]}";
    char text[2000];
    small_site();
    snprintf(text, sizeof text, with_file, "one");
    CHECK(apply(text) == ERR_OK, "%s %s", told.e.msg, text_of(&told.findings));
    CHECK(plan("{\"templates\":[{\"kind\":\"files\",\"name\":\"motd\",\"content\":\"two\"}]}") ==
          ERR_OK);
    CHECK(says(&told.documents, "w ignition"), "%s", text_of(&told.documents));
    snprintf(text, sizeof text, with_file, "one");
    /* The file goes, so the config that reads it can no longer be made. */
    char *cut = strstr(text, "{\"kind\":\"files\"");
    memmove(cut, strstr(text, "{\"kind\":\"ignition\""),
            strlen(strstr(text, "{\"kind\":\"ignition\"")) + 1);
    CHECK(apply_pruned(text) == ERR_INVALID, "%s", text_of(&told.changes));
    CHECK(found("ignition/w.bu:7:") && found("group \"w\" would get no Ignition config"), "%s",
          text_of(&told.findings));
    CHECK(revision() == 2);
    close_and_remove();
}

static void json_is_compared_by_members(void)
{
    static const char with_motd[] =
        "{\"templates\":[{\"kind\":\"ignition\",\"name\":\"w.bu\",\"content\":"
        "\"variant: fcos\\nversion: 1.5.0\\nstorage:\\n  files:\\n    - path: /etc/motd\\n"
        "      contents:\\n        inline: %s\\n\"},{\"kind\":\"ignition\",\"name\":\"r.ign\","
        "\"content\":\"%s\"}],"
        "\"profiles\":[{\"id\":\"w\",\"ignition_id\":\"w.bu\"},{\"id\":\"r\",\"ignition_id\":\"r."
        "ign\"}],"
        "\"groups\":[{\"id\":\"w\",\"profile\":\"w\",\"selector\":{\"m\":\"w\"}},"
        "{\"id\":\"r\",\"profile\":\"r\",\"selector\":{\"m\":\"r\"}}]}";
    char text[2000];
    small_site();
    snprintf(text, sizeof text, with_motd, "one",
             "{\\\"ignition\\\":{\\\"version\\\":\\\"3.4.0\\\"}}");
    CHECK(apply(text) == ERR_OK, "%s %s", told.e.msg, text_of(&told.findings));
    snprintf(text, sizeof text, with_motd, "two",
             "{\\\"ignition\\\": {\\\"version\\\":\\\"3.4.0\\\"}}");
    CHECK(plan(text) == ERR_OK, "%s %s", told.e.msg, text_of(&told.findings));
    CHECK(says(&told.documents, "r ignition|w ignition"), "%s", text_of(&told.documents));
    CHECK(differs("-          \"source\": \"data:,one\"\n+          \"source\": \"data:,two\"\n"),
          "%s", text_of(&told.diffs));
    CHECK(differs("-{\"ignition\":{\"version\":\"3.4.0\"}}\n\\ No newline"),
          "white space is told too: %s", text_of(&told.diffs));
    close_and_remove();
}

static void each_value_of_a_list_is_looked_at(void)
{
    static const char with_template[] =
        "{\"templates\":[{\"kind\":\"generic\",\"name\":\"t\",\"content\":\"%s\"}],"
        "\"groups\":[{\"id\":\"a\",\"profile\":\"p\",\"selector\":{\"m\":%s},"
        "\"metadata\":{\"role\":\"x\"}}]}";
    char text[1000];
    small_site();
    snprintf(text, sizeof text, with_template, "role={{.role}}\\n", "[\"a\",\"a2\"]");
    CHECK(apply(text) == ERR_OK, "%s %s", told.e.msg, text_of(&told.findings));
    CHECK(says(&told.documents, "a ipxe|a grub|a pxelinux|a generic|a metadata|a meta-data"), "%s",
          text_of(&told.documents));
    CHECK(differs("--- /dev/null\n+++ b/a/metadata\n@@ -0,0 +1,4 @@\n+M=a2\n"), "%s",
          text_of(&told.diffs));
    snprintf(text, sizeof text, with_template, "role={{.role}}{{if eq .m `a2`}}!{{end}}\\n",
             "[\"a\",\"a2\"]");
    CHECK(plan(text) == ERR_OK, "%s %s", told.e.msg, text_of(&told.findings));
    CHECK(says(&told.documents, "a generic") && differs("-role=x\n+role=x!\n"), "%s",
          text_of(&told.diffs));
    snprintf(text, sizeof text, with_template, "role={{.role}}{{if eq .m `a2`}}{{.no}}{{end}}\\n",
             "[\"a\",\"a2\"]");
    CHECK(plan(text) == ERR_INVALID);
    CHECK(found("group \"a\" would get no generic document"), "%s", text_of(&told.findings));
    close_and_remove();
}

/* --- what is refused ---------------------------------------------------------------------------
 */

static void every_finding_has_its_place(void)
{
    small_site();
    CHECK(plan("{\n \"groups\": [\n  {\"id\": \"x\", \"profile\": \"p\",\n   \"selector\": "
               "{\"mac\": \"zz\"}},\n  {\"profile\": \"p\"},\n  {\"id\": \"y\", \"profile\": "
               "\"nope\"}\n ],\n \"templates\": [{\"kind\": \"generic\", \"name\": \"t\", "
               "\"content\": \"a\\n{{if\"}]\n}") == ERR_INVALID);
    CHECK(found("4:24: error: /groups/0/selector/mac: "), "%s", text_of(&told.findings));
    CHECK(found("5:3: error: /groups/1: it has no id"));
    CHECK(found("generic/t:2:"));
    CHECK(plan("{\"groups\":[\n{\"id\":\"y\",\n\"profile\":\"nope\"}]}") == ERR_INVALID);
    CHECK(found("3:11: error: /groups/0/profile: there is no profile \"nope\""), "%s",
          text_of(&told.findings));
    CHECK(
        run_text(
            STR("{\"group\":{\"id\":\"n\",\"profile\":\"p\"}}\n\n{\"group\":{\"id\":1}}\nrubbish\n"
                "{\"profile\":{\"id\":\"n\",\"color\":1}}\r\n{\"group\":{\"id\":\"n\"}}\n"),
            (struct how){.lines = true}) == ERR_INVALID);
    CHECK(found("3:16: error: /group/id: must be a string"), "%s", text_of(&told.findings));
    CHECK(found("4:1: error: a line must be"));
    CHECK(found("5:22: error: /profile/color: unknown field") || found("error: /profile/color"));
    CHECK(found("6:16: error: /group/id: \"n\" stands twice in the bundle; the first is on line 1"),
          "%s", text_of(&told.findings));
    close_and_remove();
}

static void what_is_no_bundle_is_told(void)
{
    static const char *const cases[][2] = {
        {"", "1:1: error: "},
        {"[]", "must be an object"},
        {"{\"groups\":{}}", "1:11: error: /groups: must be a list"},
        {"{\"groups\":[1]}", "/groups/0: must be an object"},
        {"{\"groups\":[{\"id\":\"x\",}]}", "error: /groups/0: not JSON"},
        {"{\"groups\":[],\"groups\":[]}", "1:14: error: \"groups\" stands twice"},
        {"{\"sausages\":[]}", "\"sausages\" is not known"},
        {"{\"groups\":[]} x", "error: not JSON"},
        {"{\"groups\":[{\"id\":\"x\"", "error: "},
        {"{\"templates\":[{\"kind\":\"sausage\",\"name\":\"x\",\"content\":\"\"}]}",
         "/templates/0/kind: there is no kind"},
        {"{\"templates\":[{\"kind\":\"cloud\",\"name\":\"../x\",\"content\":\"\"}]}",
         "/templates/0/name: the name must be"},
        {"{\"templates\":[{\"kind\":\"files\",\"name\":\"x\"}]}", "either content or content_b64"},
        {"{\"templates\":[{\"kind\":\"files\",\"name\":\"x\",\"content_b64\":\"!\"}]}",
         "/templates/0/content_b64: is not base64"},
        {"{\"message\":1}", "\"message\" must be a string"},
    };
    open_fresh();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(apply(cases[i][0]) == ERR_INVALID, "%s", cases[i][0]);
        CHECK(found(cases[i][1]), "%s: %s", cases[i][0], text_of(&told.findings));
    }
    CHECK(apply_pruned("{}") == ERR_INVALID && found("would remove the whole site"));
    CHECK(revision() == 0);
    close_and_remove();
}

static void selectors_are_those_of_the_end(void)
{
    small_site();
    CHECK(apply("{\"groups\":["
                "{\"id\":\"a\",\"profile\":\"p\",\"selector\":{\"m\":\"b\"},\"metadata\":{\"role\":"
                "\"x\"}},{\"id\":\"b\",\"profile\":\"p\",\"selector\":{\"m\":\"a\"},\"metadata\":"
                "{\"role\":\"y\"}}]}") == ERR_OK,
          "a swap: %s %s", told.e.msg, text_of(&told.findings));
    CHECK(plan("{\"groups\":[{\"id\":\"n\",\"profile\":\"p\",\"selector\":{\"m\":\"a\"}}]}") ==
          ERR_CONFLICT);
    CHECK(found("/groups/0/selector: group \"b\" has the same selector"), "%s",
          text_of(&told.findings));
    CHECK(plan("{\"groups\":[{\"id\":\"n\",\"profile\":\"p\",\"selector\":{\"m\":\"n\"}},"
               "{\"id\":\"o\",\"profile\":\"p\",\"selector\":{\"m\":\"n\"}}]}") == ERR_CONFLICT);
    CHECK(found("group \"n\" has the same selector"), "%s", text_of(&told.findings));
    /* The one that has it moves away in the same bundle. */
    CHECK(plan("{\"groups\":["
               "{\"id\":\"n\",\"profile\":\"p\",\"selector\":{\"m\":\"a\"},\"metadata\":{\"role\":"
               "\"x\"}},{\"id\":\"b\",\"profile\":\"p\",\"selector\":{\"m\":\"z\"},\"metadata\":"
               "{\"role\":\"y\"}}]}") == ERR_OK,
          "%s", text_of(&told.findings));
    close_and_remove();
}

static void prune_removes_the_rest_and_nothing_that_is_needed(void)
{
    small_site();
    CHECK(apply_pruned("{\"profiles\":[{\"id\":\"q\",\"cloud_id\":\"c.yaml\"}]}") == ERR_INVALID);
    CHECK(found("/profiles/0/cloud_id: there is no cloud template \"c.yaml\""), "%s",
          text_of(&told.findings));
    CHECK(revision() == 1);
    CHECK(apply_pruned("{\"profiles\":[{\"id\":\"q\",\"cloud_id\":\"c.yaml\"}],\"templates\":["
                       "{\"kind\":\"cloud\",\"name\":\"c.yaml\",\"content\":\"#cloud-config\\n\"}]"
                       "}") == ERR_OK,
          "%s %s", told.e.msg, text_of(&told.findings));
    CHECK(says(&told.changes, "remove groups/a|remove groups/b|remove groups/c|remove profiles/p|"
                              "change templates/c.yaml|remove templates/t"),
          "%s", text_of(&told.changes));
    CHECK(told.done.removed == 5 && told.done.revision == 2);
    CHECK(plan("{\"groups\":[{\"id\":\"n\",\"profile\":\"p\",\"selector\":{\"m\":\"a\"}}]}") ==
          ERR_INVALID);
    close_and_remove();
}

static void a_name_is_no_file_and_folder_at_once(void)
{
    small_site();
    CHECK(plan("{\"templates\":[{\"kind\":\"generic\",\"name\":\"t/below\",\"content\":\"\"}]}") ==
          ERR_CONFLICT);
    CHECK(plan("{\"templates\":[{\"kind\":\"files\",\"name\":\"d\",\"content\":\"\"},"
               "{\"kind\":\"files\",\"name\":\"d/e\",\"content\":\"\"}]}") == ERR_CONFLICT);
    CHECK(found("file and a folder at once"), "%s", text_of(&told.findings));
    close_and_remove();
}

static void what_breaks_is_refused_and_what_was_broken_is_told(void)
{
    small_site();
    CHECK(apply("{\"templates\":[{\"kind\":\"generic\",\"name\":\"t\","
                "\"content\":\"\\n{{.nothing}}\"}]}") == ERR_INVALID);
    CHECK(found("generic/t:2:3: error: group \"a\" would get no generic document"), "%s",
          text_of(&told.findings));
    CHECK(found("group \"b\" would get no"));
    CHECK(revision() == 1);
    CHECK(plan("{\"templates\":[{\"kind\":\"generic\",\"name\":\"t\","
               "\"content\":\"{{.request.query.os}}\"}]}") == ERR_OK);
    CHECK(found("warning: group \"a\" gets no generic document, unless its machine sends more"),
          "%s", text_of(&told.findings));
    close_and_remove();
}

/* --- turns --------------------------------------------------------------------------------------
 */

/* Plans that have begun and wait in there until all have, and then until they may go on. */
static pthread_barrier_t all_run, go_on;

static void begin_and_wait(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&all_run);
    pthread_barrier_wait(&go_on);
}

static void begin_only(void *arg)
{
    (void)arg;
}

static err_code plan_in(void (*started)(void *), bool at_once, struct err *e)
{
    ARENA_LOCAL(a, 1u << 20);
    struct findings f;
    struct service_planned done;
    struct service_plan_options o = {.at_once = at_once};
    struct service_bundle b = {STR("{}"), false};
    struct service_plan_sink s = sink;
    s.begin = started;
    findings_init(&f, &a);
    return service_plan(site, &b, &o, &s, &f, &done, e);
}

static void *plan_and_wait(void *arg)
{
    *(err_code *)arg = plan_in(begin_and_wait, false, NULL);
    return NULL;
}

static void *plan_patiently(void *arg)
{
    *(err_code *)arg = plan_in(begin_only, false, NULL);
    return NULL;
}

static void only_so_many_run_at_once(void)
{
    pthread_t threads[SERVICE_PLANS_AT_ONCE], patient;
    err_code codes[SERVICE_PLANS_AT_ONCE], last = ERR_IO;
    struct err e = ERR_INIT;
    small_site();
    pthread_barrier_init(&all_run, NULL, SERVICE_PLANS_AT_ONCE + 1);
    pthread_barrier_init(&go_on, NULL, SERVICE_PLANS_AT_ONCE + 1);
    for (int i = 0; i < SERVICE_PLANS_AT_ONCE; i++)
        CHECK(pthread_create(&threads[i], NULL, plan_and_wait, &codes[i]) == 0);
    pthread_barrier_wait(&all_run);
    CHECK(plan_in(begin_only, true, &e) == ERR_BUSY, "%s", e.msg);
    CHECK(strstr(e.msg, "still running: try again"), "%s", e.msg);
    CHECK(pthread_create(&patient, NULL, plan_patiently, &last) == 0);
    pthread_barrier_wait(&go_on);
    for (int i = 0; i < SERVICE_PLANS_AT_ONCE; i++) {
        pthread_join(threads[i], NULL);
        CHECK(codes[i] == ERR_OK);
    }
    pthread_join(patient, NULL);
    CHECK(last == ERR_OK, "its turn came");
    CHECK(plan_in(begin_only, true, &e) == ERR_OK, "all turns were given back: %s", e.msg);
    CHECK(plan("{") == ERR_INVALID && plan("{") == ERR_INVALID && plan("{") == ERR_INVALID);
    CHECK(plan_in(begin_only, true, &e) == ERR_OK, "also after errors: %s", e.msg);
    pthread_barrier_destroy(&all_run);
    pthread_barrier_destroy(&go_on);
    close_and_remove();
}

/* --- when somebody else writes -----------------------------------------------------------------
 */

static void somebody_writes(void)
{
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    struct err e = ERR_INIT;
    struct service_written w;
    struct service_condition none = {.none_match = false};
    struct store_key k = {STORE_PROFILE, 0, STR("other")};
    findings_init(&f, &a);
    char body[100];
    snprintf(body, sizeof body, "{\"name\":\"%llu\"}", (unsigned long long)revision());
    CHECK(service_put(site, &k, str_c(body), &none, &author, &f, &w, &e) == ERR_OK, "%s", e.msg);
}

static const char change_a[] = "{\"groups\":[{\"id\":\"a\",\"profile\":\"p\",\"selector\":{\"m\":"
                               "\"a\"},\"metadata\":{\"role\":\"new\"}}]}";

static void a_base_that_moved_is_a_conflict(void)
{
    small_site();
    struct how how = {.apply = true, .o = {.has_base = true, .base = 1}};
    told.meanwhile = somebody_writes;
    CHECK(run_text(str_c(change_a), how) == ERR_CONFLICT, "%s", told.e.msg);
    CHECK(strstr(told.e.msg, "revision 2 and no longer at 1"), "%s", told.e.msg);
    CHECK(revision() == 2);
    how.o.base = 2;
    CHECK(run_text(str_c(change_a), how) == ERR_OK, "%s", told.e.msg);
    CHECK(told.done.revision == 3);
    how.apply = false;
    CHECK(run_text(str_c(change_a), how) == ERR_CONFLICT, "a plan too");
    close_and_remove();
}

static void keep_writing(void)
{
    somebody_writes();
    if (told.begun < 3)
        told.meanwhile = keep_writing;
}

static void an_apply_ends_though_others_write(void)
{
    small_site();
    told.meanwhile = keep_writing;
    CHECK(apply(change_a) == ERR_OK, "%s", told.e.msg);
    CHECK(told.begun == 4, "three times outside, once inside: %d", told.begun);
    CHECK(told.done.revision == revision() && says(&told.changes, "change groups/a"), "%s",
          text_of(&told.changes));
    close_and_remove();
}

static void many_diffs_are_counted_only(void)
{
    open_fresh();
    BUF_LOCAL(text, 64u << 20);
    for (int i = 0; i < 60; i++) {
        buf_addf(&text, "{\"template\":{\"kind\":\"files\",\"name\":\"f%02d\",\"content\":\"", i);
        for (int k = 0; k < 10000; k++)
            buf_addf(&text, "%d line %d of many\\n", i, k);
        buf_add_lit(&text, "\"}}\n");
    }
    CHECK(!text.failed);
    CHECK(run_text(buf_str(&text), (struct how){.lines = true}) == ERR_OK, "%s", told.e.msg);
    CHECK(told.done.added == 60 && told.done.diffs_left_out > 2, "%llu",
          (unsigned long long)told.done.diffs_left_out);
    CHECK(told.diffs.n <= SERVICE_PLAN_DIFFS + (1u << 20), "%zu", told.diffs.n);
    close_and_remove();
}

struct tally plan_suite(void)
{
    RUN(a_plan_changes_nothing);
    RUN(the_same_again_makes_no_revision);
    RUN(documents_follow_what_they_are_made_of);
    RUN(files_are_part_of_butane_configs);
    RUN(json_is_compared_by_members);
    RUN(each_value_of_a_list_is_looked_at);
    RUN(every_finding_has_its_place);
    RUN(what_is_no_bundle_is_told);
    RUN(selectors_are_those_of_the_end);
    RUN(prune_removes_the_rest_and_nothing_that_is_needed);
    RUN(a_name_is_no_file_and_folder_at_once);
    RUN(what_breaks_is_refused_and_what_was_broken_is_told);
    RUN(only_so_many_run_at_once);
    RUN(a_base_that_moved_is_a_conflict);
    RUN(an_apply_ends_though_others_write);
    RUN(many_diffs_are_counted_only);
    return SUITE_TALLY;
}
