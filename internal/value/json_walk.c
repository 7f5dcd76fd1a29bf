#include "value/json_walk.h"

#include "base/utf8.h"
#include "value/value.h"

static size_t skip_space(struct str s, size_t i)
{
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t' || s.p[i] == '\r'))
        i++;
    return i;
}

/* After the string that begins at i; s.n + 1 if it does not end. */
static size_t skip_string(struct str s, size_t i)
{
    for (i++; i < s.n && s.p[i] != '"'; i++)
        i += s.p[i] == '\\';
    return i + 1;
}

/* After the value that begins at i, as brackets and quotes have it; more than s.n: it has no end.
 */
static size_t skip_value(struct str s, size_t i)
{
    size_t depth = 0;
    while (i < s.n) {
        char c = s.p[i];
        if (depth == 0 && strchr(",:]} \n\t\r", c))
            return i;
        if (c == '"') {
            i = skip_string(s, i);
            if (depth == 0)
                return i;
            continue;
        }
        depth += c == '{' || c == '[';
        i++;
        if ((c == '}' || c == ']') && --depth == 0)
            return i;
    }
    return depth ? s.n + 1 : i;
}

static err_code wrong(struct err *e, const char *what)
{
    return err_set(e, ERR_INVALID, "not JSON: %s", what);
}

err_code json_walk_begin(struct json_walk *w, struct str text, struct err *e)
{
    size_t i = skip_space(text, 0);
    *w = (struct json_walk){.text = text, .at = i};
    if (i == text.n || (text.p[i] != '{' && text.p[i] != '['))
        return wrong(e, "an object or a list is expected here");
    w->array = text.p[i] == '[';
    w->at = i + 1;
    return ERR_OK;
}

/* A value at w->at, after which it is. */
static err_code take_value(struct json_walk *w, struct str *ret, struct err *e)
{
    size_t from = w->at, to = skip_value(w->text, from);
    if (to > w->text.n)
        return wrong(e, "what begins here does not end");
    if (to == from)
        return wrong(e, "a value is missing here");
    *ret = str_sub(w->text, from, to);
    w->at = skip_space(w->text, to);
    return ERR_OK;
}

static err_code take_key(struct json_walk *w, struct str *ret, struct err *e)
{
    if (w->at == w->text.n || w->text.p[w->at] != '"')
        return wrong(e, "a key in quotes is expected here");
    err_code c = take_value(w, ret, e);
    if (c)
        return c;
    if (w->at == w->text.n || w->text.p[w->at] != ':')
        return wrong(e, "a ':' is expected here");
    w->at = skip_space(w->text, w->at + 1);
    return ERR_OK;
}

err_code json_walk_next(struct json_walk *w, struct json_member *ret, bool *ret_more, struct err *e)
{
    struct json_member m = {{NULL, 0}, {NULL, 0}};
    char end = w->array ? ']' : '}';
    w->at = skip_space(w->text, w->at);
    char c = w->at < w->text.n ? w->text.p[w->at] : '\0';
    if (c == end) {
        w->at = skip_space(w->text, w->at + 1);
        *ret_more = false;
        return w->at == w->text.n ? ERR_OK : wrong(e, "something follows its end");
    }
    if (w->begun && c != ',')
        return wrong(e, w->array ? "a ',' or a ']' is expected here"
                                 : "a ',' or a '}' is expected here");
    if (w->begun)
        w->at = skip_space(w->text, w->at + 1);
    w->begun = true;
    err_code code = w->array ? ERR_OK : take_key(w, &m.key, e);
    if (!code)
        code = take_value(w, &m.value, e);
    if (code)
        return code;
    *ret = m;
    *ret_more = true;
    return ERR_OK;
}

static bool is_plain(struct str inside)
{
    for (size_t i = 0; i < inside.n; i++)
        if (inside.p[i] == '\\' || inside.p[i] == '"' || (unsigned char)inside.p[i] < 0x20)
            return false;
    return utf8_valid(inside);
}

err_code json_walk_string(struct arena *a, struct str raw, struct str *ret, struct err *e)
{
    if (raw.n < 2 || raw.p[0] != '"')
        return err_set(e, ERR_INVALID, "must be a string");
    struct str inside = str_sub(raw, 1, raw.n - 1);
    if (raw.p[raw.n - 1] == '"' && is_plain(inside)) {
        *ret = inside;
        return ERR_OK;
    }
    struct value v;
    err_code c = value_from_json(a, raw, &v, e);
    if (c)
        return c;
    if (v.kind != VALUE_STRING)
        return err_set(e, ERR_INVALID, "must be a string");
    *ret = value_as_str(v);
    return ERR_OK;
}
