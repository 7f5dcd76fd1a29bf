/* Lists: pages, filters, and questions that cannot be answered. */
#include <stdlib.h>

#include "../support/check.h"
#include "base/always.h"
#include "support.h"

#define GROUPS 25

static void fill(void)
{
    ask("PUT", "/api/v1/profiles/even", NULL, "{}");
    ask("PUT", "/api/v1/profiles/odd", NULL, "{}");
    for (int i = 0; i < GROUPS; i++) {
        char path[64], body[128];
        snprintf(path, sizeof path, "/api/v1/groups/%c-%02d", i < 10 ? 'a' : 'b', i);
        snprintf(body, sizeof body, "{\"profile\":\"%s\",\"selector\":{\"n\":\"%d\"}}",
                 i % 2 ? "odd" : "even", i);
        struct reply r = ask("PUT", path, NULL, body);
        CHECK(r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
    }
    const char *const templates[] = {"cloud/a", "cloud/b/c", "files/a", "generic/z"};
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        char path[64];
        snprintf(path, sizeof path, "/api/v1/templates/%s", templates[i]);
        CHECK(ask("PUT", path, NULL, "#").status == 201);
    }
}

/* What a list is sorted by: the name, and before it a template's kind. */
static void sort_key(const struct reply *r, int i, const char *name, char *dst, size_t size)
{
    char pointer[40];
    enum model_kind kind = 0;
    snprintf(pointer, sizeof pointer, "/items/%d/kind", i);
    model_kind_from_name(text_at(r, pointer), &kind);
    snprintf(pointer, sizeof pointer, "/items/%d/%s", i, name);
    snprintf(dst, size, "%c%.*s", 'a' + (int)kind, STR_FMT(text_at(r, pointer)));
}

/* Items of the whole list, read page by page; *pages counts them. What it is sorted by must rise.
 */
static int walk(const char *list, const char *name, int *pages)
{
    char path[400], before[200] = "", now[200];
    int n = 0;
    snprintf(path, sizeof path, "%s", list);
    for (*pages = 1; *pages < 100; ++*pages) {
        struct reply r = ask("GET", path, NULL, NULL);
        CHECK(r.status == 200, "%d %s", r.status, path);
        int here = count_at(&r, "/items");
        for (int i = 0; i < here; i++) {
            sort_key(&r, i, name, now, sizeof now);
            CHECK(strcmp(before, now) < 0, "%s is not before %s", before, now);
            memcpy(before, now, sizeof before);
        }
        n += here;
        struct str next = text_at(&r, "/next");
        if (!next.n)
            break;
        snprintf(path, sizeof path, "%s%cafter=%.*s", list, strchr(list, '?') ? '&' : '?',
                 STR_FMT(next));
    }
    return n;
}

static void pages_have_all_of_it_once(void)
{
    const struct {
        const char *list, *name;
        int items, pages;
    } cases[] = {
        {"/api/v1/groups", "id", 25, 1},
        {"/api/v1/groups?limit=1", "id", 25, 25},
        {"/api/v1/groups?limit=10", "id", 25, 3},
        {"/api/v1/groups?limit=25", "id", 25, 1},
        {"/api/v1/groups?limit=24", "id", 25, 2},
        {"/api/v1/groups?limit=1000", "id", 25, 1},
        {"/api/v1/groups?prefix=a-&limit=4", "id", 10, 3},
        {"/api/v1/groups?prefix=zz", "id", 0, 1},
        {"/api/v1/groups?profile=odd&limit=5", "id", 12, 3},
        {"/api/v1/groups?profile=odd&prefix=b-", "id", 7, 1},
        {"/api/v1/groups?profile=nope", "id", 0, 1},
        {"/api/v1/groups?profile=", "id", 0, 1},
        {"/api/v1/groups?after=", "id", 25, 1},
        {"/api/v1/profiles?limit=1", "id", 2, 2},
        {"/api/v1/templates", "name", 4, 1},
        {"/api/v1/templates?limit=1", "name", 4, 4},
        {"/api/v1/templates?prefix=a", "name", 2, 1},
        {"/api/v1/templates/cloud", "name", 2, 1},
        {"/api/v1/templates/cloud?limit=1", "name", 2, 2},
        {"/api/v1/templates/cloud?prefix=b%2F", "name", 1, 1},
        {"/api/v1/templates/ipxe", "name", 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int pages, items = walk(cases[i].list, cases[i].name, &pages);
        CHECK(items == cases[i].items, "%d items of %s", items, cases[i].list);
        CHECK(pages == cases[i].pages, "%d pages of %s", pages, cases[i].list);
    }
}

static void items_are_what_get_answers(void)
{
    struct reply list = ask("GET", "/api/v1/groups?prefix=b-24", NULL, NULL);
    struct reply one = ask("GET", "/api/v1/groups/b-24", NULL, NULL);
    CHECK(count_at(&list, "/items") == 1);
    CHECK(value_equal(&value_get(&list.json, STR("items"))->list[0], &one.json));
    CHECK(has(list.body, "\"next\":\"\""));
    list = ask("GET", "/api/v1/templates/cloud", NULL, NULL);
    one = ask("GET", "/api/v1/templates/cloud/b/c", NULL, NULL);
    CHECK(str_is(text_at(&list, "/items/1/kind"), "cloud"));
    CHECK(str_is(text_at(&list, "/items/1/name"), "b/c"));
    CHECK(number_at(&list, "/items/1/size") == 1);
    CHECK(str_eq(text_at(&list, "/items/1/etag"), header_of(&one, "ETag")));
    struct reply head = ask("HEAD", "/api/v1/groups", NULL, NULL);
    CHECK(head.status == 200 && head.body.n == 0, "%d", head.status);
}

static void bad_questions_are_422(void)
{
    const struct {
        const char *path, *detail;
    } cases[] = {
        {"/api/v1/groups?limit=0", "limit"},
        {"/api/v1/groups?limit=1001", "from 1 to 1000"},
        {"/api/v1/groups?limit=-1", "limit"},
        {"/api/v1/groups?limit=x", "limit"},
        {"/api/v1/groups?limit=", "limit"},
        {"/api/v1/groups?limit=99999999999999999999999", "limit"},
        {"/api/v1/groups?mac=1&colour=red", "\"1\" is no MAC address"},
        {"/api/v1/profiles?colour=red", "\"colour\""},
        {"/api/v1/templates/cloud?colour=red", "\"colour\""},
        {"/api/v1/groups?n=1&n=2", "more than once"},
        {"/api/v1/profiles?profile=p", "\"profile\""},
        {"/api/v1/templates?profile=p", "\"profile\""},
        {"/api/v1/groups?limit=1&limit=2", "more than once"},
        {"/api/v1/groups?after=%21", "after"},
        {"/api/v1/groups?after=YQ==", "after"},
        {"/api/v1/groups?after=Y", "after"},
        {"/api/v1/templates?after=YQ", "after"},
        {"/api/v1/templates/cloud?after=ZmlsZXMvYQ", "after"},
        {"/api/v1/groups?prefix=%zz", "percent-encoded"},
        {"/api/v1/groups?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&r&s&t&u&v&w&x&y&z&1&2&3&4&5&6&7&8",
         "32"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = ask("GET", cases[i].path, NULL, NULL);
        CHECK(is_problem(&r, 422, "invalid"), "%s", cases[i].path);
        CHECK(has(text_at(&r, "/detail"), cases[i].detail), "%s: %.*s", cases[i].path,
              STR_FMT(r.body));
    }
    struct reply r = ask("GET", "/api/v1/templates/sausage", NULL, NULL);
    CHECK(is_problem(&r, 404, "not-found"));
    char path[6000] = "/api/v1/groups?after=";
    memset(path + strlen(path), 'A', 5000);
    r = ask("GET", path, NULL, NULL);
    CHECK(is_problem(&r, 422, "invalid"));
}

static void put_group(const char *id, const char *selector)
{
    char path[64], body[300];
    snprintf(path, sizeof path, "/api/v1/groups/%s", id);
    snprintf(body, sizeof body, "{\"profile\":\"odd\",\"selector\":%s}", selector);
    struct reply r = ask("PUT", path, NULL, body);
    CHECK(r.status == 201, "%d %.*s", r.status, STR_FMT(r.body));
}

static void labels_choose_groups(void)
{
    put_group("l-1", "{\"mac\":\"52-54-00-00-00-01\",\"os\":\"x\"}");
    put_group("l-2", "{\"mac\":\"52:54:00:00:00:01\"}");
    put_group("l-3", "{\"os\":\"x\",\"zone\":\"\"}");
    put_group("l-4", "{\"os\":\"xx\"}");
    put_group("l-5", "{\"xos\":\"x\"}");
    put_group("l-6", "{\"v\":\"\\\",\\\"os\\\":\\\"x\\\"\"}");
    put_group("l-7", "{\"a,\\\"os\":\"x\"}");
    put_group("l-8", "{\"uuid\":\"ABC\",\"odd key=\":\"\\u00fc\\n\"}");
    const struct {
        const char *query;
        int items;
    } cases[] = {
        {"mac=52:54:00:00:00:01", 2},
        {"mac=52-54-00-00-00-01&os=x", 1},
        {"os=x", 2},
        {"os=xx", 1},
        {"os=", 0},
        {"zone=", 1},
        {"xos=x", 1},
        {"uuid=aBc", 1},
        {"odd%20key%3D=%C3%BC%0A", 1},
        {"os=x&profile=odd&prefix=l-", 2},
        {"os=x&profile=even", 0},
        {"os=x&prefix=l-3", 1},
        {"os=x&limit=1", 2},
        {"nobody=has", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[200];
        int pages;
        snprintf(path, sizeof path, "/api/v1/groups?%s", cases[i].query);
        int items = walk(path, "id", &pages);
        CHECK(items == cases[i].items, "%d for %s", items, cases[i].query);
    }
}

/* Between pages groups come and go, also the one where a page ended; the others are listed once. */
static void pages_are_stable_while_groups_change(void)
{
    char path[200] = "/api/v1/groups?prefix=s-&limit=3", seen[200] = "";
    for (int i = 0; i < 9; i++) {
        char id[16], selector[32];
        snprintf(id, sizeof id, "s-%d", 2 * i);
        snprintf(selector, sizeof selector, "{\"stable\":\"%d\"}", i);
        put_group(id, selector);
    }
    for (int page = 0; path[0]; page++) {
        struct reply r = ask("GET", path, NULL, NULL);
        for (int i = 0; i < count_at(&r, "/items"); i++) {
            char pointer[32];
            snprintf(pointer, sizeof pointer, "/items/%d/id", i);
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s ",
                     STR_FMT(text_at(&r, pointer)));
        }
        struct str next = text_at(&r, "/next");
        path[0] = '\0';
        if (next.n)
            snprintf(path, sizeof path, "/api/v1/groups?prefix=s-&limit=3&after=%.*s",
                     STR_FMT(next));
        if (page == 0) {
            CHECK(ask("DELETE", "/api/v1/groups/s-12", NULL, NULL).status == 204);
            CHECK(ask("DELETE", "/api/v1/groups/s-10", NULL, NULL).status == 204);
            put_group("s-11", "{\"stable\":\"before\"}");
            put_group("s-15", "{\"stable\":\"after\"}");
        }
    }
    CHECK(strcmp(seen, "s-0 s-10 s-12 s-14 s-15 s-16 s-2 s-4 s-6 s-8 ") == 0, "%s", seen);
}

/* Twelve profiles of a mebibyte are more than one page, whatever the limit. */
static void large_items_make_short_pages(void)
{
    size_t n = MODEL_RESOURCE_MAX - 100;
    char *text = malloc(n);
    always(text);
    memset(text, 'a', n);
    memcpy(text, "{\"name\":\"", 9);
    memcpy(text + n - 2, "\"}", 2);
    for (int i = 0; i < 12; i++) {
        char path[64];
        snprintf(path, sizeof path, "/api/v1/profiles/large-%02d", i);
        struct reply r = ask_bytes("PUT", path, str_of(text, n));
        CHECK(r.status == 201, "%d", r.status);
    }
    free(text);
    int pages, items = walk("/api/v1/profiles?prefix=large-", "id", &pages);
    CHECK(items == 12, "%d", items);
    CHECK(pages == 2, "%d", pages);
}

void list_tests(struct tally *t)
{
    RUN(fill);
    RUN(pages_have_all_of_it_once);
    RUN(items_are_what_get_answers);
    RUN(labels_choose_groups);
    RUN(pages_are_stable_while_groups_change);
    RUN(bad_questions_are_422);
    RUN(large_items_make_short_pages);
    TALLY(t);
}
