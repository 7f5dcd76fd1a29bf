/* The order of groups for somebody who asks why. */
#include "catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"
#include "support/check.h"

#define LOOKED_AT 200000 /* the most groups, as catalog.h says */

static struct catalog *catalog_of(const char *const groups[][2], size_t n)
{
    struct catalog *c = NULL;
    struct catalog_edit *x = NULL;
    struct err e = ERR_INIT;
    CHECK(catalog_make(&c, &e) == ERR_OK, "%s", e.msg);
    CHECK(catalog_edit_begin(c, false, &x, &e) == ERR_OK, "%s", e.msg);
    for (size_t i = 0; i < n; i++)
        CHECK(catalog_put_group(x, str_c(groups[i][0]), str_c(groups[i][1]), &e) == ERR_OK);
    catalog_edit_commit(x, 1);
    return c;
}

/* "id+2" for a group that matches with two pairs, "id-1" for one that has one pair, in order; '/'
 * and another id where it is shadowed. */
static const char *ranked(struct catalog *c, const struct labels *machine, uint32_t max)
{
    static char text[1000];
    struct catalog_ranked *v = calloc(max, sizeof *v);
    size_t at = 0;
    bool whole = false;
    const struct catalog_view *view = catalog_enter(c);
    uint32_t n = catalog_rank(view, machine, v, max, &whole);
    text[0] = '\0';
    for (uint32_t i = 0; i < n && at < sizeof text - 50; i++) {
        const struct catalog_group *s = v[i].shadowed_by;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s%c%u%s%.*s", i ? " " : "",
                               STR_FMT(v[i].group->model.id), v[i].matches ? '+' : '-', v[i].held,
                               s ? "/" : "", s ? (int)s->model.id.n : 0, s ? s->model.id.p : "");
    }
    const struct catalog_group *best = catalog_match(view, machine);
    CHECK(best == (n && v[0].matches ? v[0].group : NULL), "the first is the one that matches");
    CHECK(whole);
    catalog_leave(c);
    free(v);
    return text;
}

static const char *const site[][2] = {
    {"default", "{}"},
    {"site", "{\"selector\":{\"site\":\"ams\"}}"},
    {"site-too", "{\"selector\":{\"site\":\"ams\"}}"},
    {"mac", "{\"selector\":{\"mac\":\"52:54:00:00:00:01\"}}"},
    {"both", "{\"selector\":{\"site\":\"ams\",\"role\":\"db\"}}"},
    {"three", "{\"selector\":{\"site\":\"ams\",\"role\":\"db\",\"rack\":\"7\"}}"},
    {"absent", "{\"selector\":{\"site\":\"ams\",\"os\":\"\"}}"},
};

static void those_that_match_come_first(void)
{
    struct catalog *c = catalog_of(site, sizeof site / sizeof *site);
    static const struct label l[] = {{STR_INIT("role"), STR_INIT("db")},
                                     {STR_INIT("site"), STR_INIT("ams")}};
    struct labels machine = {.v = l, .n = 2};
    const char *got = ranked(c, &machine, 50);
    CHECK(strcmp(got, "both+2 absent+2 site+1 site-too+1/site default+0 three-2 mac-0") == 0, "%s",
          got);
    got = ranked(c, &machine, 3);
    CHECK(strcmp(got, "both+2 absent+2 site+1") == 0, "%s", got);
    catalog_free(c);
}

static void near_misses_by_what_they_have(void)
{
    struct catalog *c = catalog_of(site + 1, sizeof site / sizeof *site - 1);
    static const struct label l[] = {{STR_INIT("os"), STR_INIT("x")},
                                     {STR_INIT("rack"), STR_INIT("7")},
                                     {STR_INIT("role"), STR_INIT("db")}};
    struct labels machine = {.v = l, .n = 3};
    const char *got = ranked(c, &machine, 50);
    CHECK(strcmp(got, "three-2 both-1 mac-0 site-0 site-too-0/site absent-0") == 0, "%s", got);
    got = ranked(c, &machine, 1);
    CHECK(strcmp(got, "three-2") == 0, "%s", got);
    struct labels none = {.v = NULL, .n = 0};
    got = ranked(c, &none, 50);
    CHECK(strcmp(got, "absent-1 mac-0 site-0 site-too-0/site both-0 three-0") == 0, "%s", got);
    catalog_free(c);
    c = catalog_of(site, 0);
    CHECK(strcmp(ranked(c, &machine, 50), "") == 0);
    catalog_free(c);
}

/* In a large site what matches is found all the same. */
static void the_work_is_bounded(void)
{
    struct catalog *c = catalog_of(site, 2);
    struct catalog_edit *x = NULL;
    CHECK(catalog_edit_begin(c, false, &x, NULL) == ERR_OK);
    for (int i = 0; i < LOOKED_AT; i++) {
        char id[32], body[64];
        snprintf(id, sizeof id, "n%d", i);
        snprintf(body, sizeof body, "{\"selector\":{\"n\":\"%d\"}}", i);
        if (catalog_put_group(x, str_c(id), str_c(body), NULL) != ERR_OK)
            CHECK(false, "out of memory");
    }
    catalog_edit_commit(x, 2);
    static const struct label l[] = {{STR_INIT("n"), STR_INIT("177777")},
                                     {STR_INIT("site"), STR_INIT("ams")}};
    struct labels machine = {.v = l, .n = 2};
    struct catalog_ranked v[4];
    bool whole = true;
    const struct catalog_view *view = catalog_enter(c);
    CHECK(catalog_rank(view, &machine, v, 4, &whole) == 4);
    CHECK(!whole);
    CHECK(str_is(v[0].group->model.id, "site") && str_is(v[1].group->model.id, "n177777") &&
          str_is(v[2].group->model.id, "default"));
    CHECK(v[2].matches && !v[3].matches);
    catalog_leave(c);
    catalog_free(c);
}

struct tally rank_suite(void)
{
    RUN(those_that_match_come_first);
    RUN(near_misses_by_what_they_have);
    RUN(the_work_is_bounded);
    return SUITE_TALLY;
}
