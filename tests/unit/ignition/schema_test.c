/* The table against the lists of fields that the specifications' sources have. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buf.h"
#include "ignition/ignition.h"
#include "ignition/schema.h"

#define IGNITION "tests/conformance/ignition-schema.tsv"
#define BUTANE   "tests/conformance/butane-schema.tsv"

struct row {
    struct str name, order, field, type, flags, first, last, changes;
};

static struct row parse_row(struct str line)
{
    struct row r;
    struct str *const columns[] = {&r.name,  &r.order, &r.field, &r.type,
                                   &r.flags, &r.first, &r.last,  &r.changes};
    for (size_t i = 0; i < 8; i++)
        *columns[i] = str_cut(line, '\t', &line);
    return r;
}

/* The struct of that name below s, or NULL. */
static const struct schema_struct *find_struct(const struct schema_struct *s, struct str name)
{
    if (str_is(name, s->name))
        return s;
    for (size_t i = 0; i < s->n; i++) {
        const struct schema_struct *found =
            s->fields[i].sub ? find_struct(s->fields[i].sub, name) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

/* "3.4" and "0.5" are minor 4: base 0.(n+1) of Butane becomes 3.n. */
static unsigned minor_of(struct str version, enum schema_language l)
{
    uint64_t minor;
    cr_assert(str_to_u64(str_skip(version, 2), 9, &minor), "%.*s", STR_FMT(version));
    return (unsigned)minor - (l == SCHEMA_IGNITION ? 0 : 1);
}

/* The type that the field has in that version: "3.0:string ; 3.3:*string". */
static struct str type_in(const struct row *r, unsigned minor, enum schema_language l)
{
    struct str type = r->type, rest = r->changes;
    while (rest.n) {
        size_t end = str_find(rest, STR(" ; "), 0);
        struct str value, change = str_sub(rest, 0, end), from = str_cut(change, ':', &value);
        rest = str_skip(rest, end + 3);
        if (minor_of(from, l) <= minor)
            type = value;
    }
    return type;
}

static bool is_plain(struct str type)
{
    return str_is(type, "string") || str_is(type, "int") || str_is(type, "bool");
}

static void check_type(const struct schema_field *f, struct str type, const char *what)
{
    bool pointer = type.p[0] == '*', list = str_starts(type, STR("[]"));
    struct str inner = str_skip(type, list ? 2 : pointer ? 1 : 0);
    if (str_is(type, "HTTPHeaders")) {
        list = true;
        inner = STR("HTTPHeader");
    }
    cr_expect_eq(pointer, (f->flags & SCHEMA_POINTER) != 0, "%s", what);
    if (list && find_struct(&schema_config, inner))
        cr_expect(f->type == SCHEMA_STRUCTS && str_is(inner, f->sub->name), "%s", what);
    else if (list)
        cr_expect_eq(f->type, SCHEMA_STRINGS, "%s", what);
    else if (!is_plain(inner))
        cr_expect(f->type == SCHEMA_STRUCT && str_is(inner, f->sub->name), "%s", what);
    else
        cr_expect_eq(f->type,
                     str_is(inner, "string") ? SCHEMA_STRING
                     : str_is(inner, "int")  ? SCHEMA_INT
                                             : SCHEMA_BOOL,
                     "%s", what);
}

/* Which of the table's fields were seen in a list; the rest must not be in that language. */
struct seen {
    const struct schema_field *field[400];
    size_t n;
};

static void add_seen(struct seen *seen, const struct schema_field *f)
{
    for (size_t i = 0; i < seen->n; i++)
        if (seen->field[i] == f)
            return;
    cr_assert_lt(seen->n, sizeof seen->field / sizeof *seen->field);
    seen->field[seen->n++] = f;
}

static void check_field(const struct row *r, struct str name, enum schema_language l,
                        struct seen *seen)
{
    const struct schema_struct *s = find_struct(&schema_config, name);
    cr_assert(s != NULL, "no struct %.*s", STR_FMT(name));
    for (unsigned minor = 0; minor <= IGNITION_MINOR_MAX; minor++) {
        char what[128];
        snprintf(what, sizeof what, "%.*s.%.*s in 3.%u", STR_FMT(name), STR_FMT(r->field), minor);
        bool exact, has = minor >= minor_of(r->first, l) && minor <= minor_of(r->last, l);
        const struct schema_field *f = schema_find(s, l, minor, r->field, &exact);
        cr_expect_eq(f != NULL, has, "%s", what);
        if (!f)
            continue;
        cr_expect(exact, "%s", what);
        check_type(f, type_in(r, minor, l), what);
        /* The list has the flags of the newest version. */
        if (l == SCHEMA_IGNITION && is_plain(r->type))
            cr_expect_eq(str_is(r->flags, "omitempty"), (f->flags & SCHEMA_OMIT_ZERO) != 0, "%s",
                         what);
        add_seen(seen, f);
    }
}

/* Ignition's source composes files, directories and links of Node and an own part. */
static void check_row(const struct row *r, enum schema_language l, struct seen *seen)
{
    static const char *const nodes[] = {"Directory", "File", "Link"};
    struct str own = STR("Embedded1");
    if (str_is(r->field, "@embed"))
        return;
    if (str_ends(r->name, own)) {
        check_field(r, str_sub(r->name, 0, r->name.n - own.n), l, seen);
    } else if (str_is(r->name, "Node")) {
        for (size_t i = 0; i < 3; i++)
            check_field(r, str_c(nodes[i]), l, seen);
    } else {
        check_field(r, r->name, l, seen);
    }
}

static void check_nothing_more(const struct schema_struct *s, enum schema_language l,
                               const struct seen *seen)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct schema_field *f = &s->fields[i];
        bool known = false;
        for (size_t k = 0; k < seen->n; k++)
            known = known || seen->field[k] == f;
        bool wanted = schema_name(f, l) && !(f->flags & SCHEMA_FCOS);
        cr_expect_eq(known, wanted, "%s.%s", s->name, f->json ? f->json : f->yaml);
        if (f->sub && wanted)
            check_nothing_more(f->sub, l, seen);
    }
}

static void check_list(const char *path, enum schema_language l)
{
    static struct seen seen;
    char line[512];
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL, "%s is missing", path);
    cr_assert(fgets(line, sizeof line, file) != NULL);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        struct row r = parse_row(str_c(line));
        check_row(&r, l, &seen);
    }
    fclose(file);
    check_nothing_more(&schema_config, l, &seen);
}

Test(schema, has_the_fields_of_ignition)
{
    check_list(IGNITION, SCHEMA_IGNITION);
}

Test(schema, has_the_fields_of_butane)
{
    check_list(BUTANE, SCHEMA_BUTANE);
}

/* Rows of one field follow each other and do not overlap; keys name fields; lists have keys. */
static void check_rows(const struct schema_struct *s)
{
    if (s->key)
        schema_field_of(s, s->key);
    if (s->other_key)
        schema_field_of(s, s->other_key);
    for (size_t i = 0; i < s->n; i++) {
        const struct schema_field *f = &s->fields[i], *next = f + 1;
        const char *name = f->json ? f->json : f->yaml;
        cr_expect_leq(f->since, f->until, "%s.%s", s->name, name);
        cr_expect_leq(f->since, IGNITION_MINOR_MAX);
        cr_expect_eq(f->sub != NULL, f->type == SCHEMA_STRUCT || f->type == SCHEMA_STRUCTS);
        bool merged_by_key = f->type == SCHEMA_STRUCTS && f->json && !(f->flags & SCHEMA_APPEND);
        cr_expect(!merged_by_key || f->sub->key != NULL, "%s.%s", s->name, name);
        for (size_t k = i + 1; k < s->n; k++)
            if (strcmp(s->fields[k].json ? s->fields[k].json : s->fields[k].yaml, name) == 0) {
                cr_expect_eq(k, i + 1, "%s.%s", s->name, name);
                cr_expect_eq(next->since, f->until + 1, "%s.%s", s->name, name);
            }
        if (f->sub)
            check_rows(f->sub);
    }
}

Test(schema, rows_fit_together)
{
    check_rows(&schema_config);
}

/* camelCase is snake_case with the words joined, but for MiB. */
static void check_names(const struct schema_struct *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct schema_field *f = &s->fields[i];
        BUF_LOCAL(camel, 256);
        for (const char *p = f->yaml ? f->yaml : ""; *p; p++) {
            if (*p == '_')
                p++;
            else {
                buf_add_byte(&camel, *p);
                continue;
            }
            buf_add_byte(&camel, (char)(*p - 'a' + 'A'));
        }
        if (str_ends(buf_str(&camel), STR("Mib")))
            camel.p[camel.n - 1] = 'B';
        if (f->json && f->yaml)
            cr_expect_str_eq(buf_c(&camel), f->json);
        if (f->sub)
            check_names(f->sub);
    }
}

Test(schema, names_correspond)
{
    check_names(&schema_config);
}

Test(schema, ignition_takes_other_case_and_butane_does_not)
{
    bool exact = true;
    const struct schema_field *f =
        schema_find(&schema_config, SCHEMA_IGNITION, 4, STR("STORAGE"), &exact);
    cr_assert(f != NULL);
    cr_expect_str_eq(f->json, "storage");
    cr_expect(!exact);
    cr_expect(schema_find(&schema_config, SCHEMA_BUTANE, 4, STR("STORAGE"), NULL) == NULL);
    cr_expect(schema_find(&schema_config, SCHEMA_BUTANE, 4, STR("boot_device"), NULL) == NULL);
    cr_expect(schema_find(&schema_config, SCHEMA_BUTANE_FCOS, 2, STR("boot_device"), NULL) != NULL);
    cr_expect(schema_find(&schema_config, SCHEMA_BUTANE_FCOS, 3, STR("grub"), NULL) == NULL);
    cr_expect(schema_find(&schema_config, SCHEMA_IGNITION, 2, STR("kernelArguments"), NULL) ==
              NULL);
}
