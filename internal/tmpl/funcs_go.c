/* The functions that every Go template has, but for comparing (compare.c) and `and` and `or`. */
#include "base/utf8.h"
#include "tmpl/chars.h"
#include "tmpl/format.h"
#include "tmpl/func.h"

/* --- logic ----------------------------------------------------------------------------------- */

err_code func_not(struct call *c, struct value *ret)
{
    *ret = value_bool(!func_truth(&c->args[0]));
    return ERR_OK;
}

/* Templates have no function values, so there is nothing that could be called. */
err_code func_call(struct call *c, struct value *ret)
{
    (void)ret;
    return err_set(c->e, ERR_RENDER, "non-function of type %s", func_type(&c->args[0]));
}

/* --- lists, maps and strings ----------------------------------------------------------------- */

err_code func_len(struct call *c, struct value *ret)
{
    const struct value *v = &c->args[0];
    if (v->kind != VALUE_STRING && v->kind != VALUE_LIST && !value_is_map(*v))
        return err_set(c->e, ERR_RENDER, "len of type %s", func_type(v));
    *ret = value_int(v->n);
    ret->marked = v->marked; /* printf "%c" makes a character of a number */
    return ERR_OK;
}

/* A place in a list or string, at most limit. */
static err_code index_arg(struct call *c, const struct value *v, uint32_t limit, uint32_t *ret)
{
    if (v->kind == VALUE_FLOAT)
        return err_set(c->e, ERR_RENDER,
                       "cannot index slice/array with type float64, as numbers in the data are");
    if (v->kind != VALUE_INT && v->kind != VALUE_BYTE)
        return err_set(c->e, ERR_RENDER, "cannot index slice/array with type %s", func_type(v));
    if (v->i < 0 || v->i > limit)
        return err_set(c->e, ERR_RENDER, "index out of range: there are %u", limit);
    *ret = (uint32_t)v->i;
    return ERR_OK;
}

/*
 * One step of index: item[key]. The result is the item's, whoever chose the key: a marked key finds
 * what an operator wrote.
 */
static err_code index_one(struct call *c, struct value *item, const struct value *key)
{
    uint32_t i = 0;
    if (item->kind == VALUE_LIST || item->kind == VALUE_STRING) {
        err_code code = index_arg(c, key, item->n, &i);
        if (code)
            return code;
        if (i == item->n)
            return err_set(c->e, ERR_RENDER, "index out of range: there are %u", item->n);
        if (item->kind == VALUE_LIST)
            *item = item->list[i];
        else
            *item = (struct value){
                .kind = VALUE_BYTE, .marked = item->marked, .i = (unsigned char)item->s[i]};
        return ERR_OK;
    }
    if (item->kind == VALUE_NIL)
        return err_set(c->e, ERR_RENDER, "index of nil pointer");
    if (!value_is_map(*item))
        return err_set(c->e, ERR_RENDER, "can't index item of type %s", func_type(item));
    if (key->kind != VALUE_STRING)
        return err_set(c->e, ERR_RENDER, "value has type %s; should be string", func_type(key));
    func_charge_bytes(c, key->n);
    const struct value *found = value_get(item, value_as_str(*key));
    if (found)
        *item = *found;
    else
        *item = item->kind == VALUE_STRMAP ? value_str(STR("")) : value_nil();
    return ERR_OK;
}

err_code func_index(struct call *c, struct value *ret)
{
    struct value item = c->args[0];
    if (item.kind == VALUE_NIL)
        return err_set(c->e, ERR_RENDER, "index of untyped nil");
    for (uint32_t i = 1; i < c->n; i++) {
        err_code code = index_one(c, &item, &c->args[i]);
        if (code)
            return code;
    }
    *ret = item;
    return ERR_OK;
}

/*
 * The capacity of a list that Go's encoding/json has read. A slice expression may go up to it, past
 * the length: Go then shows elements that were never there, as nil. append doubles up to 256
 * elements; longer lists are taken as full.
 */
static uint32_t go_capacity(uint32_t n)
{
    uint32_t capacity = 1;
    if (n == 0 || n > 256)
        return n;
    while (capacity < n)
        capacity *= 2;
    return capacity;
}

static err_code slice_list(struct call *c, const struct value *list, uint32_t from, uint32_t to,
                           struct value *ret)
{
    *ret = *list;
    ret->n = to - from;
    if (ret->n == 0)
        return ERR_OK;
    ret->list = list->list + from;
    if (to <= list->n)
        return ERR_OK;
    struct value *items = arena_calloc(c->arena, ret->n, sizeof *items);
    if (!items)
        return func_nomem(c);
    for (uint32_t i = from; i < list->n; i++)
        items[i - from] = list->list[i];
    ret->list = items;
    return ERR_OK;
}

err_code func_slice(struct call *c, struct value *ret)
{
    const struct value *item = &c->args[0];
    bool is_list = item->kind == VALUE_LIST;
    if (!is_list && item->kind != VALUE_STRING)
        return err_set(c->e, ERR_RENDER, "can't slice item of type %s", func_type(item));
    if (!is_list && c->n == 4)
        return err_set(c->e, ERR_RENDER, "cannot 3-index slice a string");
    uint32_t capacity = is_list ? go_capacity(item->n) : item->n;
    uint32_t at[3] = {0, item->n, capacity};
    for (uint32_t i = 1; i < c->n; i++) {
        err_code code = index_arg(c, &c->args[i], capacity, &at[i - 1]);
        if (code)
            return code;
    }
    if (at[0] > at[1] || at[1] > at[2])
        return err_set(c->e, ERR_RENDER, "invalid slice index: %u > %u",
                       at[0] > at[1] ? at[0] : at[1], at[0] > at[1] ? at[1] : at[2]);
    bool marked = func_marked(c);
    if (is_list) {
        err_code code = slice_list(c, item, at[0], at[1], ret);
        if (code)
            return code;
    } else {
        *ret = value_str(str_of(at[1] > at[0] ? item->s + at[0] : "", at[1] - at[0]));
    }
    ret->marked = marked;
    return ERR_OK;
}

/* --- printing -------------------------------------------------------------------------------- */

static void printer_for(struct call *c, struct printer *p)
{
    print_init(p, c->text, c->scratch, c->width, *c->steps);
}

static err_code printed(struct call *c, const struct printer *p, struct value *ret)
{
    err_code code = func_printed(c, p);
    if (!code)
        code = func_text(c, p->marked || func_marked(c), ret);
    if (!code)
        ret->clean = p->clean;
    return code;
}

err_code func_print(struct call *c, struct value *ret)
{
    struct printer p;
    printer_for(c, &p);
    print_values(&p, c->args, c->n);
    return printed(c, &p, ret);
}

err_code func_println(struct call *c, struct value *ret)
{
    struct printer p;
    printer_for(c, &p);
    print_line(&p, c->args, c->n);
    return printed(c, &p, ret);
}

err_code func_printf(struct call *c, struct value *ret)
{
    struct printer p;
    if (c->args[0].kind != VALUE_STRING)
        return err_set(c->e, ERR_RENDER, "the format must be a string, not %s",
                       func_type(&c->args[0]));
    printer_for(c, &p);
    print_format(&p, value_as_str(c->args[0]), c->args + 1, c->n - 1);
    if (c->args[0].marked)
        p.clean = 0;
    return printed(c, &p, ret);
}

/* --- escaping -------------------------------------------------------------------------------- */

/* The arguments as print writes them, but nil as it is printed in an action: <no value>. */
static err_code arguments_as_text(struct call *c, struct value *ret)
{
    if (c->n == 1 && c->args[0].kind == VALUE_STRING) {
        *ret = c->args[0];
        return ERR_OK;
    }
    struct value *args = NULL;
    if (c->n && !(args = arena_calloc(c->arena, c->n, sizeof *args)))
        return func_nomem(c);
    for (uint32_t i = 0; i < c->n; i++)
        args[i] = c->args[i].kind == VALUE_NIL ? value_str(STR("<no value>")) : c->args[i];
    struct printer p;
    printer_for(c, &p);
    print_values(&p, args, c->n);
    err_code code = printed(c, &p, ret);
    buf_clear(c->text);
    return code;
}

static void escape_html(struct buf *dst, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '\0': buf_add_lit(dst, "\xEF\xBF\xBD"); break;
        case '"': buf_add_lit(dst, "&#34;"); break;
        case '\'': buf_add_lit(dst, "&#39;"); break;
        case '&': buf_add_lit(dst, "&amp;"); break;
        case '<': buf_add_lit(dst, "&lt;"); break;
        case '>': buf_add_lit(dst, "&gt;"); break;
        default: buf_add_byte(dst, s.p[i]);
        }
    }
}

static void escape_js(struct buf *dst, struct str s)
{
    while (s.n) {
        size_t len;
        uint32_t c = utf8_decode(s, &len);
        if (c == '\\' || c == '\'' || c == '"') {
            buf_add_byte(dst, '\\');
            buf_add_byte(dst, (char)c);
        } else if (c < ' ' || c == '<' || c == '>' || c == '&' || c == '=' ||
                   (c >= 0x80 && !chars_is_print(c))) {
            buf_addf(dst, "\\u%04X", (unsigned)c);
        } else {
            buf_add(dst, s.p, len);
        }
        s = str_skip(s, len);
    }
}

static void escape_url(struct buf *dst, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == ' ') {
            buf_add_byte(dst, '+');
        } else if (c < 0x80 && (chars_is_name(c) || c == '-' || c == '.' || c == '~')) {
            buf_add_byte(dst, (char)c);
        } else {
            buf_add_byte(dst, '%');
            buf_add_byte(dst, digits[c >> 4]);
            buf_add_byte(dst, digits[c & 15]);
        }
    }
}

static err_code escaped(struct call *c, void (*escape)(struct buf *, struct str), struct value *ret)
{
    struct value text = value_nil();
    err_code code = arguments_as_text(c, &text);
    if (code)
        return code;
    escape(c->text, value_as_str(text));
    return func_text(c, text.marked || func_marked(c), ret);
}

err_code func_html(struct call *c, struct value *ret)
{
    return escaped(c, escape_html, ret);
}

err_code func_js(struct call *c, struct value *ret)
{
    return escaped(c, escape_js, ret);
}

err_code func_urlquery(struct call *c, struct value *ret)
{
    return escaped(c, escape_url, ret);
}
