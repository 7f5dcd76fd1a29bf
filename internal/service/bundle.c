#include "service/bundle.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/enc.h"
#include "service/site.h"
#include "value/json_walk.h"
#include "value/yaml.h"

#define NAMES_MAX   ((size_t)1 << 30)
#define SCRATCH_MAX (256u << 20)
#define ENTRY_MAX   (16u << 20) /* bytes of one resource as it is written */
#define PARSED_MAX  (1u << 20)  /* bytes of a text that is parsed to say what is wrong with it */

static const struct {
    const char *one, *many;
    enum store_type type;
} types[] = {
    {"group", "groups", STORE_GROUP},
    {"profile", "profiles", STORE_PROFILE},
    {"template", "templates", STORE_TEMPLATE},
};

static err_code nomem(struct err *e)
{
    return err_set(e, ERR_NOMEM, "out of memory while reading a bundle");
}

/* --- places ------------------------------------------------------------------------------------
 */

/* While a bundle is read: how far its lines were counted. */
struct reading {
    struct bundle *b;
    struct findings *f;
    struct arena scratch;
    const char *counted;
    uint32_t line;
    struct bundle_entry now; /* what is being read */
};

/* Cheap as long as at goes forward. */
static uint32_t line_of(struct reading *r, const char *at)
{
    if (at < r->counted) {
        r->counted = r->b->text.p;
        r->line = 1;
    }
    for (; r->counted < at; r->counted++) {
        const char *nl = memchr(r->counted, '\n', (size_t)(at - r->counted));
        if (!nl)
            break;
        r->line++;
        r->counted = nl;
    }
    r->counted = at;
    return r->line;
}

/* From 1, in bytes. */
static int column_of(struct str text, const char *at)
{
    const char *p = at;
    while (p > text.p && p[-1] != '\n')
        p--;
    return (int)(at - p > INT32_MAX - 1 ? INT32_MAX : at - p + 1);
}

static void pointer_of(const struct bundle *b, const struct bundle_entry *x, struct str below,
                       struct buf *dst)
{
    size_t i = 0;
    while (types[i].type != x->key.type)
        i++;
    if (b->lines)
        buf_addf(dst, "/%s", types[i].one);
    else
        buf_addf(dst, "/%s/%u", types[i].many, x->index);
    buf_add_str(dst, below);
}

/* The place of a pointer inside of one resource; where that begins, if it cannot be told. */
static void locate(const struct bundle_entry *x, struct str pointer, int *line, int *column)
{
    ARENA_LOCAL(a, SCRATCH_MAX);
    struct yaml_document doc;
    *line = *column = 1;
    if (pointer.n && yaml_read(&a, x->text, &doc, NULL) == ERR_OK)
        yaml_locate(doc.root, pointer, line, column);
}

static void tell_one(const struct bundle *b, const struct bundle_entry *x, const struct finding *w,
                     struct findings *f)
{
    BUF_LOCAL(pointer, 4096);
    int line = w->line, column = w->column;
    if (line <= 0)
        locate(x, w->pointer, &line, &column);
    if (line == 1)
        column += column_of(b->text, x->text.p) - 1;
    line += (int)x->line - 1;
    pointer_of(b, x, w->pointer, &pointer);
    findings_add(f, w->severity, buf_c(&pointer), line, column, "%.*s", STR_FMT(w->message));
}

static void tell_in_file(const struct finding *w, struct findings *f)
{
    struct str had = f->file;
    f->file = w->file;
    findings_add(f, w->severity, NULL, w->line, w->column, "%.*s", STR_FMT(w->message));
    f->file = had;
}

void bundle_tell(const struct bundle *b, const struct bundle_entry *x, const struct findings *about,
                 struct findings *f)
{
    for (const struct finding *w = about->first; w; w = w->next) {
        if (w->file.n)
            tell_in_file(w, f);
        else
            tell_one(b, x, w, f);
    }
}

void bundle_tell_error(const struct bundle *b, const struct bundle_entry *x, struct arena *scratch,
                       struct findings *f, const char *pointer, const char *fmt, va_list args)
{
    char msg[500];
    vsnprintf(msg, sizeof msg, fmt, args);
    struct findings one;
    findings_init(&one, scratch);
    findings_add(&one, FINDING_ERROR, pointer, 0, 0, "%s", msg);
    bundle_tell(b, x, &one, f);
}

/* Something about the resource that is being read, at a pointer into it. */
__attribute__((format(printf, 3, 4))) static void wrong(struct reading *r, const char *pointer,
                                                        const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    bundle_tell_error(r->b, &r->now, &r->scratch, r->f, pointer, fmt, args);
    va_end(args);
}

/* What no JSON is: the parser says it best. at is where the walk stopped. */
static void tell_syntax(struct reading *r, struct str text, size_t at, const char *pointer,
                        const struct err *walk)
{
    struct value v;
    struct err why = ERR_INIT;
    const char *stop = text.p + at;
    int line = (int)line_of(r, text.p), column = column_of(r->b->text, stop);
    if (text.n <= PARSED_MAX && value_from_json(&r->scratch, text, &v, &why) == ERR_INVALID &&
        why.line > 0) {
        column = why.line == 1 ? column_of(r->b->text, text.p) + why.column - 1 : why.column;
        findings_add(r->f, FINDING_ERROR, pointer, line + why.line - 1, column, "%s", why.msg);
        return;
    }
    for (const char *p = text.p; (p = memchr(p, '\n', (size_t)(stop - p))); p++)
        line++;
    findings_add(r->f, FINDING_ERROR, pointer, line, column, "%s", walk->msg);
}

/* --- one resource ------------------------------------------------------------------------------
 */

static bool key_is(struct str raw, const char *name)
{
    return raw.n >= 2 && str_is(str_sub(raw, 1, raw.n - 1), name);
}

/* The members of the resource that name it: at most two are wanted. False after a finding. */
static bool find_members(struct reading *r, const char *const want[2], struct str ret[2])
{
    struct json_walk w;
    struct json_member m;
    struct err e = ERR_INIT;
    bool more = true;
    err_code c = json_walk_begin(&w, r->now.text, &e);
    if (!c && w.array) {
        wrong(r, "", "must be an object, not a list");
        return false;
    }
    while (!c && !(c = json_walk_next(&w, &m, &more, &e)) && more)
        for (int i = 0; i < 2; i++)
            if (want[i] && key_is(m.key, want[i]))
                ret[i] = m.value;
    if (c && r->now.text.n && !strchr("{[", r->now.text.p[0]))
        wrong(r, "", "must be an object");
    else if (c) {
        BUF_LOCAL(pointer, 200);
        pointer_of(r->b, &r->now, STR(""), &pointer);
        tell_syntax(r, r->now.text, w.at, buf_c(&pointer), &e);
    }
    return !c;
}

/* A string of the resource's that is not written as it is must be kept. False after a finding. */
static bool read_name(struct reading *r, struct str raw, const char *pointer, struct str *ret)
{
    struct err e = ERR_INIT;
    struct str name;
    if (!raw.p)
        wrong(r, "", "it has no %s, which is needed", pointer + 1);
    else if (json_walk_string(&r->b->arena, raw, &name, &e))
        wrong(r, pointer, "%s", raw.p[0] == '"' ? e.msg : "must be a string");
    else {
        *ret = name;
        return true;
    }
    return false;
}

static bool name_template(struct reading *r)
{
    static const char *const want[2] = {"kind", "name"};
    struct str raw[2] = {{NULL, 0}, {NULL, 0}}, kind;
    struct store_key *k = &r->now.key;
    if (!find_members(r, want, raw) || !read_name(r, raw[0], "/kind", &kind) ||
        !read_name(r, raw[1], "/name", &k->name))
        return false;
    if (!model_kind_from_name(kind, &k->kind)) {
        wrong(r, "/kind", "there is no kind of template \"%.*s\"", (int)(kind.n > 80 ? 80 : kind.n),
              kind.n ? kind.p : "");
        return false;
    }
    if (!model_name_valid(k->name)) {
        wrong(r, "/name",
              "the name must be 1 to 8 segments joined by '/', each 1 to %d bytes of A-Z a-z 0-9 . "
              "_ ~ - and not . or ..",
              MODEL_ID_MAX);
        return false;
    }
    return true;
}

static bool name_object(struct reading *r)
{
    static const char *const want[2] = {"id", NULL};
    struct str raw[2] = {{NULL, 0}, {NULL, 0}};
    struct store_key *k = &r->now.key;
    if (!find_members(r, want, raw) || !read_name(r, raw[0], "/id", &k->name))
        return false;
    if (!model_id_valid(k->name)) {
        wrong(r, "/id", "the id must be 1 to %d bytes of A-Z a-z 0-9 . _ ~ - and not . or ..",
              MODEL_ID_MAX);
        return false;
    }
    return true;
}

/* Adds what r->now has but for its name. */
static err_code add_entry(struct reading *r, struct err *e)
{
    struct bundle *b = r->b;
    arena_reset(&r->scratch);
    r->now.line = line_of(r, r->now.text.p);
    if (r->now.text.n > ENTRY_MAX) {
        wrong(r, "", "it has %zu bytes; the most is %u", r->now.text.n, ENTRY_MAX);
        return ERR_OK;
    }
    bool named = r->now.key.type == STORE_TEMPLATE ? name_template(r) : name_object(r);
    if (!named)
        return ERR_OK;
    if (b->n == BUNDLE_ENTRIES_MAX)
        return err_set(e, ERR_LIMIT, "the bundle has more than %d resources", BUNDLE_ENTRIES_MAX);
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 64;
        struct bundle_entry *v = realloc(b->v, cap * sizeof *v);
        if (!v)
            return nomem(e);
        b->v = v;
        b->cap = cap;
    }
    b->v[b->n++] = r->now;
    return ERR_OK;
}

/* --- the two forms -----------------------------------------------------------------------------
 */

static err_code read_list(struct reading *r, size_t type, struct str text, struct err *e)
{
    struct json_walk w;
    struct json_member m;
    struct err why = ERR_INIT;
    bool more = true;
    char pointer[16];
    snprintf(pointer, sizeof pointer, "/%s", types[type].many);
    err_code c = json_walk_begin(&w, text, &why);
    if (!c && !w.array)
        c = ERR_INVALID;
    if (c) {
        findings_add(r->f, FINDING_ERROR, pointer, (int)line_of(r, text.p),
                     column_of(r->b->text, text.p), "must be a list");
        return ERR_OK;
    }
    for (uint32_t i = 0;; i++) {
        c = json_walk_next(&w, &m, &more, &why);
        if (c)
            tell_syntax(r, text, w.at, pointer, &why);
        if (c || !more)
            return ERR_OK;
        r->now = (struct bundle_entry){.key.type = types[type].type, .text = m.value, .index = i};
        c = add_entry(r, e);
        if (c)
            return c;
    }
}

static err_code read_member(struct reading *r, const struct json_member *m, unsigned *seen,
                            struct err *e)
{
    static const size_t types_n = sizeof types / sizeof *types;
    size_t i = 0;
    while (i < types_n && !key_is(m->key, types[i].many))
        i++;
    bool message = i == types_n && key_is(m->key, "message");
    const char *what = NULL;
    if (i == types_n && !message)
        what = "is not known here: a bundle has groups, profiles, templates and message";
    else if (*seen & 1u << i)
        what = "stands twice";
    else if (message && (json_walk_string(&r->b->arena, m->value, &r->b->message, NULL) ||
                         r->b->message.n > 500))
        what = "must be a string of at most 500 bytes";
    *seen |= 1u << i;
    if (what) {
        findings_add(r->f, FINDING_ERROR, "", (int)line_of(r, m->key.p),
                     column_of(r->b->text, m->key.p), "%.*s %s",
                     (int)(m->key.n > 80 ? 80 : m->key.n), m->key.p, what);
        return ERR_OK;
    }
    return message ? ERR_OK : read_list(r, i, m->value, e);
}

static err_code read_json(struct reading *r, struct err *e)
{
    struct json_walk w;
    struct json_member m;
    struct err why = ERR_INIT;
    bool more = true;
    unsigned seen = 0;
    err_code c = json_walk_begin(&w, r->b->text, &why);
    if (!c && w.array) {
        findings_add(r->f, FINDING_ERROR, "", 1, 1, "a bundle must be an object, not a list");
        return ERR_OK;
    }
    for (;;) {
        if (!c)
            c = json_walk_next(&w, &m, &more, &why);
        if (c)
            tell_syntax(r, r->b->text, w.at, "", &why);
        if (c || !more)
            return ERR_OK;
        err_code code = read_member(r, &m, &seen, e);
        if (code)
            return code;
    }
}

static bool only_space(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(" \t\r", s.p[i]))
            return false;
    return true;
}

static err_code read_line(struct reading *r, struct str line, struct err *e)
{
    struct json_walk w;
    struct json_member m = {{NULL, 0}, {NULL, 0}}, second;
    struct err why = ERR_INIT;
    bool more = false, again = false;
    err_code c = json_walk_begin(&w, line, &why);
    bool object = !c && !w.array;
    if (object)
        c = json_walk_next(&w, &m, &more, &why);
    if (object && !c && more)
        c = json_walk_next(&w, &second, &again, &why);
    if (object && c) {
        tell_syntax(r, line, w.at, "", &why);
        return ERR_OK;
    }
    for (size_t i = 0; object && more && !again && i < sizeof types / sizeof *types; i++) {
        if (!key_is(m.key, types[i].one))
            continue;
        r->now = (struct bundle_entry){.key.type = types[i].type, .text = m.value};
        return add_entry(r, e);
    }
    findings_add(r->f, FINDING_ERROR, "", (int)line_of(r, line.p), 1,
                 "a line must be {\"group\":…}, {\"profile\":…} or {\"template\":…}");
    return ERR_OK;
}

static err_code read_lines(struct reading *r, struct err *e)
{
    err_code c = ERR_OK;
    for (struct str rest = r->b->text; !c && rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        if (!only_space(line))
            c = read_line(r, line, e);
        arena_reset(&r->scratch);
    }
    return c;
}

/* --- the whole ---------------------------------------------------------------------------------
 */

int bundle_key_cmp(const struct store_key *a, const struct store_key *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->type == STORE_TEMPLATE && a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return str_cmp(a->name, b->name);
}

/* Equal keys by their place, so that the first one stays. */
static int entry_cmp(const void *a, const void *b)
{
    const struct bundle_entry *x = a, *y = b;
    int c = bundle_key_cmp(&x->key, &y->key);
    return c ? c : x->text.p < y->text.p ? -1 : x->text.p > y->text.p;
}

/* What is written in order, as a site directory is, needs no sorting. */
static void sort_entries(struct bundle *b)
{
    size_t i = 1;
    while (i < b->n && entry_cmp(&b->v[i - 1], &b->v[i]) < 0)
        i++;
    if (i < b->n)
        qsort(b->v, b->n, sizeof *b->v, entry_cmp);
}

static void drop_duplicates(struct reading *r)
{
    struct bundle *b = r->b;
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct bundle_entry *first = kept ? &b->v[kept - 1] : NULL;
        if (!first || bundle_key_cmp(&first->key, &b->v[i].key) != 0) {
            b->v[kept++] = b->v[i];
            continue;
        }
        r->now = b->v[i];
        arena_reset(&r->scratch);
        wrong(r, r->now.key.type == STORE_TEMPLATE ? "/name" : "/id",
              "\"%.*s\" stands twice in the bundle; the first is on line %u",
              STR_FMT(r->now.key.name), first->line);
    }
    b->n = kept;
}

err_code bundle_read(struct bundle *b, struct str text, bool lines, struct findings *f,
                     struct err *e)
{
    struct reading r = {.b = b, .f = f, .counted = text.p, .line = 1};
    *b = (struct bundle){.text = text, .lines = lines};
    arena_init(&b->arena, NAMES_MAX);
    arena_init(&r.scratch, SCRATCH_MAX);
    err_code c = lines ? read_lines(&r, e) : read_json(&r, e);
    if (!c && b->n) {
        sort_entries(b);
        drop_duplicates(&r);
    }
    arena_free(&r.scratch);
    return c;
}

void bundle_free(struct bundle *b)
{
    free(b->v);
    arena_free(&b->arena);
    *b = (struct bundle){.n = 0};
}

size_t bundle_from(const struct bundle *b, const struct store_key *k)
{
    size_t lo = 0, hi = b->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (bundle_key_cmp(&b->v[mid].key, k) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct bundle_entry *bundle_find(const struct bundle *b, const struct store_key *k)
{
    size_t i = bundle_from(b, k);
    return i < b->n && bundle_key_cmp(&b->v[i].key, k) == 0 ? &b->v[i] : NULL;
}

/* --- reading one -------------------------------------------------------------------------------
 */

/* The bytes of a template's content. */
static err_code decode_content(struct arena *a, const struct value *v, const struct value *b64,
                               struct findings *f, struct str *ret, struct err *e)
{
    const struct value *x = v ? v : b64;
    const char *pointer = v ? "/content" : "/content_b64", *what = NULL;
    struct str text = x && x->kind == VALUE_STRING ? value_as_str(*x) : STR("");
    struct buf bytes;
    buf_in_arena(&bytes, a, text.n);
    if (!x || (v && b64)) {
        pointer = "";
        what = "a template has either content or content_b64";
    } else if (x->kind != VALUE_STRING) {
        what = "must be a string";
    } else if (b64 && !enc_base64_decode(&bytes, text)) {
        what = "is not base64 (RFC 4648)";
    }
    if (what) {
        findings_add(f, FINDING_ERROR, pointer, 0, 0, "%s", what);
        return err_set(e, ERR_INVALID, "%s", what);
    }
    *ret = v ? text : bytes.n ? buf_str(&bytes) : STR("");
    return ERR_OK;
}

static err_code template_body(const struct bundle_entry *x, struct arena *a, struct findings *f,
                              struct str *ret, struct err *e)
{
    static const char *const known[] = {"kind", "name", "content", "content_b64"};
    struct value v;
    struct err why = ERR_INIT;
    err_code c = value_from_json(a, x->text, &v, &why);
    if (c && e)
        *e = why;
    if (c && c != ERR_NOMEM)
        findings_add_err(f, FINDING_ERROR, &why);
    if (c)
        return c;
    size_t errors = f->errors;
    for (uint32_t i = 0; i < v.n; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            found = found || str_is(v.map[i].key, known[k]);
        if (!found)
            findings_add(f, FINDING_ERROR, "", 0, 0, "unknown field \"%.*s\"",
                         (int)(v.map[i].key.n > 80 ? 80 : v.map[i].key.n), v.map[i].key.p);
    }
    c = decode_content(a, value_get(&v, STR("content")), value_get(&v, STR("content_b64")), f, ret,
                       e);
    return !c && f->errors > errors ? err_set(e, ERR_INVALID, "unknown fields") : c;
}

static err_code read_one(const struct bundle *b, const struct bundle_entry *x, struct arena *a,
                         struct findings *f, struct store_resource *ret, struct err *e)
{
    if (x->key.type != STORE_TEMPLATE)
        return validate_resource(b->secrets, a, &x->key, x->text, MODEL_STRICT, f, ret, e);
    struct str body;
    struct buf name;
    buf_in_arena(&name, a, 4096);
    site_name(&x->key, &name);
    err_code c = template_body(x, a, f, &body, e);
    if (c)
        return c;
    if (name.failed)
        return nomem(e);
    f->file = buf_str(&name);
    return validate_resource(b->secrets, a, &x->key, body, MODEL_STRICT, f, ret, e);
}

err_code bundle_resource(const struct bundle *b, const struct bundle_entry *x, struct arena *a,
                         struct findings *f, struct store_resource *ret, struct err *e)
{
    struct findings about;
    struct err why = ERR_INIT;
    findings_init(&about, a);
    err_code c = read_one(b, x, a, &about, ret, &why);
    if (c && e)
        *e = why;
    if (c == ERR_NOMEM)
        return c;
    if (c && !about.errors)
        findings_add_err(&about, FINDING_ERROR, &why);
    if (f)
        bundle_tell(b, x, &about, f);
    return c;
}
