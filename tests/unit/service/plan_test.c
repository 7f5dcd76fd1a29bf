/* Plan and apply: what a bundle would change, what is told of it, and that all or nothing happens.
 */
#include "plan_support.h"

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
    RUN(many_diffs_are_counted_only);
    return SUITE_TALLY;
}
