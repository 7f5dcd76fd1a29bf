/*
 * What cloud-init takes, and what it would ignore without a word. Kinds of user-data and how they
 * are told apart: https://docs.cloud-init.io/en/latest/explanation/format.html.
 */
#include "render/parts.h"
#include "value/yaml.h"

#define MIME_HEAD 4096

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Does s begin with prefix, which is in lower case, whatever its own case is? */
static bool begins(struct str s, struct str prefix)
{
    for (size_t i = 0; i < prefix.n; i++)
        if (i >= s.n || lower(s.p[i]) != prefix.p[i])
            return false;
    return true;
}

static struct str strip_left(struct str s)
{
    while (s.n && strchr(" \t\r\n\v\f", s.p[0]))
        s = str_skip(s, 1);
    return s;
}

static struct str first_line(struct str s)
{
    struct str rest;
    struct str line = str_cut(s, '\n', &rest);
    while (line.n && strchr(" \t\r\v\f", line.p[line.n - 1]))
        line.n--;
    return line;
}

static err_code wrong(struct err *e, struct str name, int line, const char *why)
{
    err_at(e, ERR_INVALID, line, 1, "the rendered text %s", why);
    err_in_file(e, name.p);
    return ERR_INVALID;
}

static err_code check_yaml(struct str name, struct str text, struct err *e)
{
    err_code c = value_check_yaml(text, e);
    if (c) {
        err_prefix(e, "the rendered text");
        err_in_file(e, name.p);
    }
    return c;
}

err_code cloud_check_config(struct str name, struct str text, struct err *e)
{
    if (str_starts(text, STR("#!")))
        return ERR_OK;
    if (!str_is(first_line(text), "#cloud-config"))
        return wrong(e, name, 1,
                     "must begin with a line #cloud-config or #!, else cloud-init ignores it");
    return check_yaml(name, text, e);
}

/* --- user-data ---------------------------------------------------------------------------------
 */

static bool is_mime(struct str text)
{
    struct str head = str_sub(text, 0, MIME_HEAD);
    for (size_t i = 0; i < head.n; i++)
        if (begins(str_skip(head, i), STR("mime-version:")))
            return true;
    return false;
}

static bool has_boundary(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (begins(str_skip(text, i), STR("boundary=")))
            return true;
    return false;
}

/* Each line of an include is a URL or a comment. */
static err_code check_include(struct str name, struct str text, struct err *e)
{
    struct str rest = text;
    for (int line = 1; rest.p; line++) {
        struct str l = strip_left(first_line(str_cut(rest, '\n', &rest)));
        if (l.n == 0 || l.p[0] == '#')
            continue;
        if (str_find(l, STR("://"), 0) == l.n)
            return wrong(e, name, line, "has a line that is no URL in an #include");
    }
    return ERR_OK;
}

enum shape { SHAPE_ANY, SHAPE_YAML, SHAPE_INCLUDE };

/* The longer ones first, since one may begin another. */
static const struct {
    struct str prefix;
    enum shape shape;
} kinds[] = {
    {STR_INIT("#cloud-config-archive"), SHAPE_YAML}, {STR_INIT("#cloud-config-jsonp"), SHAPE_ANY},
    {STR_INIT("#cloud-config"), SHAPE_YAML},         {STR_INIT("#cloud-boothook"), SHAPE_ANY},
    {STR_INIT("#part-handler"), SHAPE_ANY},          {STR_INIT("#include-once"), SHAPE_INCLUDE},
    {STR_INIT("#include"), SHAPE_INCLUDE},           {STR_INIT("#!"), SHAPE_ANY},
    {STR_INIT("## template: jinja"), SHAPE_ANY},
};

err_code cloud_check_user_data(struct str name, struct str text, struct err *e)
{
    if (strip_left(text).n == 0)
        return wrong(e, name, 1, "is empty: the machine would be configured with nothing");
    if (str_starts(text, STR("\x1F\x8B")))
        return ERR_OK;
    if (is_mime(text))
        return has_boundary(text) ? ERR_OK
                                  : wrong(e, name, 1, "is MIME without a boundary in its headers");
    struct str start = strip_left(text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!begins(start, kinds[i].prefix))
            continue;
        return kinds[i].shape == SHAPE_YAML      ? check_yaml(name, text, e)
               : kinds[i].shape == SHAPE_INCLUDE ? check_include(name, text, e)
                                                 : ERR_OK;
    }
    return wrong(e, name, 1,
                 "begins with nothing that cloud-init knows (#cloud-config, #!, #include, ...), so "
                 "it would be ignored");
}

err_code cloud_check_meta_data(struct str name, struct str text, struct arena *a, struct err *e)
{
    struct value v;
    err_code c = value_from_yaml(a, text, &v, e);
    if (c) {
        err_prefix(e, "the rendered text");
        err_in_file(e, name.p);
        return c;
    }
    if (!value_is_map(v) || !value_get(&v, STR("instance-id")))
        return wrong(e, name, 1, "needs an instance-id, by which cloud-init knows a first boot");
    return ERR_OK;
}

err_code cloud_check_yaml(struct str name, struct str text, struct err *e)
{
    return check_yaml(name, text, e);
}

/* --- meta-data of the group --------------------------------------------------------------------
 */

/* The first of keys that metadata has as a string that is not empty. */
static struct str from_metadata(const struct value *group, const struct str *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct value *v = value_get(group, keys[i]);
        if (v && v->kind == VALUE_STRING && v->n)
            return value_as_str(*v);
    }
    return (struct str){NULL, 0};
}

static struct str from_labels(const struct labels *labels, const struct str *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct str *v = model_label_get(labels, keys[i]);
        if (v && v->n)
            return *v;
    }
    return (struct str){NULL, 0};
}

/* Letters, digits, '-' and '.', at most 253 bytes (RFC 1123, 2.1). */
static bool can_be_host(struct str s)
{
    if (s.n == 0 || s.n > 253 || s.p[0] == '-' || s.p[0] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return true;
}

err_code render_meta_data(const struct value *group, struct str group_id,
                          const struct labels *labels, struct buf *out, struct err *e)
{
    static const struct str id_keys[] = {STR_INIT("instance-id"), STR_INIT("instance_id")};
    static const struct str host_keys[] = {STR_INIT("local-hostname"), STR_INIT("local_hostname"),
                                           STR_INIT("hostname")};
    static const struct str id_labels[] = {STR_INIT("uuid"), STR_INIT("mac"), STR_INIT("serial")};
    static const struct str host_labels[] = {STR_INIT("hostname")};
    struct str id = from_metadata(group, id_keys, 2);
    if (!id.p)
        id = from_labels(labels, id_labels, 3);
    if (!id.p)
        id = group_id;
    struct str host = from_metadata(group, host_keys, 3);
    if (!can_be_host(host))
        host = from_labels(labels, host_labels, 1);
    buf_add_lit(out, "instance-id: ");
    value_json_string(out, id, 0);
    buf_add_byte(out, '\n');
    if (can_be_host(host)) {
        buf_add_lit(out, "local-hostname: ");
        value_json_string(out, host, 0);
        buf_add_byte(out, '\n');
    }
    return out->failed ? err_set(e, ERR_LIMIT, "the meta-data is too large") : ERR_OK;
}
