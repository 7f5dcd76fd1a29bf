#include <stdio.h>

#include "model/model.h"

/* What the field readers share: where they are and what they have found so far. */
struct reading {
    struct arena *arena;
    struct findings *findings;
    enum model_strictness strictness;
    bool nomem;
};

__attribute__((format(printf, 3, 4))) static void wrong(struct reading *r, const char *pointer,
                                                        const char *fmt, ...)
{
    char msg[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    findings_add(r->findings, FINDING_ERROR, pointer, 0, 0, "%s", msg);
}

/* An error when an operator writes by REST, a warning when an old directory is imported. */
__attribute__((format(printf, 3, 4))) static void lenient(struct reading *r, const char *pointer,
                                                          const char *fmt, ...)
{
    char msg[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    findings_add(r->findings, r->strictness == MODEL_STRICT ? FINDING_ERROR : FINDING_WARNING,
                 pointer, 0, 0, "%s", msg);
}

static const char *kind_word(const struct value *v)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_NIL: return "null";
    case VALUE_BOOL: return "a boolean";
    case VALUE_INT:
    case VALUE_BYTE:
    case VALUE_FLOAT: return "a number";
    case VALUE_STRING: return "a string";
    case VALUE_LIST: return "a list";
    case VALUE_MAP:
    case VALUE_STRMAP: return "an object";
    }
    return "something else";
}

/* JSON pointer (RFC 6901) of key below base. */
static const char *pointer_to(char *dst, size_t size, const char *base, struct str key)
{
    size_t n = (size_t)snprintf(dst, size, "%s/", base);
    for (size_t i = 0; i < key.n && n + 3 < size; i++) {
        if (key.p[i] == '~' || key.p[i] == '/') {
            dst[n++] = '~';
            dst[n++] = key.p[i] == '~' ? '0' : '1';
        } else {
            dst[n++] = key.p[i];
        }
    }
    dst[n] = '\0';
    return dst;
}

/* null is the zero value, as in Go. False when it is there and no string. */
static bool read_string(struct reading *r, const char *pointer, const struct value *v,
                        struct str *ret)
{
    if (v->kind == VALUE_NIL) {
        *ret = STR("");
        return true;
    }
    if (v->kind != VALUE_STRING) {
        wrong(r, pointer, "must be a string, not %s", kind_word(v));
        return false;
    }
    *ret = value_as_str(*v);
    return true;
}

/* One value of a pair, normalised. False after it has said what is wrong. */
static bool read_pair(struct reading *r, const char *at, struct str key, const struct value *v,
                      struct label *ret)
{
    struct str value;
    if (!read_string(r, at, v, &value))
        return false;
    err_code c = model_label_normalise(r->arena, key, value, ret);
    if (c == ERR_NOMEM)
        r->nomem = true;
    else if (c)
        wrong(r, at,
              "\"%.*s\" is no MAC address: write 6, 8 or 20 octets such as "
              "52:54:00:12:34:56, 52-54-00-12-34-56 or 5254.0012.3456",
              (int)(value.n > 80 ? 80 : value.n), value.n ? value.p : "");
    else if (model_label_is_junk(ret->key, ret->value))
        findings_add(r->findings, FINDING_WARNING, at, 0, 0,
                     "many machines have this for a %.*s, so it identifies none: no machine gets "
                     "this group by it",
                     STR_FMT(ret->key));
    return c == ERR_OK;
}

/* Sorted, each once. */
static void add_value(struct str *v, uint32_t *n, struct str value)
{
    uint32_t at = *n;
    while (at > 0 && str_cmp(v[at - 1], value) > 0)
        at--;
    if (at > 0 && str_eq(v[at - 1], value))
        return;
    memmove(&v[at + 1], &v[at], (*n - at) * sizeof *v);
    v[at] = value;
    ++*n;
}

/* A list means any of its values; with one value it is that value. False if the pair is no good. */
static bool read_any(struct reading *r, const char *at, const struct value_pair *p,
                     struct label *ret, struct model_group *g, struct model_any *any)
{
    struct str *values = arena_calloc(r->arena, (size_t)p->v.n + 1, sizeof *values);
    uint32_t n = 0;
    if (!values) {
        r->nomem = true;
        return false;
    }
    if (p->v.n > MODEL_COMBINATIONS) {
        wrong(r, at, "has %u values; the most is %d", p->v.n, MODEL_COMBINATIONS);
        return false;
    }
    for (uint32_t i = 0; i < p->v.n; i++) {
        char place[240];
        snprintf(place, sizeof place, "%s/%u", at, i);
        if (read_pair(r, place, p->key, &p->v.list[i], ret))
            add_value(values, &n, ret->value);
    }
    if (p->v.n == 0)
        wrong(r, at, "is an empty list, so that no machine could match");
    if (n == 0)
        return false;
    *ret = (struct label){p->key, values[0]};
    if (n > 1)
        any[g->any_n++] = (struct model_any){p->key, values, n};
    return true;
}

static bool read_pairs(struct reading *r, const struct value *v, struct model_group *g)
{
    struct label *l = arena_calloc(r->arena, (size_t)v->n + 1, sizeof *l);
    struct model_any *any = arena_calloc(r->arena, (size_t)v->n + 1, sizeof *any);
    if (!l || !any)
        return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct value_pair *p = &v->map[i];
        char at[200];
        pointer_to(at, sizeof at, "/selector", p->key);
        n += p->v.kind == VALUE_LIST ? read_any(r, at, p, &l[n], g, any)
                                     : read_pair(r, at, p->key, &p->v, &l[n]);
    }
    g->selector = (struct labels){.v = l, .n = model_labels_sort(l, n)};
    g->any = any;
    return true;
}

/* A map is sorted by key, and so are the lists in it. */
static void read_bool(struct reading *r, const char *pointer, const struct value *v, bool *ret)
{
    if (v->kind == VALUE_BOOL)
        *ret = v->b;
    else if (v->kind != VALUE_NIL)
        wrong(r, pointer, "must be true or false, not %s", kind_word(v));
}

static void read_selector(struct reading *r, const struct value *v, struct model_group *g)
{
    if (v->kind == VALUE_NIL)
        return;
    if (v->kind != VALUE_MAP) {
        wrong(r, "/selector", "must be an object of strings, not %s", kind_word(v));
        return;
    }
    if (v->n > MODEL_SELECTORS) {
        wrong(r, "/selector", "has %u pairs; the most is %d", v->n, MODEL_SELECTORS);
        return;
    }
    if (!read_pairs(r, v, g)) {
        r->nomem = true;
        return;
    }
    uint32_t combinations = model_group_combinations(g);
    if (combinations > MODEL_COMBINATIONS)
        wrong(r, "/selector",
              "its lists stand for more than %d combinations; split the group, or list fewer "
              "values",
              MODEL_COMBINATIONS);
}

err_code model_group_selector_read(struct arena *a, struct str text, struct model_group **ret,
                                   struct err *e)
{
    struct findings f;
    findings_init(&f, a);
    struct reading r = {.arena = a, .findings = &f, .strictness = MODEL_IMPORT};
    struct value v;
    struct model_group *g = arena_calloc(a, 1, sizeof *g);
    err_code c = g ? value_from_json(a, text, &v, e) : ERR_NOMEM;
    if (!c)
        read_selector(&r, &v, g);
    if (c == ERR_NOMEM || r.nomem)
        return err_set(e, ERR_NOMEM, "out of memory while reading a selector");
    if (c || f.errors)
        return err_set(e, ERR_CORRUPT, "a stored selector is not what was written");
    *ret = g;
    return ERR_OK;
}

/* A key that would be known in another case is told apart: Go takes it, we do not. */
static void unknown_key(struct reading *r, const char *base, struct str key,
                        const char *const *known)
{
    char at[200];
    pointer_to(at, sizeof at, base, key);
    for (; *known; known++) {
        if (str_ieq(key, str_c(*known))) {
            wrong(r, at, "the key must be spelled \"%s\"", *known);
            return;
        }
    }
    lenient(r, at, "unknown field \"%.*s\"; it would have no effect",
            (int)(key.n > 80 ? 80 : key.n), key.n ? key.p : "");
}

static bool is_known(struct str key, const char *const *known)
{
    for (; *known; known++)
        if (str_is(key, *known))
            return true;
    return false;
}

/* Parses the text and sees that it is an object; adds what is wrong to the findings. */
static err_code parse_object(struct reading *r, struct str text, struct value *ret, struct err *e)
{
    size_t most = r->strictness == MODEL_STRICT ? MODEL_RESOURCE_MAX : MODEL_STORED_MAX;
    if (text.n > most)
        return err_set(e, ERR_LIMIT, "the resource has %zu bytes; the most is %zu", text.n, most);
    struct err syntax = ERR_INIT;
    err_code c = value_from_json(r->arena, text, ret, &syntax);
    if (c == ERR_NOMEM) {
        if (e)
            *e = syntax;
        return c;
    }
    if (c) {
        findings_add_err(r->findings, FINDING_ERROR, &syntax);
        if (e)
            *e = syntax;
        return c;
    }
    if (ret->kind != VALUE_MAP) {
        wrong(r, "", "must be a JSON object, not %s", kind_word(ret));
        return err_at(e, ERR_INVALID, 1, 1, "must be a JSON object, not %s", kind_word(ret));
    }
    return ERR_OK;
}

static void check_id(struct reading *r, struct str id, const struct value *in_body)
{
    struct str said;
    if (!in_body || !read_string(r, "/id", in_body, &said) || str_eq(said, id))
        return;
    if (in_body->kind == VALUE_NIL || said.n == 0)
        return;
    lenient(r, "/id", "the id here is \"%.*s\", but the resource is known as \"%.*s\"",
            (int)(said.n > 80 ? 80 : said.n), said.p, STR_FMT(id));
}

static err_code verdict(struct reading *r, size_t errors_before, const char *what, struct str id,
                        struct err *e)
{
    if (r->nomem)
        return err_set(e, ERR_NOMEM, "out of memory while reading %s %.*s", what, STR_FMT(id));
    size_t errors = r->findings->errors - errors_before;
    if (errors == 0)
        return ERR_OK;
    return err_set(e, ERR_INVALID, "%s %.*s is not valid: %zu finding%s", what, STR_FMT(id), errors,
                   errors == 1 ? "" : "s");
}

/* A reference as matchbox's path.Clean would see it, if it is a plain relative name then. */
static struct str clean_name(struct reading *r, struct str name)
{
    char *p = arena_alloc(r->arena, name.n + 1);
    if (!p) {
        r->nomem = true;
        return name;
    }
    size_t n = 0;
    struct str rest = name;
    do {
        struct str part = str_cut(rest, '/', &rest);
        if (part.n == 0 || str_is(part, "."))
            continue;
        if (str_is(part, ".."))
            return name;
        if (n)
            p[n++] = '/';
        memcpy(p + n, part.p, part.n);
        n += part.n;
    } while (rest.p);
    return str_of(p, n);
}

static struct str read_reference(struct reading *r, const char *pointer, const struct value *v,
                                 bool one_segment)
{
    struct str name = STR("");
    if (!read_string(r, pointer, v, &name) || name.n == 0)
        return STR("");
    bool valid = one_segment ? model_id_valid(name) : model_name_valid(name);
    if (!valid && r->strictness == MODEL_IMPORT && !one_segment)
        name = clean_name(r, name);
    if (!valid) {
        bool now = one_segment ? model_id_valid(name) : model_name_valid(name);
        if (!now)
            lenient(r, pointer,
                    "\"%.*s\" cannot be the name of a %s, so nothing can be found there",
                    (int)(name.n > 80 ? 80 : name.n), name.n ? name.p : "",
                    one_segment ? "profile" : "template");
        else
            lenient(r, pointer, "the name is taken as \"%.*s\"", STR_FMT(name));
    }
    return name;
}

err_code model_group_read(struct arena *a, struct str id, struct str text, enum model_strictness s,
                          struct findings *f, struct model_group **ret, struct err *e)
{
    static const char *const known[] = {"id", "name", "profile", "selector", "metadata", NULL};
    struct reading r = {.arena = a, .findings = f, .strictness = s};
    size_t errors = f->errors;
    struct value body;
    err_code c = parse_object(&r, text, &body, e);
    if (c)
        return c;
    struct model_group *g = arena_calloc(a, 1, sizeof *g);
    if (!g || !arena_str(a, id, &g->id))
        return err_set(e, ERR_NOMEM, "out of memory while reading group %.*s", STR_FMT(id));
    g->name = STR("");
    g->profile = STR("");
    g->metadata = (struct value){.kind = VALUE_MAP};
    check_id(&r, id, value_get(&body, STR("id")));
    for (uint32_t i = 0; i < body.n; i++) {
        struct str key = body.map[i].key;
        const struct value *v = &body.map[i].v;
        if (str_is(key, "name"))
            read_string(&r, "/name", v, &g->name);
        else if (str_is(key, "profile"))
            g->profile = read_reference(&r, "/profile", v, true);
        else if (str_is(key, "selector"))
            read_selector(&r, v, g);
        else if (str_is(key, "metadata") && v->kind == VALUE_MAP)
            g->metadata = *v;
        else if (str_is(key, "metadata") && v->kind != VALUE_NIL)
            wrong(&r, "/metadata", "must be an object, not %s", kind_word(v));
        else if (!is_known(key, known))
            unknown_key(&r, "", key, known);
    }
    if (g->profile.n == 0)
        lenient(&r, "/profile", "the group names no profile, so its machines get no documents");
    c = verdict(&r, errors, "group", id, e);
    if (!c)
        *ret = g;
    return c;
}

static void read_strings(struct reading *r, const char *pointer, const struct value *v,
                         const struct str **ret, uint32_t *ret_n)
{
    if (v->kind == VALUE_NIL)
        return;
    if (v->kind != VALUE_LIST) {
        wrong(r, pointer, "must be a list of strings, not %s", kind_word(v));
        return;
    }
    struct str *list = v->n ? arena_calloc(r->arena, v->n, sizeof *list) : NULL;
    if (v->n && !list) {
        r->nomem = true;
        return;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        char at[64];
        snprintf(at, sizeof at, "%s/%u", pointer, i);
        read_string(r, at, &v->list[i], &list[i]);
    }
    *ret = list;
    *ret_n = v->n;
}

/* One of the parts that the common boot settings and those of an architecture have. */
static bool read_boot_part(struct reading *r, const char *base, struct str key,
                           const struct value *v, struct model_boot *b)
{
    char at[120];
    pointer_to(at, sizeof at, base, key);
    bool given = v->kind != VALUE_NIL;
    if (str_is(key, "kernel")) {
        read_string(r, at, v, &b->kernel);
        b->has_kernel = given;
    } else if (str_is(key, "initrd")) {
        read_strings(r, at, v, &b->initrd, &b->initrd_n);
        b->has_initrd = given;
    } else if (str_is(key, "args")) {
        read_strings(r, at, v, &b->args, &b->args_n);
        b->has_args = given;
    } else if (str_is(key, "efi")) {
        read_string(r, at, v, &b->efi);
        b->has_efi = given;
    } else {
        return false;
    }
    return true;
}

static void read_one_arch(struct reading *r, const struct value_pair *pair,
                          struct model_boot_arch *ret)
{
    static const char *const known[] = {"kernel", "initrd", "args", "efi", NULL};
    char at[200];
    pointer_to(at, sizeof at, "/boot/arch", pair->key);
    struct str name = model_arch_known(pair->key);
    *ret = (struct model_boot_arch){.arch = name.p ? name : pair->key,
                                    .boot = {.kernel = STR(""), .efi = STR("")}};
    if (!model_id_valid(ret->arch))
        wrong(r, at, "is no architecture: write i386, x86_64, arm64, ...");
    if (pair->v.kind != VALUE_MAP) {
        wrong(r, at, "must be an object, not %s", kind_word(&pair->v));
        return;
    }
    for (uint32_t i = 0; i < pair->v.n; i++) {
        struct str key = pair->v.map[i].key;
        if (!read_boot_part(r, at, key, &pair->v.map[i].v, &ret->boot))
            unknown_key(r, at, key, known);
    }
}

static void read_archs(struct reading *r, const struct value *v, struct model_profile *p)
{
    if (v->kind == VALUE_NIL)
        return;
    if (v->kind != VALUE_MAP || v->n > MODEL_ARCHS) {
        wrong(r, "/boot/arch", "must be an object of at most %d architectures", MODEL_ARCHS);
        return;
    }
    struct model_boot_arch *archs = v->n ? arena_calloc(r->arena, v->n, sizeof *archs) : NULL;
    if (v->n && !archs) {
        r->nomem = true;
        return;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        struct model_boot_arch x;
        read_one_arch(r, &v->map[i], &x);
        uint32_t at = n;
        while (at > 0 && str_cmp(archs[at - 1].arch, x.arch) > 0)
            at--;
        if (at > 0 && str_eq(archs[at - 1].arch, x.arch))
            wrong(r, "/boot/arch", "%.*s is there twice, under two of its names", STR_FMT(x.arch));
        memmove(&archs[at + 1], &archs[at], (n - at) * sizeof *archs);
        archs[at] = x;
        n++;
    }
    p->archs = archs;
    p->archs_n = n;
}

static void read_boot(struct reading *r, const struct value *v, struct model_profile *p)
{
    static const char *const known[] = {"kernel", "initrd", "args", "efi", "arch", NULL};
    if (v->kind == VALUE_NIL)
        return;
    if (v->kind != VALUE_MAP) {
        wrong(r, "/boot", "must be an object, not %s", kind_word(v));
        return;
    }
    p->has_boot = true;
    for (uint32_t i = 0; i < v->n; i++) {
        struct str key = v->map[i].key;
        const struct value *x = &v->map[i].v;
        if (str_is(key, "arch"))
            read_archs(r, x, p);
        else if (!read_boot_part(r, "/boot", key, x, &p->boot))
            unknown_key(r, "/boot", key, known);
    }
}

/* The kind that key names a template of; false for other keys. */
static bool kind_of_key(struct str key, enum model_kind *ret)
{
    for (int k = 0; k < MODEL_PROFILE_KINDS; k++) {
        if (str_is(key, model_kind_key((enum model_kind)k))) {
            *ret = (enum model_kind)k;
            return true;
        }
    }
    return false;
}

err_code model_profile_read(struct arena *a, struct str id, struct str text,
                            enum model_strictness s, struct findings *f, struct model_profile **ret,
                            struct err *e)
{
    const char *known[5 + MODEL_PROFILE_KINDS] = {"id", "name", "boot", "verify"};
    for (int k = 0; k < MODEL_PROFILE_KINDS; k++)
        known[4 + k] = model_kind_key((enum model_kind)k);
    struct reading r = {.arena = a, .findings = f, .strictness = s};
    size_t errors = f->errors;
    struct value body;
    err_code c = parse_object(&r, text, &body, e);
    if (c)
        return c;
    struct model_profile *p = arena_calloc(a, 1, sizeof *p);
    if (!p || !arena_str(a, id, &p->id))
        return err_set(e, ERR_NOMEM, "out of memory while reading profile %.*s", STR_FMT(id));
    p->name = STR("");
    p->boot.kernel = STR("");
    p->boot.efi = STR("");
    check_id(&r, id, value_get(&body, STR("id")));
    for (uint32_t i = 0; i < body.n; i++) {
        struct str key = body.map[i].key;
        const struct value *v = &body.map[i].v;
        enum model_kind kind;
        if (str_is(key, "name"))
            read_string(&r, "/name", v, &p->name);
        else if (str_is(key, "boot"))
            read_boot(&r, v, p);
        else if (str_is(key, "verify"))
            read_bool(&r, "/verify", v, &p->verify);
        else if (kind_of_key(key, &kind)) {
            char at[40];
            snprintf(at, sizeof at, "/%s", model_kind_key(kind));
            p->refs[kind] = read_reference(&r, at, v, false);
        } else if (!is_known(key, known))
            unknown_key(&r, "", key, known);
    }
    c = verdict(&r, errors, "profile", id, e);
    if (!c)
        *ret = p;
    return c;
}
