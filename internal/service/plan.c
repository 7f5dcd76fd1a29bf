#include "service/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "service/planning.h"

#define ARENA_MAX   ((size_t)4 << 30)
#define SCRATCH_MAX (256u << 20)
#define DIFF_MAX    (16u << 20)
#define DIFF_TOLD   (1u << 20) /* bytes of one difference that are told */

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while planning");
}

/* --- findings ----------------------------------------------------------------------------------
 */

/* About a resource of the bundle, at a pointer into it. */
__attribute__((format(printf, 4, 5))) static void wrong(struct planning *p,
                                                        const struct bundle_entry *x,
                                                        const char *pointer, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    bundle_tell_error(&p->bundle, x, &p->scratch, p->findings, pointer, fmt, args);
    va_end(args);
}

static void taken(struct planning *p, const struct bundle_entry *x, struct str other)
{
    p->conflicts++;
    wrong(p, x, "/selector",
          "group \"%.*s\" has the same selector: a machine could not tell them apart. Change the "
          "selector, or that group",
          STR_FMT(other));
}

/* --- changes -----------------------------------------------------------------------------------
 */

/* The difference, if it is still to be told. */
static err_code make_diff(struct planning *p, const struct service_change *c, struct buf *dst,
                          struct str *ret, struct err *e)
{
    *ret = (struct str){NULL, 0};
    if (p->diffs_left == 0) {
        p->result.diffs_left_out++;
        return ERR_OK;
    }
    err_code code = service_change_diff(c, dst, e);
    if (code)
        return code;
    if (dst->failed || dst->n > DIFF_TOLD) {
        p->result.diffs_left_out++;
        return ERR_OK;
    }
    p->diffs_left -= dst->n < p->diffs_left ? dst->n : p->diffs_left;
    *ret = buf_str(dst);
    return ERR_OK;
}

static err_code tell_change(struct planning *p, const struct service_change *c, struct err *e)
{
    BUF_LOCAL(diff, DIFF_MAX);
    struct service_plan_change told = {.key = c->key, .action = c->action};
    uint64_t *count = c->action == SERVICE_ADD      ? &p->result.added
                      : c->action == SERVICE_CHANGE ? &p->result.changed
                                                    : &p->result.removed;
    ++*count;
    err_code code = make_diff(p, c, &diff, &told.diff, e);
    return code ? code : p->sink->change(p->sink->arg, &told, e);
}

/* --- one resource ------------------------------------------------------------------------------
 */

/* Will it be there? */
static bool will_be(struct planning *p, const struct store_key *k)
{
    return bundle_find(&p->bundle, k) || (!p->options->prune && store_txn_exists(p->txn, k));
}

static void check_refs(struct planning *p, const struct bundle_entry *x,
                       const struct store_resource *r)
{
    for (uint32_t i = 0; i < r->refs_n; i++) {
        const struct store_ref *ref = &r->refs[i];
        struct store_key k = {ref->type, ref->kind, ref->name};
        /* What could not even be named may be what it refers to. */
        if (p->of_bundle.errors || will_be(p, &k))
            continue;
        struct findings one;
        findings_init(&one, &p->scratch);
        add_dangling(ref, &one);
        bundle_tell(&p->bundle, x, &one, p->findings);
    }
}

/* Groups of the bundle are compared with each other later; here with those that stay as they are.
 */
static err_code check_stored_selectors(struct planning *p, const struct bundle_entry *x,
                                       const struct store_resource *r, struct err *e)
{
    struct str id = STR("");
    if (p->options->prune)
        return ERR_OK;
    for (;;) {
        err_code c = store_txn_selector_next(p->txn, r->selector, id, &p->scratch, &id, e);
        if (c)
            return c == ERR_NOT_FOUND ? ERR_OK : c;
        struct store_key k = {STORE_GROUP, 0, id};
        if (bundle_find(&p->bundle, &k))
            continue;
        taken(p, x, id);
        return ERR_OK;
    }
}

static err_code found_one(void *arg, const struct store_resource *r, struct err *e)
{
    (void)r;
    (void)e;
    *(bool *)arg = true;
    return ERR_OK;
}

/* Will there be templates below "NAME/"? */
static err_code is_folder(struct planning *p, const struct store_key *k, bool *ret, struct err *e)
{
    struct buf prefix;
    buf_in_arena(&prefix, &p->scratch, MODEL_NAME_PARTS * (MODEL_ID_MAX + 1));
    buf_add_str(&prefix, k->name);
    buf_add_byte(&prefix, '/');
    if (prefix.failed)
        return nomem(e);
    struct store_key first = {STORE_TEMPLATE, k->kind, buf_str(&prefix)};
    size_t i = bundle_from(&p->bundle, &first);
    const struct bundle_entry *x = i < p->bundle.n ? &p->bundle.v[i] : NULL;
    *ret = x && x->key.type == STORE_TEMPLATE && x->key.kind == k->kind &&
           str_starts(x->key.name, first.name);
    if (*ret || p->options->prune)
        return ERR_OK;
    struct store_list l = {.type = STORE_TEMPLATE,
                           .one_kind = true,
                           .kind = k->kind,
                           .prefix = first.name,
                           .limit = 1};
    return store_txn_for_each(p->txn, &l, found_one, ret, e);
}

/* In a site directory a name cannot be a file and a folder at once. */
static err_code check_name(struct planning *p, const struct bundle_entry *x, struct err *e)
{
    const struct store_key *k = &x->key;
    bool folder = false;
    for (size_t i = 0; i < k->name.n; i++) {
        struct store_key above = {STORE_TEMPLATE, k->kind, str_sub(k->name, 0, i)};
        if (k->name.p[i] == '/' && will_be(p, &above)) {
            p->conflicts++;
            wrong(p, x, "/name",
                  "the template \"%.*s\" is there: in a site directory it cannot be a file and a "
                  "folder at once",
                  STR_FMT(above.name));
            return ERR_OK;
        }
    }
    err_code c = is_folder(p, k, &folder, e);
    if (!c && folder) {
        p->conflicts++;
        wrong(p, x, "/name",
              "templates below \"%.*s/\" are there: in a site directory it cannot be a file and a "
              "folder at once",
              STR_FMT(k->name));
    }
    return c;
}

static err_code mark_entry(struct planning *p, struct bundle_entry *x,
                           const struct store_resource *r, const struct store_resource *now,
                           struct err *e)
{
    bool there = now->body.p != NULL;
    x->mark = !there ? PLAN_ADDED : str_eq(now->body, r->body) ? PLAN_UNCHANGED : PLAN_CHANGED;
    if (x->mark == PLAN_UNCHANGED)
        p->result.unchanged++;
    err_code c = ERR_OK;
    if (x->key.type == STORE_GROUP) {
        x->selector = hash_bytes(r->selector, 0);
        /* Of some without lists too: it only says what is to be looked at. */
        if (str_find(r->selector, STR(":["), 0) < r->selector.n)
            x->mark |= PLAN_LISTS;
        if (!there || !str_eq(now->selector, r->selector)) {
            x->mark |= PLAN_SELECTOR;
            c = check_stored_selectors(p, x, r, e);
        }
    }
    if (!c && x->key.type == STORE_TEMPLATE && !there)
        c = check_name(p, x, e);
    return c;
}

static err_code plan_entry(struct planning *p, struct bundle_entry *x, struct err *e)
{
    struct store_resource r, now = {.key = x->key};
    arena_reset(&p->scratch);
    x->mark = PLAN_INVALID;
    err_code c = bundle_resource(&p->bundle, x, &p->scratch, p->findings, &r, e);
    if (c)
        return c == ERR_NOMEM ? c : ERR_OK;
    check_refs(p, x, &r);
    c = store_txn_get(p->txn, &x->key, &p->scratch, &now, e);
    if (c && c != ERR_NOT_FOUND)
        return c;
    if (c)
        now.body = (struct str){NULL, 0};
    c = mark_entry(p, x, &r, &now, e);
    if (c || !plan_changes(x))
        return c;
    struct service_change change = {x->key, now.body.p ? SERVICE_CHANGE : SERVICE_ADD, now.body,
                                    r.body};
    return tell_change(p, &change, e);
}

/* --- what goes ---------------------------------------------------------------------------------
 */

static err_code remove_unless_wanted(void *arg, const struct store_resource *r, struct err *e)
{
    struct planning *p = arg;
    if (bundle_find(&p->bundle, &r->key))
        return ERR_OK;
    struct plan_removed *x = arena_calloc(&p->arena, 1, sizeof *x);
    if (!x || !arena_str(&p->arena, r->key.name, &x->key.name))
        return nomem(e);
    x->key.type = r->key.type;
    x->key.kind = r->key.kind;
    *p->removed_last = x;
    p->removed_last = &x->next;
    struct service_change change = {
        r->key, SERVICE_REMOVE, r->body.p ? r->body : STR(""), {NULL, 0}};
    return tell_change(p, &change, e);
}

static err_code plan_type(struct planning *p, enum store_type type, size_t *at, struct err *e)
{
    err_code c = ERR_OK;
    for (; !c && *at < p->bundle.n && p->bundle.v[*at].key.type == type; ++*at)
        c = plan_entry(p, &p->bundle.v[*at], e);
    struct store_list all = {.type = type};
    if (!c && p->options->prune)
        c = store_txn_for_each(p->txn, &all, remove_unless_wanted, p, e);
    return c;
}

/* --- selectors within the bundle ---------------------------------------------------------------
 */

struct by_selector {
    uint64_t selector;
    size_t index; /* of the entry */
};

static int by_selector(const void *a, const void *b)
{
    const struct by_selector *x = a, *y = b;
    if (x->selector != y->selector)
        return x->selector < y->selector ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static err_code same_selector(struct planning *p, const struct bundle_entry *a,
                              const struct bundle_entry *b, bool *ret, struct err *e)
{
    struct store_resource x, y;
    arena_reset(&p->scratch);
    err_code c = bundle_resource(&p->bundle, a, &p->scratch, NULL, &x, e);
    if (c)
        return c;
    c = bundle_resource(&p->bundle, b, &p->scratch, NULL, &y, e);
    if (c)
        return c;
    *ret = str_eq(x.selector, y.selector) || ((a->mark | b->mark) & PLAN_LISTS);
    return ERR_OK;
}

/* All that are to be compared. */
struct selectors {
    struct by_selector *v;
    size_t n, cap;
    size_t index; /* of the entry that is added */
};

static err_code add_selector(void *arg, struct str text, struct err *e)
{
    struct selectors *s = arg;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 1024;
        struct by_selector *v = realloc(s->v, cap * sizeof *v);
        if (!v)
            return nomem(e);
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = (struct by_selector){hash_bytes(text, 0), s->index};
    return ERR_OK;
}

/* A group with lists is there once for each combination. */
static err_code collect_selectors(struct planning *p, struct selectors *s, struct err *e)
{
    err_code c = ERR_OK;
    for (size_t i = 0; !c && i < p->bundle.n && p->bundle.v[i].key.type == STORE_GROUP; i++) {
        const struct bundle_entry *x = &p->bundle.v[i];
        struct store_resource r = {.selector = STR("")};
        if ((x->mark & PLAN_MARKS) == PLAN_INVALID)
            continue;
        s->index = i;
        arena_reset(&p->scratch);
        if (x->mark & PLAN_LISTS)
            c = bundle_resource(&p->bundle, x, &p->scratch, NULL, &r, e);
        if (!c && x->mark & PLAN_LISTS)
            c = store_selector_each(r.selector, add_selector, s, e);
        else if (!c)
            c = add_selector(s, STR(""), e);
        if (!c && !(x->mark & PLAN_LISTS))
            s->v[s->n - 1].selector = x->selector;
    }
    return c;
}

/*
 * Of groups with one selector those that had it before may keep it: that is how an import left
 * them. Each is compared with the one before it only, which finds all in a run of equal ones.
 */
static err_code check_selectors(struct planning *p, struct err *e)
{
    struct selectors s = {0};
    err_code c = collect_selectors(p, &s, e);
    if (!c && s.n)
        qsort(s.v, s.n, sizeof *s.v, by_selector);
    for (size_t i = 1; !c && i < s.n; i++) {
        bool same = false;
        struct bundle_entry *a = &p->bundle.v[s.v[i - 1].index];
        struct bundle_entry *b = &p->bundle.v[s.v[i].index];
        struct bundle_entry *loser = b->mark & PLAN_SELECTOR ? b : a;
        if (a == b || loser->mark & PLAN_TAKEN || s.v[i - 1].selector != s.v[i].selector ||
            !((a->mark | b->mark) & PLAN_SELECTOR))
            continue;
        c = same_selector(p, a, b, &same, e);
        if (c || !same)
            continue;
        loser->mark |= PLAN_TAKEN;
        taken(p, loser, loser == b ? a->key.name : b->key.name);
    }
    free(s.v);
    return c;
}

/* --- all of it ---------------------------------------------------------------------------------
 */

/* A plan may take all of a processor and hundreds of megabytes for seconds. */
static err_code take_turn(struct planning *p, struct err *e)
{
    sem_t *turns = &p->service->plan_turns;
    struct timespec until;
    int failed;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += p->options->at_once ? 0 : SERVICE_PLAN_WAIT;
    do
        failed = sem_clockwait(turns, CLOCK_MONOTONIC, &until);
    while (failed && errno == EINTR);
    p->has_turn = !failed;
    return failed
               ? err_set(e, ERR_BUSY, "%d plans or applies of others are still running: try again",
                         SERVICE_PLANS_AT_ONCE)
               : ERR_OK;
}

err_code planning_open(struct planning *p, struct service *s, const struct service_bundle *b,
                       const struct service_plan_options *o, const struct service_plan_sink *sink,
                       struct findings *f, struct err *e)
{
    *p = (struct planning){.service = s, .options = o, .sink = sink, .findings = f};
    arena_init(&p->arena, ARENA_MAX);
    arena_init(&p->scratch, SCRATCH_MAX);
    err_code c = take_turn(p, e);
    if (!c)
        c = bundle_read(&p->bundle, b->text, b->lines, f, e);
    p->bundle.secrets = s->secrets;
    if (!c && o->prune && p->bundle.n == 0 && !f->errors)
        findings_add(f, FINDING_ERROR, "", 1, 1,
                     "the bundle is empty, and with prune that would remove the whole site");
    p->of_bundle = *f;
    return c;
}

void planning_close(struct planning *p)
{
    bundle_free(&p->bundle);
    arena_free(&p->arena);
    arena_free(&p->scratch);
    if (p->has_turn)
        sem_post(&p->service->plan_turns);
}

static void start_again(struct planning *p, struct store_txn *t)
{
    arena_reset(&p->arena);
    *p->findings = p->of_bundle;
    if (p->findings->last)
        p->findings->last->next = NULL;
    p->txn = t;
    p->removed = NULL;
    p->removed_last = &p->removed;
    p->conflicts = 0;
    p->group[0] = '\0';
    p->diffs_left = p->document_diffs_left = SERVICE_PLAN_DIFFS;
    p->result = (struct service_planned){.revision = store_txn_revision(t)};
    p->sink->begin(p->sink->arg);
}

static err_code verdict(struct planning *p, struct err *e)
{
    size_t n = p->findings->errors;
    if (n == 0)
        return ERR_OK;
    return err_set(e, n == p->conflicts ? ERR_CONFLICT : ERR_INVALID,
                   "the bundle has %zu error%s, so nothing of it can be applied", n,
                   n == 1 ? "" : "s");
}

err_code planning_run(struct store_txn *t, void *planning, struct err *e)
{
    struct planning *p = planning;
    start_again(p, t);
    const struct service_plan_options *o = p->options;
    if (o->has_base && o->base != p->result.revision)
        return err_set(e, ERR_CONFLICT,
                       "the site is at revision %llu and no longer at %llu: somebody has changed "
                       "it meanwhile. Look at what, and plan again",
                       (unsigned long long)p->result.revision, (unsigned long long)o->base);
    err_code c = ERR_OK;
    size_t at = 0;
    for (int type = STORE_GROUP; !c && type <= STORE_TEMPLATE; type++)
        c = plan_type(p, (enum store_type)type, &at, e);
    if (!c)
        c = check_selectors(p, e);
    if (!c)
        c = verdict(p, e);
    if (!c)
        c = planning_documents(p, e);
    return c ? c : verdict(p, e);
}

err_code service_plan(struct service *s, const struct service_bundle *b,
                      const struct service_plan_options *o, const struct service_plan_sink *sink,
                      struct findings *f, struct service_planned *ret, struct err *e)
{
    struct planning p;
    err_code c = planning_open(&p, s, b, o, sink, f, e);
    if (!c)
        c = store_read(s->store, planning_run, &p, e);
    if (!c)
        *ret = p.result;
    planning_close(&p);
    return c;
}
