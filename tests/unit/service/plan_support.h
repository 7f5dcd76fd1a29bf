/*
 * plan_support.h - runs plans on a site of their own and notes what they tell.
 *
 * Each file that includes it has a site and notes of its own, and its CHECKs count there.
 */
#ifndef TESTS_SERVICE_PLAN_SUPPORT_H
#define TESTS_SERVICE_PLAN_SUPPORT_H

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

static inline void clear(void)
{
    buf_clear(&told.changes);
    buf_clear(&told.documents);
    buf_clear(&told.diffs);
}

static inline void begin(void *arg)
{
    (void)arg;
    told.begun++;
    clear();
}

static inline err_code tell_change(void *arg, const struct service_plan_change *c, struct err *e)
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

static inline err_code tell_document(void *arg, const struct service_plan_document *d,
                                     struct err *e)
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

static inline void open_fresh(void)
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

static inline void close_and_remove(void)
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

static inline err_code run_text(struct str text, struct how how)
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

static inline err_code plan(const char *text)
{
    return run_text(str_c(text), (struct how){.apply = false});
}
static inline err_code apply(const char *text)
{
    return run_text(str_c(text), (struct how){.apply = true});
}
static inline err_code apply_pruned(const char *text)
{
    return run_text(str_c(text), (struct how){.apply = true, .o.prune = true});
}

static inline bool says(struct buf *b, const char *want)
{
    return str_is(buf_str(b), want);
}
static inline bool found(const char *want)
{
    return str_find(buf_str(&told.findings), str_c(want), 0) < told.findings.n;
}
static inline bool differs(const char *want)
{
    return str_find(buf_str(&told.diffs), str_c(want), 0) < told.diffs.n;
}
static inline const char *text_of(struct buf *b)
{
    const char *text = buf_c(b);
    return text ? text : "";
}

static inline uint64_t revision(void)
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

static inline void small_site(void)
{
    open_fresh();
    CHECK(apply(small) == ERR_OK, "%s %s", told.e.msg, text_of(&told.findings));
    CHECK(told.done.revision == 1 && told.done.added == 7);
}

#endif
