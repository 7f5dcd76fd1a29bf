/*
 * catalog_soak.c - readers of the catalog beside one who changes it: catalog_soak SECONDS
 *
 * For the thread sanitizer. Three threads match, read groups' data, and keep and hold documents;
 * one puts and deletes groups, profiles and templates, begins anew in batches now and then, and
 * settles. In each revision group g, profile p and template t say the same number.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "catalog/catalog.h"

#define GROUPS  500u
#define READERS 3

struct soak {
    struct catalog *catalog;
    int stop;       /* atomic */
    uint64_t reads; /* atomic */
    uint64_t torn;  /* atomic: what must not be */
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "catalog_soak: %s\n", what);
        exit(1);
    }
}

static void write_body(struct buf *b, unsigned i, unsigned n)
{
    buf_clear(b);
    buf_addf(b, "{\"metadata\":{\"n\":%u},\"profile\":\"p\",\"selector\":{\"k\":\"%u\"%s}}", n, i,
             i % 7 == 3 ? ",\"s\":\"y\"" : "");
}

static bool says(struct str text, uint64_t n)
{
    uint64_t got;
    return str_to_u64(text, UINT64_MAX, &got) && got == n;
}

/* A group that any request may get; its profile and template are of the same revision. */
static void read_one(struct soak *s, unsigned i)
{
    char k[16];
    snprintf(k, sizeof k, "%u", i);
    struct label l[] = {{STR("k"), str_c(k)}, {STR("s"), STR("y")}};
    struct labels labels = {.v = l, .n = 2};
    ARENA_LOCAL(a, 1u << 20);
    struct catalog_doc *held = NULL;
    const struct catalog_view *v = catalog_enter(s->catalog);
    const struct catalog_group *g = catalog_match(v, &labels);
    const struct catalog_profile *p = catalog_profile(v, STR("p"));
    const struct catalog_template *t = catalog_template(v, MODEL_GENERIC, STR("t"));
    uint64_t n = catalog_revision(v);
    bool whole = p && t && says(p->model.name, n) && says(render_template_source(t->render), n);
    struct value data;
    if (g && catalog_group_data(g, &a, &data, NULL) != ERR_OK)
        whole = false;
    if (g && whole) {
        struct catalog_doc *doc = catalog_doc_get(g, p, RENDER_GENERIC, t->generation);
        if (doc && doc->bytes.n > 3)
            held = catalog_doc_hold(doc);
        if (!doc)
            catalog_doc_put(s->catalog, g, p, RENDER_GENERIC, t->generation, str_c(k));
    }
    if (i == 0 && (!g || !whole))
        __atomic_fetch_add(&s->torn, 1, __ATOMIC_RELAXED);
    catalog_leave(s->catalog);
    if (held)
        catalog_doc_release(held);
    __atomic_fetch_add(&s->reads, 1, __ATOMIC_RELAXED);
}

static void *reader(void *arg)
{
    struct soak *s = arg;
    uint64_t random = (uint64_t)(uintptr_t)&random;
    while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
        random = hash_mix(random, 5);
        read_one(s, random % 4 ? (unsigned)(random >> 8) % GROUPS : 0);
    }
    return NULL;
}

static void put_common(struct catalog_edit *x, unsigned n)
{
    char body[64], text[16];
    snprintf(body, sizeof body, "{\"name\":\"%u\"}", n);
    snprintf(text, sizeof text, "%u", n);
    must(!catalog_put_profile(x, STR("p"), str_c(body), NULL), "no profile");
    must(!catalog_put_template(x, MODEL_GENERIC, STR("t"), str_c(text), NULL), "no template");
}

static void change_some(struct catalog_edit *x, unsigned n, uint64_t random)
{
    BUF_LOCAL(body, 4096);
    for (unsigned c = 0; c < random % 5; c++) {
        char id[16];
        unsigned i = 1 + (unsigned)(hash_mix(random, c) % (GROUPS - 1));
        snprintf(id, sizeof id, "g%u", i);
        write_body(&body, i, n);
        err_code code = (random >> c & 1) ? catalog_delete_group(x, str_c(id), NULL)
                                          : catalog_put_group(x, str_c(id), buf_str(&body), NULL);
        must(!code, "no change of a group");
    }
}

static void *fill_batch(void *arg)
{
    static const char *const ids = "g%u";
    struct catalog_batch *b = arg;
    BUF_LOCAL(body, 4096);
    for (unsigned i = 1; i < GROUPS; i += 2) {
        char id[16];
        snprintf(id, sizeof id, ids, i);
        write_body(&body, i, 0);
        must(!catalog_batch_add(b, str_c(id), buf_str(&body), NULL), "no group in a batch");
    }
    return NULL;
}

/* Half the groups by another thread, half by this one. */
static void load_anew(struct catalog_edit *x)
{
    struct catalog_batch *b[2];
    pthread_t other;
    BUF_LOCAL(body, 4096);
    for (int i = 0; i < 2; i++)
        must(!catalog_batch_make(x, &b[i], NULL), "no batch");
    must(!pthread_create(&other, NULL, fill_batch, b[1]), "no thread");
    for (unsigned i = 0; i < GROUPS; i += 2) {
        char id[16];
        snprintf(id, sizeof id, "g%u", i);
        write_body(&body, i, 0);
        must(!catalog_batch_add(b[0], str_c(id), buf_str(&body), NULL), "no group in a batch");
    }
    pthread_join(other, NULL);
    must(!catalog_put_batches(x, b, 2, NULL), "no room for batches");
    for (int i = 0; i < 2; i++)
        catalog_batch_free(b[i]);
}

static void publish(struct soak *s, unsigned n)
{
    struct catalog_edit *x;
    uint64_t random = hash_mix(n, 3);
    bool fresh = n % 200 == 1;
    must(!catalog_edit_begin(s->catalog, fresh, &x, NULL), "no edit");
    put_common(x, n);
    if (fresh)
        load_anew(x);
    else
        change_some(x, n, random);
    if (n > 1 && random % 11 == 0) {
        catalog_edit_abandon(x);
        must(!catalog_edit_begin(s->catalog, false, &x, NULL), "no edit");
        put_common(x, n);
    }
    catalog_edit_commit(x, n);
    if (n % 3 == 0)
        catalog_settle(s->catalog);
}

int main(int argc, char **argv)
{
    struct soak s = {0};
    pthread_t threads[READERS];
    must(argc == 2, "usage: catalog_soak SECONDS");
    time_t end = time(NULL) + atoi(argv[1]);
    must(!catalog_make(&s.catalog, NULL), "no catalog");
    unsigned n = 1;
    publish(&s, n);
    for (int i = 0; i < READERS; i++)
        must(!pthread_create(&threads[i], NULL, reader, &s), "no thread");
    while (time(NULL) < end)
        publish(&s, ++n);
    __atomic_store_n(&s.stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    catalog_free(s.catalog);
    printf("catalog: %u revisions, %llu reads, %llu torn\n", n, (unsigned long long)s.reads,
           (unsigned long long)s.torn);
    return s.torn ? 1 : 0;
}
