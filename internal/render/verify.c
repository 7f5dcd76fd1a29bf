/*
 * What iPXE needs to check a kernel and its initrds: the name of each image, and where the
 * signature over it is (https://ipxe.org/cmd/imgverify). iPXE checks of itself only what it runs,
 * so a script has to check each initrd.
 */
#include "render/render.h"

#define TEXT_MAX (1u << 16)

/* "--name main --timeout 5000 http://a/b?c" in parts. */
struct entry {
    struct str options; /* "--name main --timeout 5000", perhaps empty */
    struct str name;    /* empty when no option says it */
    struct str uri;
};

static struct str next_word(struct str *rest)
{
    while (rest->n && rest->p[0] == ' ')
        *rest = str_skip(*rest, 1);
    struct str word = str_sub(*rest, 0, str_find_byte(*rest, ' ', 0));
    *rest = str_skip(*rest, word.n);
    return word;
}

static struct entry read_entry(struct str s)
{
    struct entry x = {.name = STR("")};
    struct str rest = s, before = s;
    struct str word = next_word(&rest);
    while (str_starts(word, STR("-"))) {
        bool name = str_is(word, "--name") || str_is(word, "-n");
        if (name || str_is(word, "--timeout") || str_is(word, "-t")) {
            struct str value = next_word(&rest);
            x.name = name ? value : x.name;
        } else if (str_starts(word, STR("--name="))) {
            x.name = str_skip(word, sizeof "--name=" - 1);
        }
        before = rest;
        word = next_word(&rest);
    }
    x.options = str_sub(s, 0, s.n - before.n);
    x.uri = word;
    return x;
}

/* Where a URI's path ends: before the query or the fragment. */
static size_t path_end(struct str uri)
{
    size_t query = str_find_byte(uri, '?', 0), fragment = str_find_byte(uri, '#', 0);
    return query < fragment ? query : fragment;
}

/* The name that iPXE would give the image by itself: the last part of the path. */
static struct str last_part(struct str uri)
{
    size_t end = path_end(uri), from = end;
    while (from > 0 && uri.p[from - 1] != '/')
        from--;
    return str_sub(uri, from, end);
}

static struct value text(struct buf *b, bool *ok)
{
    *ok = *ok && !b->failed;
    return value_str(b->n && !b->failed ? buf_str(b) : STR(""));
}

static struct value entry_value(struct arena *a, struct str s, const char *otherwise, bool *ok)
{
    struct entry x = read_entry(s);
    bool named = x.name.n > 0;
    if (!named)
        x.name = last_part(x.uri);
    if (!x.name.n)
        x.name = str_c(otherwise);
    struct buf command, signature;
    buf_in_arena(&command, a, TEXT_MAX);
    buf_in_arena(&signature, a, TEXT_MAX);
    buf_add_str(&command, x.options);
    if (x.options.n)
        buf_add_byte(&command, ' ');
    if (!named)
        buf_addf(&command, "--name %.*s ", STR_FMT(x.name));
    buf_add_str(&command, x.uri);
    size_t end = path_end(x.uri);
    buf_add_str(&signature, str_sub(x.uri, 0, end));
    buf_add_lit(&signature, ".cms");
    buf_add_str(&signature, str_skip(x.uri, end));
    struct value_pair *p = arena_calloc(a, 4, sizeof *p);
    if (!p) {
        *ok = false;
        return value_nil();
    }
    p[0] = (struct value_pair){STR("command"), text(&command, ok)};
    p[1] = (struct value_pair){STR("name"), value_str(x.name)};
    p[2] = (struct value_pair){STR("signature"), text(&signature, ok)};
    p[3] = (struct value_pair){STR("uri"), value_str(x.uri)};
    return value_map(VALUE_MAP, p, 4);
}

err_code render_verify_data(struct arena *a, const struct model_boot *b, struct value *ret,
                            struct err *e)
{
    bool ok = true;
    struct value_pair *p = arena_calloc(a, 2, sizeof *p);
    struct value *list = b->initrd_n ? arena_calloc(a, b->initrd_n, sizeof *list) : NULL;
    ok = p && (list || !b->initrd_n);
    for (uint32_t i = 0; ok && i < b->initrd_n; i++)
        list[i] = entry_value(a, b->initrd[i], "initrd", &ok);
    struct value kernel = ok ? entry_value(a, b->kernel, "kernel", &ok) : value_nil();
    if (!ok)
        return err_set(e, ERR_NOMEM, "out of memory while making boot settings");
    p[0] = (struct value_pair){STR("initrd"), {.kind = VALUE_LIST, .n = b->initrd_n, .list = list}};
    p[1] = (struct value_pair){STR("kernel"), kernel};
    *ret = value_map(VALUE_MAP, p, 2);
    return ERR_OK;
}
