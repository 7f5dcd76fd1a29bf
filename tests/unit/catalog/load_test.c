/* Whole sites at once, in batches of several threads; the order of shapes; chunks. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "catalog/view.h"
#include "suites.h"
#include "support/check.h"

#define GROUPS  20000u
#define THREADS 3u

struct loading {
    struct catalog_batch *batch;
    unsigned number;
    size_t failed;
};

static unsigned shape_of(unsigned i)
{
    return i % 11;
}

static void write_group(unsigned i, char id[32], char body[300])
{
    char more[32] = "";
    snprintf(id, 32, "g%05u", i);
    if (shape_of(i))
        snprintf(more, sizeof more, ",\"s%02u\":\"%u\"", shape_of(i), i % 2);
    snprintf(body, 300,
             "{\"id\":\"g%05u\",\"metadata\":{\"n\":%u,\"t\":\"\\\"%u\"},\"profile\":\"p\","
             "\"selector\":{\"k\":\"%u\"%s}}",
             i, i, i, i, more);
}

static void *load_part(void *arg)
{
    struct loading *l = arg;
    for (unsigned i = l->number; i < GROUPS; i += THREADS) {
        char id[32], body[300];
        write_group(i, id, body);
        l->failed += catalog_batch_add(l->batch, str_c(id), str_c(body), NULL) != ERR_OK;
    }
    return NULL;
}

static void load(struct catalog_edit *x, struct catalog_batch *batches[THREADS])
{
    struct loading parts[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK(catalog_batch_make(x, &batches[i], NULL) == ERR_OK);
        parts[i] = (struct loading){batches[i], i, 0};
        CHECK(pthread_create(&threads[i], NULL, load_part, &parts[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(parts[i].failed == 0);
    }
}

/* The group for k=i and all that could be asked beside it. */
static const struct catalog_group *find(const struct catalog_view *v, unsigned i)
{
    char k[16], key[16], value[4];
    snprintf(k, sizeof k, "%u", i);
    snprintf(key, sizeof key, "s%02u", shape_of(i));
    snprintf(value, sizeof value, "%u", i % 2);
    struct label l[] = {{STR("a"), STR("x")}, {STR("k"), str_c(k)}, {str_c(key), str_c(value)}};
    struct labels labels = {.v = l, .n = shape_of(i) ? 3 : 2};
    return catalog_match(v, &labels);
}

static void check_group(const struct catalog_view *v, unsigned i)
{
    ARENA_LOCAL(a, 1u << 16);
    char id[32], body[300];
    struct value data = value_nil();
    write_group(i, id, body);
    const struct catalog_group *g = find(v, i);
    CHECK(g && str_is(g->model.id, id) && catalog_group(v, str_c(id)) == g, "%s", id);
    if (!g)
        return;
    CHECK(catalog_group_data(g, &a, &data, NULL) == ERR_OK);
    const struct value *n = value_get(&data, STR("n")), *t = value_get(&data, STR("t"));
    CHECK(n && n->kind == VALUE_FLOAT && n->f == i);
    CHECK(t && t->kind == VALUE_STRING && t->n > 1 && t->s[0] == '"');
    CHECK(value_get(&data, STR("k")) && value_get(&data, STR("k"))->marked);
}

static void batches_make_one_view(void)
{
    struct catalog *c = NULL;
    struct catalog_edit *x = NULL;
    struct catalog_batch *batches[THREADS];
    CHECK(catalog_make(&c, NULL) == ERR_OK);
    CHECK(catalog_edit_begin(c, true, &x, NULL) == ERR_OK);
    load(x, batches);
    CHECK(catalog_put_batches(x, batches, THREADS, NULL) == ERR_OK);
    for (unsigned i = 0; i < THREADS; i++)
        catalog_batch_free(batches[i]);
    catalog_edit_commit(x, 1);
    const struct catalog_view *v = catalog_enter(c);
    struct catalog_stats st;
    catalog_stats(v, &st);
    CHECK(st.groups == GROUPS && st.shapes == 11 && st.broken == 0);
    for (unsigned i = 0; i < GROUPS; i += 7)
        check_group(v, i);
    catalog_leave(c);
    /* Then as any other: one changed, one gone, all replaced. */
    CHECK(catalog_edit_begin(c, false, &x, NULL) == ERR_OK);
    CHECK(catalog_put_group(x, STR("g00007"), STR("{\"selector\":{\"z\":\"1\"}}"), NULL) == ERR_OK);
    CHECK(catalog_delete_group(x, STR("g00008"), NULL) == ERR_OK);
    catalog_edit_commit(x, 2);
    v = catalog_enter(c);
    CHECK(!find(v, 7) && !find(v, 8) && find(v, 9));
    catalog_leave(c);
    catalog_settle(c);
    CHECK(catalog_edit_begin(c, true, &x, NULL) == ERR_OK);
    catalog_edit_commit(x, 3);
    catalog_settle(c);
    catalog_free(c);
}

static void abandoned_batches_leave_no_trace(void)
{
    struct catalog *c = NULL;
    struct catalog_edit *x = NULL;
    struct catalog_batch *batches[THREADS];
    CHECK(catalog_make(&c, NULL) == ERR_OK);
    CHECK(catalog_edit_begin(c, true, &x, NULL) == ERR_OK);
    load(x, batches);
    for (unsigned i = 0; i < THREADS; i++)
        catalog_batch_free(batches[i]);
    catalog_edit_abandon(x);
    CHECK(catalog_edit_begin(c, true, &x, NULL) == ERR_OK);
    load(x, batches);
    CHECK(catalog_put_batches(x, batches, THREADS, NULL) == ERR_OK);
    for (unsigned i = 0; i < THREADS; i++)
        catalog_batch_free(batches[i]);
    catalog_edit_abandon(x);
    catalog_free(c);
}

static void what_a_batch_cannot_read_is_counted(void)
{
    struct catalog *c = NULL;
    struct catalog_edit *x = NULL;
    struct catalog_batch *b = NULL;
    struct err e = ERR_INIT;
    struct catalog_stats st;
    CHECK(catalog_make(&c, NULL) == ERR_OK);
    CHECK(catalog_edit_begin(c, true, &x, NULL) == ERR_OK);
    CHECK(catalog_batch_make(x, &b, NULL) == ERR_OK);
    CHECK(catalog_batch_add(b, STR("bad"), STR("{\"profile\":"), &e) == ERR_INVALID && e.line == 1);
    CHECK(catalog_batch_add(b, STR("b"), STR("{\"selector\":{\"k\":\"1\"}}"), NULL) == ERR_OK);
    CHECK(catalog_batch_add(b, STR("a"), STR(" {\"selector\":{\"k\":\"1\"}}"), NULL) == ERR_OK);
    CHECK(catalog_put_batches(x, &b, 1, NULL) == ERR_OK);
    catalog_batch_free(b);
    catalog_edit_commit(x, 1);
    const struct catalog_view *v = catalog_enter(c);
    catalog_stats(v, &st);
    CHECK(st.groups == 2 && st.broken == 1);
    struct label l = {STR("k"), STR("1")};
    struct labels labels = {.v = &l, .n = 1};
    CHECK(str_is(catalog_match(v, &labels)->model.id, "a"), "the first by id");
    catalog_leave(c);
    catalog_free(c);
}

/* --- the order of shapes -----------------------------------------------------------------------
 */

/* Keys that are prefixes of others, sort around '=' and ',', and hold them. */
static const char *const keys[] = {"a", "a-b", "a=", "ab", "A", "b", "a,b", "a~", "b1"};
#define KEYS (sizeof keys / sizeof *keys)

/* All groups of up to three of these keys match one machine: the winner is the one that comparing
 * each with each gives. */
static void the_first_shape_wins(void)
{
    for (unsigned without = 0; without < 1u << KEYS; without += 5) {
        struct catalog *c = NULL;
        struct catalog_edit *x = NULL;
        struct label machine[KEYS], best_pairs[3];
        struct labels best = {.v = NULL, .n = 0};
        uint32_t n = 0;
        CHECK(catalog_make(&c, NULL) == ERR_OK);
        CHECK(catalog_edit_begin(c, false, &x, NULL) == ERR_OK);
        for (unsigned i = 0; i < KEYS; i++)
            machine[n++] = (struct label){str_c(keys[i]), i % 3 ? STR("1") : STR("~")};
        struct labels labels = {.v = machine, .n = model_labels_sort(machine, n)};
        for (unsigned set = 1; set < 1u << KEYS; set++) {
            if ((set & without) || __builtin_popcount(set) > 3)
                continue;
            struct label pairs[3];
            uint32_t k = 0;
            char id[16];
            BUF_LOCAL(body, 1000);
            for (unsigned i = 0; i < KEYS; i++)
                if (set >> i & 1)
                    pairs[k++] = machine[i];
            struct labels selector = {.v = pairs, .n = k};
            buf_add_lit(&body, "{\"selector\":");
            model_selector_write(&body, &selector);
            buf_add_byte(&body, '}');
            snprintf(id, sizeof id, "g%u", set);
            CHECK(catalog_put_group(x, str_c(id), buf_str(&body), NULL) == ERR_OK);
            if (!best.v || match_order(&selector, &best) < 0) {
                memcpy(best_pairs, pairs, sizeof pairs);
                best = (struct labels){.v = best_pairs, .n = k};
            }
        }
        catalog_edit_commit(x, 1);
        const struct catalog_view *v = catalog_enter(c);
        const struct catalog_group *g = catalog_match(v, &labels);
        CHECK(!g == !best.v);
        CHECK(!g || match_order(&g->model.selector, &best) == 0, "without %x", without);
        catalog_leave(c);
        catalog_free(c);
    }
}

static void chunks_come_and_go(void)
{
    enum { N = 5000 };
    static void *all[N];
    struct bulk b = {NULL, NULL};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            size_t n = (size_t)(i * 37 % 2000) + 1;
            all[i] = bulk_alloc(i % 100 ? &b : NULL, n);
            CHECK(all[i] && (uintptr_t)all[i] % 16 == 0);
            memset(all[i], i, n);
        }
        for (int i = 0; i < N; i++) {
            CHECK(*(unsigned char *)all[i] == (unsigned char)i);
            bulk_free(all[i]);
        }
        bulk_end(&b);
    }
    void *large = bulk_alloc(&b, (size_t)3 << 20);
    CHECK(large);
    bulk_free(large);
    bulk_free(NULL);
    bulk_end(&b);
}

struct tally load_suite(void)
{
    RUN(batches_make_one_view);
    RUN(abandoned_batches_leave_no_trace);
    RUN(what_a_batch_cannot_read_is_counted);
    RUN(the_first_shape_wins);
    RUN(chunks_come_and_go);
    return SUITE_TALLY;
}
