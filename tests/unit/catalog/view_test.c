/* Views: matching in them, revisions that appear all at once, documents that are kept. */
#include "catalog/catalog.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "catalog/view.h"
#include "suites.h"
#include "support/check.h"

static struct catalog *make(void)
{
    struct catalog *c = NULL;
    struct err e = ERR_INIT;
    CHECK(catalog_make(&c, &e) == ERR_OK, "%s", e.msg);
    return c;
}

static struct catalog_edit *begin(struct catalog *c, bool fresh)
{
    struct catalog_edit *x = NULL;
    CHECK(catalog_edit_begin(c, fresh, &x, NULL) == ERR_OK);
    return x;
}

static void put_group(struct catalog_edit *x, const char *id, const char *body)
{
    struct err e = ERR_INIT;
    CHECK(catalog_put_group(x, str_c(id), str_c(body), &e) == ERR_OK, "%s", e.msg);
}

/* The id of the group for up to three labels, "" for none. */
static const char *matched(struct catalog *c, const char *const pairs[][2], uint32_t n)
{
    static char id[64];
    struct label l[8];
    for (uint32_t i = 0; i < n; i++)
        l[i] = (struct label){str_c(pairs[i][0]), str_c(pairs[i][1])};
    struct labels labels = {.v = l, .n = model_labels_sort(l, n)};
    const struct catalog_view *v = catalog_enter(c);
    const struct catalog_group *g = catalog_match(v, &labels);
    snprintf(id, sizeof id, "%.*s", g ? (int)g->model.id.n : 0, g ? g->model.id.p : "");
    catalog_leave(c);
    return id;
}

#define MATCHED(c, ...)                                                                            \
    matched((c), (const char *const[][2]){__VA_ARGS__},                                            \
            sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static void the_most_specific_wins(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "default", "{\"profile\":\"p\"}");
    put_group(x, "site", "{\"profile\":\"p\",\"selector\":{\"site\":\"ams\"}}");
    put_group(x, "mac", "{\"profile\":\"p\",\"selector\":{\"mac\":\"52-54-00-00-00-01\"}}");
    put_group(x, "both", "{\"profile\":\"p\",\"selector\":{\"site\":\"ams\",\"role\":\"db\"}}");
    put_group(x, "none", "{\"profile\":\"p\",\"selector\":{\"os\":\"\",\"disk\":\"new\"}}");
    catalog_edit_commit(x, 1);
    CHECK(strcmp(MATCHED(c, {"q", "1"}), "default") == 0);
    CHECK(strcmp(MATCHED(c, {"site", "ams"}), "site") == 0);
    CHECK(strcmp(MATCHED(c, {"site", "ams"}, {"mac", "52:54:00:00:00:01"}), "site") == 0,
          "of two with one pair the greater text wins");
    CHECK(strcmp(MATCHED(c, {"site", "ams"}, {"role", "db"}), "both") == 0);
    CHECK(strcmp(MATCHED(c, {"disk", "new"}), "none") == 0);
    CHECK(strcmp(MATCHED(c, {"disk", "new"}, {"os", "installed"}), "default") == 0);
    struct catalog_stats st;
    catalog_stats(catalog_enter(c), &st);
    catalog_leave(c);
    CHECK(st.groups == 5 && st.shapes == 5 && st.broken == 0);
    catalog_free(c);
}

static void shadowed_groups_wait_their_turn(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "b", "{\"profile\":\"p\",\"selector\":{\"k\":\"1\"}}");
    put_group(x, "a", "{\"profile\":\"p\",\"selector\":{\"k\":\"1\"}}");
    catalog_edit_commit(x, 1);
    CHECK(strcmp(MATCHED(c, {"k", "1"}), "a") == 0);
    x = begin(c, false);
    CHECK(catalog_delete_group(x, STR("a"), NULL) == ERR_OK);
    catalog_edit_commit(x, 2);
    CHECK(strcmp(MATCHED(c, {"k", "1"}), "b") == 0);
    x = begin(c, false);
    put_group(x, "b", "{\"profile\":\"p\",\"selector\":{\"other\":\"1\"}}");
    catalog_edit_commit(x, 3);
    CHECK(strcmp(MATCHED(c, {"k", "1"}), "") == 0);
    CHECK(strcmp(MATCHED(c, {"other", "1"}), "b") == 0);
    struct catalog_stats st;
    catalog_stats(catalog_enter(c), &st);
    catalog_leave(c);
    CHECK(st.shapes == 1, "shapes that no group has any more are gone");
    catalog_free(c);
}

static size_t count_shapes(struct catalog *c)
{
    struct catalog_stats st;
    catalog_stats(catalog_enter(c), &st);
    catalog_leave(c);
    return st.shapes;
}

static void a_list_is_any_of_its_values(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "b",
              "{\"profile\":\"p\",\"selector\":{\"k\":[\"2\",\"1\",\"\"],\"os\":[\"x\",\"y\"]}}");
    put_group(x, "a", "{\"profile\":\"p\",\"selector\":{\"k\":\"1\",\"os\":\"y\"}}");
    catalog_edit_commit(x, 1);
    CHECK(strcmp(MATCHED(c, {"k", "1"}, {"os", "x"}), "b") == 0);
    CHECK(strcmp(MATCHED(c, {"k", "2"}, {"os", "y"}), "b") == 0);
    CHECK(strcmp(MATCHED(c, {"os", "y"}), "b") == 0, "an empty value stands for no label");
    CHECK(strcmp(MATCHED(c, {"k", "1"}, {"os", "y"}), "a") == 0, "shadowed for one of them only");
    CHECK(strcmp(MATCHED(c, {"k", "3"}, {"os", "y"}), "") == 0);
    CHECK(count_shapes(c) == 2, "with k and without");
    x = begin(c, false);
    put_group(x, "b", "{\"profile\":\"p\",\"selector\":{\"k\":[\"7\",\"8\"]}}");
    catalog_edit_abandon(x);
    CHECK(strcmp(MATCHED(c, {"k", "2"}, {"os", "y"}), "b") == 0, "as it was");
    x = begin(c, false);
    put_group(x, "b", "{\"profile\":\"p\",\"selector\":{\"k\":[\"7\",\"8\"]}}");
    catalog_edit_commit(x, 2);
    CHECK(strcmp(MATCHED(c, {"k", "2"}, {"os", "y"}), "") == 0);
    CHECK(strcmp(MATCHED(c, {"k", "8"}), "b") == 0);
    x = begin(c, false);
    CHECK(catalog_delete_group(x, STR("b"), NULL) == ERR_OK);
    catalog_edit_commit(x, 3);
    CHECK(strcmp(MATCHED(c, {"k", "8"}), "") == 0);
    CHECK(count_shapes(c) == 1);
    catalog_free(c);
}

static void lists_are_loaded_with_the_rest(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, true);
    struct catalog_batch *b[2];
    for (int i = 0; i < 2; i++)
        CHECK(catalog_batch_make(x, &b[i], NULL) == ERR_OK);
    CHECK(catalog_batch_add(b[0], STR("one"),
                            STR("{\"profile\":\"p\",\"selector\":{\"k\":[\"1\",\"2\"]}}"),
                            NULL) == ERR_OK);
    CHECK(catalog_batch_add(b[1], STR("two"), STR("{\"profile\":\"p\",\"selector\":{\"k\":\"3\"}}"),
                            NULL) == ERR_OK);
    CHECK(catalog_put_batches(x, b, 2, NULL) == ERR_OK);
    for (int i = 0; i < 2; i++)
        catalog_batch_free(b[i]);
    catalog_edit_commit(x, 1);
    CHECK(strcmp(MATCHED(c, {"k", "1"}), "one") == 0);
    CHECK(strcmp(MATCHED(c, {"k", "2"}), "one") == 0);
    CHECK(strcmp(MATCHED(c, {"k", "3"}), "two") == 0);
    catalog_free(c);
}

static void a_view_stays_as_it_was(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "g", "{\"profile\":\"old\"}");
    CHECK(catalog_put_profile(x, STR("old"), STR("{\"boot\":{\"kernel\":\"/1\"}}"), NULL) ==
          ERR_OK);
    CHECK(catalog_put_template(x, MODEL_GENERIC, STR("t"), STR("1"), NULL) == ERR_OK);
    catalog_edit_commit(x, 1);
    const struct catalog_view *v = catalog_enter(c);
    x = begin(c, false);
    put_group(x, "g", "{\"profile\":\"new\"}");
    CHECK(catalog_delete_profile(x, STR("old"), NULL) == ERR_OK);
    CHECK(catalog_delete_template(x, MODEL_GENERIC, STR("t"), NULL) == ERR_OK);
    catalog_edit_commit(x, 2);
    CHECK(str_is(catalog_group(v, STR("g"))->model.profile, "old"));
    CHECK(str_is(catalog_profile(v, STR("old"))->model.boot.kernel, "/1"));
    CHECK(catalog_template(v, MODEL_GENERIC, STR("t")) != NULL);
    CHECK(catalog_revision(v) == 1);
    catalog_leave(c);
    catalog_settle(c);
    v = catalog_enter(c);
    CHECK(str_is(catalog_group(v, STR("g"))->model.profile, "new"));
    CHECK(catalog_profile(v, STR("old")) == NULL);
    CHECK(catalog_template(v, MODEL_GENERIC, STR("t")) == NULL);
    CHECK(catalog_revision(v) == 2);
    catalog_leave(c);
    catalog_free(c);
}

static void what_is_abandoned_leaves_no_trace(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "g", "{\"profile\":\"p\"}");
    catalog_edit_commit(x, 1);
    x = begin(c, false);
    put_group(x, "g", "{\"profile\":\"q\"}");
    put_group(x, "g", "{\"profile\":\"r\"}");
    put_group(x, "h", "{\"profile\":\"q\",\"selector\":{\"z\":\"1\"}}");
    CHECK(catalog_put_template(x, MODEL_CLOUD, STR("t"), STR("{{.x}}"), NULL) == ERR_OK);
    catalog_edit_abandon(x);
    const struct catalog_view *v = catalog_enter(c);
    CHECK(str_is(catalog_group(v, STR("g"))->model.profile, "p"));
    CHECK(catalog_group(v, STR("h")) == NULL);
    catalog_leave(c);
    catalog_free(c);
}

static void a_fresh_edit_replaces_everything(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "old", "{\"profile\":\"p\"}");
    CHECK(catalog_put_profile(x, STR("p"), STR("{}"), NULL) == ERR_OK);
    catalog_edit_commit(x, 1);
    x = begin(c, true);
    put_group(x, "new", "{\"profile\":\"p\",\"selector\":{\"a\":\"b\"}}");
    catalog_edit_commit(x, 9);
    CHECK(strcmp(MATCHED(c, {"x", "y"}), "") == 0);
    CHECK(strcmp(MATCHED(c, {"a", "b"}), "new") == 0);
    catalog_settle(c);
    catalog_free(c);
}

static size_t broken(struct catalog *c)
{
    struct catalog_stats st;
    catalog_stats(catalog_enter(c), &st);
    catalog_leave(c);
    return st.broken;
}

static void broken_resources_are_told_and_counted(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    struct err e = ERR_INIT;
    put_group(x, "g", "{\"profile\":\"p\"}");
    CHECK(catalog_put_group(x, STR("g"), STR("{\"profile\":"), &e) == ERR_INVALID);
    CHECK(e.line == 1);
    CHECK(catalog_put_profile(x, STR("p"), STR("[]"), NULL) == ERR_INVALID);
    CHECK(catalog_put_template(x, MODEL_GENERIC, STR("t"), STR("{{"), &e) == ERR_INVALID);
    catalog_edit_commit(x, 1);
    CHECK(broken(c) == 3, "%zu", broken(c));
    const struct catalog_view *v = catalog_enter(c);
    CHECK(catalog_group(v, STR("g")) == NULL);
    const struct catalog_template *t = catalog_template(v, MODEL_GENERIC, STR("t"));
    CHECK(t && !t->render && t->broken.line == 1);
    catalog_leave(c);
    x = begin(c, false);
    CHECK(catalog_put_group(x, STR("g"), STR("{\"profile\":"), &e) == ERR_INVALID);
    CHECK(catalog_delete_profile(x, STR("p"), &e) == ERR_OK);
    catalog_edit_commit(x, 2);
    CHECK(broken(c) == 2, "%zu", broken(c));
    x = begin(c, false);
    put_group(x, "g", "{\"profile\":\"p\"}");
    CHECK(catalog_put_template(x, MODEL_GENERIC, STR("t"), STR(""), &e) == ERR_OK);
    catalog_edit_commit(x, 3);
    CHECK(broken(c) == 0, "%zu", broken(c));
    catalog_settle(c);
    catalog_free(c);
}

static void documents_are_kept_when_asked_for_again(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "g", "{\"profile\":\"p\"}");
    put_group(x, "once", "{\"profile\":\"p\"}");
    CHECK(catalog_put_profile(x, STR("p"), STR("{}"), NULL) == ERR_OK);
    catalog_edit_commit(x, 1);
    const struct catalog_view *v = catalog_enter(c);
    const struct catalog_group *g = catalog_group(v, STR("g"));
    const struct catalog_profile *p = catalog_profile(v, STR("p"));
    CHECK(catalog_doc_wanted(NULL, RENDER_GENERIC), "a profile's");
    CHECK(!catalog_doc_wanted(g, RENDER_GENERIC));
    CHECK(catalog_doc_get(g, p, RENDER_GENERIC, 7) == NULL);
    CHECK(!catalog_doc_wanted(g, RENDER_CLOUD), "another document");
    CHECK(catalog_doc_wanted(g, RENDER_GENERIC) && catalog_doc_wanted(g, RENDER_GENERIC));
    CHECK(!catalog_doc_wanted(catalog_group(v, STR("once")), RENDER_GENERIC), "another group");
    catalog_doc_put(c, g, p, RENDER_GENERIC, 7, STR("one"));
    CHECK(str_is(catalog_doc_get(g, p, RENDER_GENERIC, 7)->bytes, "one"));
    CHECK(catalog_doc_wanted(g, RENDER_GENERIC));
    catalog_leave(c);
    catalog_free(c);
}

static void documents_are_kept_until_stale(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "g", "{\"profile\":\"p\"}");
    CHECK(catalog_put_profile(x, STR("p"), STR("{}"), NULL) == ERR_OK);
    catalog_edit_commit(x, 1);
    const struct catalog_view *v = catalog_enter(c);
    const struct catalog_group *g = catalog_group(v, STR("g"));
    const struct catalog_profile *p = catalog_profile(v, STR("p"));
    CHECK(catalog_doc_get(g, p, RENDER_GENERIC, 7) == NULL);
    catalog_doc_put(c, g, p, RENDER_GENERIC, 7, STR("one"));
    CHECK(str_is(catalog_doc_get(g, p, RENDER_GENERIC, 7)->bytes, "one"));
    CHECK(catalog_doc_get(g, p, RENDER_GENERIC, 8) == NULL, "of another template");
    CHECK(catalog_doc_get(g, p, RENDER_CLOUD, 7) == NULL, "of another kind");
    CHECK(catalog_doc_get(NULL, p, RENDER_GENERIC, 7) == NULL, "the profile's own are others");
    struct catalog_doc *held = catalog_doc_hold(catalog_doc_get(g, p, RENDER_GENERIC, 7));
    catalog_doc_put(c, g, p, RENDER_GENERIC, 8, STR("two"));
    catalog_leave(c);
    x = begin(c, false);
    CHECK(catalog_put_profile(x, STR("p"), STR("{\"name\":\"n\"}"), NULL) == ERR_OK);
    catalog_edit_commit(x, 2);
    catalog_settle(c);
    CHECK(str_is(held->bytes, "one"), "held documents outlive all that");
    catalog_doc_release(held);
    v = catalog_enter(c);
    CHECK(catalog_doc_get(catalog_group(v, STR("g")), catalog_profile(v, STR("p")), RENDER_GENERIC,
                          8) == NULL,
          "the profile has changed");
    catalog_leave(c);
    catalog_free(c);
}

static void kept_documents_have_a_limit(void)
{
    struct catalog *c = make();
    struct catalog_edit *x = begin(c, false);
    put_group(x, "g", "{\"profile\":\"p\"}");
    CHECK(catalog_put_profile(x, STR("p"), STR("{}"), NULL) == ERR_OK);
    catalog_edit_commit(x, 1);
    c->kept_max = 1000;
    char text[600] = "";
    struct str large = str_of(text, sizeof text), small = str_of(text, 1);
    const struct catalog_view *v = catalog_enter(c);
    const struct catalog_group *g = catalog_group(v, STR("g"));
    const struct catalog_profile *p = catalog_profile(v, STR("p"));
    catalog_doc_put(c, g, p, RENDER_GENERIC, 7, large);
    catalog_doc_put(c, g, p, RENDER_CLOUD, 7, large);
    CHECK(catalog_doc_get(g, p, RENDER_GENERIC, 7) != NULL);
    CHECK(catalog_doc_get(g, p, RENDER_CLOUD, 7) == NULL, "no room for a second");
    catalog_doc_put(c, g, p, RENDER_CLOUD, 7, small);
    CHECK(catalog_doc_get(g, p, RENDER_CLOUD, 7) != NULL, "a small one fits");
    catalog_doc_put(c, g, p, RENDER_GENERIC, 8, large);
    CHECK(catalog_doc_get(g, p, RENDER_GENERIC, 8) == NULL, "the old one has the room still");
    catalog_leave(c);
    catalog_settle(c);
    CHECK(c->kept_bytes < 600, "%llu", (unsigned long long)c->kept_bytes);
    v = catalog_enter(c);
    catalog_doc_put(c, catalog_group(v, STR("g")), p, RENDER_GENERIC, 8, large);
    CHECK(catalog_doc_get(catalog_group(v, STR("g")), p, RENDER_GENERIC, 8) != NULL);
    catalog_leave(c);
    catalog_free(c);
}

/* --- many readers, one writer ------------------------------------------------------------------
 */

struct race {
    struct catalog *catalog;
    int stop; /* atomic */
    int torn; /* atomic: views that mixed two revisions */
};

/* In revision N the group's metadata, the profile's name and the template all say N. */
static void *read_views(void *arg)
{
    struct race *r = arg;
    while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
        struct label l = {STR("k"), STR("1")};
        struct labels labels = {.v = &l, .n = 1};
        const struct catalog_view *v = catalog_enter(r->catalog);
        const struct catalog_group *g = catalog_match(v, &labels);
        const struct catalog_profile *p = catalog_profile(v, STR("p"));
        const struct catalog_template *t = catalog_template(v, MODEL_GENERIC, STR("t"));
        char want[32];
        snprintf(want, sizeof want, "%llu", (unsigned long long)catalog_revision(v));
        ARENA_LOCAL(a, 1u << 16);
        struct value data = value_nil();
        if (g && catalog_group_data(g, &a, &data, NULL) != ERR_OK)
            __atomic_fetch_add(&r->torn, 1, __ATOMIC_RELAXED);
        const struct value *n = value_get(&data, STR("n"));
        bool whole = n && p && t && str_is(value_as_str(*n), want) && str_is(p->model.name, want) &&
                     str_is(render_template_source(t->render), want);
        if (!whole)
            __atomic_fetch_add(&r->torn, 1, __ATOMIC_RELAXED);
        struct catalog_doc *doc =
            whole ? catalog_doc_get(g, p, RENDER_GENERIC, t->generation) : NULL;
        if (whole && !doc && catalog_doc_wanted(g, RENDER_GENERIC))
            catalog_doc_put(r->catalog, g, p, RENDER_GENERIC, t->generation, str_c(want));
        if (doc && !str_is(doc->bytes, want))
            __atomic_fetch_add(&r->torn, 1, __ATOMIC_RELAXED);
        catalog_leave(r->catalog);
    }
    return NULL;
}

static void publish(struct catalog *c, unsigned n)
{
    char body[200], text[20];
    struct catalog_edit *x = begin(c, false);
    snprintf(body, sizeof body,
             "{\"profile\":\"p\",\"selector\":{\"k\":\"1\"},\"metadata\":{\"n\":\"%u\"}}", n);
    put_group(x, "g", body);
    snprintf(body, sizeof body, "{\"name\":\"%u\"}", n);
    CHECK(catalog_put_profile(x, STR("p"), str_c(body), NULL) == ERR_OK);
    snprintf(text, sizeof text, "%u", n);
    CHECK(catalog_put_template(x, MODEL_GENERIC, STR("t"), str_c(text), NULL) == ERR_OK);
    catalog_edit_commit(x, n);
}

static void readers_never_see_half_a_revision(void)
{
    struct race r = {make(), 0, 0};
    pthread_t t[3];
    publish(r.catalog, 1);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&t[i], NULL, read_views, &r) == 0);
    for (unsigned n = 2; n < 100; n++) {
        publish(r.catalog, n);
        catalog_settle(r.catalog);
    }
    __atomic_store_n(&r.stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    CHECK(r.torn == 0, "%d", r.torn);
    catalog_free(r.catalog);
}

struct tally view_suite(void)
{
    RUN(the_most_specific_wins);
    RUN(shadowed_groups_wait_their_turn);
    RUN(a_list_is_any_of_its_values);
    RUN(lists_are_loaded_with_the_rest);
    RUN(a_view_stays_as_it_was);
    RUN(what_is_abandoned_leaves_no_trace);
    RUN(a_fresh_edit_replaces_everything);
    RUN(broken_resources_are_told_and_counted);
    RUN(documents_are_kept_when_asked_for_again);
    RUN(documents_are_kept_until_stale);
    RUN(kept_documents_have_a_limit);
    RUN(readers_never_see_half_a_revision);
    return SUITE_TALLY;
}
