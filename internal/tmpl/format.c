#include "tmpl/format.h"

#include "base/utf8.h"
#include "tmpl/func.h"
#include "tmpl/mark.h"

void print_init(struct printer *p, struct buf *out, struct buf *scratch, uint32_t max_width,
                uint64_t visits)
{
    *p = (struct printer){.out = out,
                          .scratch = scratch,
                          .max_width = max_width,
                          .visits = visits,
                          .clean = MARK_EVERYWHERE};
}

static void add_char(struct buf *dst, uint32_t c)
{
    char utf8[4];
    buf_add(dst, utf8, utf8_encode(c, utf8));
}

static void with_verb(struct printer *p, const struct value *v, uint32_t verb, bool nested);

/* "%!d(string=x)"; the value is written with %v and the flags as they are. */
static void bad_verb(struct printer *p, const struct value *v, uint32_t verb)
{
    buf_add_lit(p->out, "%!");
    add_char(p->out, verb);
    buf_add_byte(p->out, '(');
    if (v->kind == VALUE_NIL) {
        buf_add_lit(p->out, "<nil>");
    } else {
        buf_add_str(p->out, str_c(func_type(v)));
        buf_add_byte(p->out, '=');
        with_verb(p, v, 'v', false);
    }
    buf_add_byte(p->out, ')');
}

/* A list or a map; the verb and its flags hold for every element. */
static void container(struct printer *p, const struct value *v, uint32_t verb)
{
    bool is_map = v->kind != VALUE_LIST, go = p->flags.sharp_v;
    if (p->depth == PRINT_DEPTH_MAX) {
        p->too_deep = true;
        return;
    }
    p->depth++;
    if (go)
        buf_add_str(p->out, str_c(func_type(v)));
    else if (is_map)
        buf_add_lit(p->out, "map");
    buf_add_byte(p->out, go ? '{' : '[');
    for (uint32_t i = 0; i < v->n && !p->out->failed; i++) {
        if (p->visited >= p->visits) {
            p->too_many = true;
            break;
        }
        if (i)
            buf_add_str(p->out, go ? STR(", ") : STR(" "));
        if (is_map) { /* the keys of a marked map are as foreign as the map: see func.h */
            struct value key = value_str(v->map[i].key);
            key.marked = v->marked;
            with_verb(p, &key, verb, true);
            buf_add_byte(p->out, ':');
        }
        with_verb(p, is_map ? &v->map[i].v : &v->list[i], verb, true);
    }
    buf_add_byte(p->out, go ? '}' : ']');
    p->depth--;
}

static void nil(struct printer *p, const struct value *v, uint32_t verb, bool nested)
{
    if (nested)
        buf_add_str(p->out, p->flags.sharp_v ? STR("interface {}(nil)") : STR("<nil>"));
    else if (verb == 'v' || verb == 'T')
        verb_pad(p, STR("<nil>"));
    else
        bad_verb(p, v, verb);
}

static bool by_kind(struct printer *p, const struct value *v, uint32_t verb)
{
    switch (v->kind) {
    case VALUE_BOOL: return verb_bool(p, v->b, verb);
    case VALUE_INT: return verb_integer(p, v->i, true, verb);
    case VALUE_BYTE: return verb_integer(p, v->i, false, verb);
    case VALUE_FLOAT: return verb_float(p, v->f, verb);
    case TMPL_COMPLEX: return verb_complex(p, v->list[0].f, v->list[1].f, verb);
    case VALUE_STRING: return verb_string(p, value_as_str(*v), verb);
    default: /* %p is an address in Go, %w is for errors; neither makes sense for elements */
        if (verb == 'p' || verb == 'w')
            return false;
        container(p, v, verb);
        return true;
    }
}

static void write_verb(struct printer *p, const struct value *v, uint32_t verb, bool nested)
{
    p->visited += v->kind == VALUE_FLOAT || v->kind == TMPL_COMPLEX ? PRINT_FLOAT_COST : 1;
    if (v->kind == VALUE_NIL)
        nil(p, v, verb, nested);
    else if (verb == 'T')
        verb_text(p, str_c(func_type(v)));
    else if (!by_kind(p, v, verb))
        bad_verb(p, v, verb);
}

/*
 * Where may the marked text stand that was written from `from` on? A string that was written as it
 * is takes what it has earned along; everything else is judged by its characters.
 */
static uint8_t contexts(const struct printer *p, const struct value *v, uint32_t verb, size_t from)
{
    bool whole = v->kind == VALUE_STRING && (verb == 's' || verb == 'v') && !p->flags.sharp &&
                 !p->flags.sharp_v && !p->flags.has_precision;
    return whole ? mark_contexts(v) : mark_judge(str_skip(buf_str(p->out), from));
}

static void with_verb(struct printer *p, const struct value *v, uint32_t verb, bool nested)
{
    bool before = p->marked;
    size_t from = p->out->n;
    p->marked = v->marked;
    write_verb(p, v, verb, nested);
    if (p->marked && !nested)
        p->clean &= contexts(p, v, verb, from);
    p->marked = p->marked || before;
}

void print_value(struct printer *p, const struct value *v)
{
    with_verb(p, v, 'v', false);
}

void print_values(struct printer *p, const struct value *args, uint32_t n)
{
    bool after_string = true;
    for (uint32_t i = 0; i < n; i++) {
        bool is_string = args[i].kind == VALUE_STRING;
        if (!is_string && !after_string)
            buf_add_byte(p->out, ' ');
        print_value(p, &args[i]);
        after_string = is_string;
    }
}

void print_line(struct printer *p, const struct value *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_add_byte(p->out, ' ');
        print_value(p, &args[i]);
    }
    buf_add_byte(p->out, '\n');
}

/* --- formats --------------------------------------------------------------------------------- */

#define GO_WIDTH_MAX 1000000 /* Go's own limit for widths and precisions */

/* Reading a format: where we are in it, and which argument is next. */
struct format {
    struct str text;
    size_t i;
    const struct value *args;
    uint32_t nargs;
    uint32_t arg;
    bool good_index;  /* every [n] of this verb was an argument's number */
    bool after_index; /* the last thing read was [n] */
    bool reordered;   /* there was an [n] somewhere */
};

static int at(const struct format *f)
{
    return f->i < f->text.n ? (unsigned char)f->text.p[f->i] : -1;
}

/*
 * Digits from *i up to end. False without digits, and for a number that is too large even for Go:
 * then everything up to end is skipped, as Go does.
 */
static bool read_number(struct str s, size_t *i, size_t end, int *ret)
{
    int n = 0;
    bool any = false;
    for (; *i < end && s.p[*i] >= '0' && s.p[*i] <= '9'; (*i)++) {
        if (n > GO_WIDTH_MAX) {
            *i = end;
            return false;
        }
        n = n * 10 + (s.p[*i] - '0');
        any = true;
    }
    if (any)
        *ret = n;
    return any;
}

/* "[3]": the argument that comes next. */
static void read_index(struct format *f)
{
    f->after_index = false;
    if (at(f) != '[')
        return;
    f->reordered = true;
    size_t close = str_find_byte(f->text, ']', f->i + 1);
    size_t i = f->i + 1;
    int n = 0;
    bool closed = close < f->text.n && f->text.n - f->i >= 3;
    bool ok = closed && read_number(f->text, &i, close, &n) && i == close;
    f->i = closed ? close + 1 : f->i + 1;
    f->after_index = ok;
    if (ok && n >= 1 && (uint32_t)n <= f->nargs)
        f->arg = (uint32_t)n - 1;
    else
        f->good_index = false;
}

/* The "*": the next argument as a width or precision, if it is an integer of a sensible size. */
static bool number_from_arg(struct format *f, int *ret)
{
    if (f->arg >= f->nargs)
        return false;
    const struct value *v = &f->args[f->arg++];
    if (v->kind != VALUE_INT && v->kind != VALUE_BYTE)
        return false;
    if (v->i > GO_WIDTH_MAX || v->i < -GO_WIDTH_MAX)
        return false;
    *ret = (int)v->i;
    return true;
}

static void read_flags(struct printer *p, struct format *f)
{
    struct verb_flags *v = &p->flags;
    *v = (struct verb_flags){.sharp = false};
    for (;; f->i++) {
        switch (at(f)) {
        case '#': v->sharp = true; break;
        case '0': v->zero = !v->minus; break;
        case '+': v->plus = true; break;
        case '-':
            v->minus = true;
            v->zero = false;
            break;
        case ' ': v->space = true; break;
        default: return;
        }
    }
}

/* Our own limit, which is lower than Go's. */
static void limit(struct printer *p, int *n, bool *has, const char *complaint)
{
    if (*has && (uint32_t)*n > p->max_width) {
        buf_add_str(p->out, str_c(complaint));
        *has = false;
        *n = 0;
    }
}

static void read_width(struct printer *p, struct format *f)
{
    struct verb_flags *v = &p->flags;
    if (at(f) == '*') {
        f->i++;
        v->has_width = number_from_arg(f, &v->width);
        if (!v->has_width)
            buf_add_lit(p->out, "%!(BADWIDTH)");
        if (v->width < 0) {
            v->width = -v->width;
            v->minus = true;
            v->zero = false;
        }
        f->after_index = false;
    } else {
        v->has_width = read_number(f->text, &f->i, f->text.n, &v->width);
        if (f->after_index && v->has_width)
            f->good_index = false;
    }
    limit(p, &v->width, &v->has_width, "%!(BADWIDTH)");
}

static void read_precision(struct printer *p, struct format *f)
{
    struct verb_flags *v = &p->flags;
    if (f->i + 1 >= f->text.n || at(f) != '.')
        return;
    f->i++;
    if (f->after_index)
        f->good_index = false;
    read_index(f);
    if (at(f) == '*') {
        f->i++;
        v->has_precision = number_from_arg(f, &v->precision);
        if (v->precision < 0) {
            v->precision = 0;
            v->has_precision = false;
        }
        if (!v->has_precision)
            buf_add_lit(p->out, "%!(BADPREC)");
        f->after_index = false;
    } else {
        if (!read_number(f->text, &f->i, f->text.n, &v->precision))
            v->precision = 0;
        v->has_precision = true;
    }
    limit(p, &v->precision, &v->has_precision, "%!(BADPREC)");
}

static void complain(struct printer *p, uint32_t verb, const char *what)
{
    buf_add_lit(p->out, "%!");
    add_char(p->out, verb);
    buf_add_str(p->out, str_c(what));
}

/* One verb; the percent sign is past. False at the end of the format. */
static bool one_verb(struct printer *p, struct format *f)
{
    f->good_index = true;
    read_flags(p, f);
    read_index(f);
    read_width(p, f);
    read_precision(p, f);
    if (!f->after_index)
        read_index(f);
    if (f->i >= f->text.n) {
        buf_add_lit(p->out, "%!(NOVERB)");
        return false;
    }
    size_t len;
    uint32_t verb = utf8_decode(str_skip(f->text, f->i), &len);
    f->i += len;
    if (verb == '%') {
        buf_add_byte(p->out, '%');
    } else if (!f->good_index) {
        complain(p, verb, "(BADINDEX)");
    } else if (f->arg >= f->nargs) {
        complain(p, verb, "(MISSING)");
    } else {
        if (verb == 'v') {
            p->flags.sharp_v = p->flags.sharp;
            p->flags.sharp = false;
            p->flags.plus = false; /* %+v names the fields of structs, which we have none of */
        }
        with_verb(p, &f->args[f->arg++], verb, false);
    }
    return true;
}

static void extra_arguments(struct printer *p, const struct format *f)
{
    p->flags = (struct verb_flags){.sharp = false};
    buf_add_lit(p->out, "%!(EXTRA ");
    for (uint32_t i = f->arg; i < f->nargs; i++) {
        if (i > f->arg)
            buf_add_lit(p->out, ", ");
        if (f->args[i].kind != VALUE_NIL) {
            buf_add_str(p->out, str_c(func_type(&f->args[i])));
            buf_add_byte(p->out, '=');
        }
        with_verb(p, &f->args[i], 'v', false);
    }
    buf_add_byte(p->out, ')');
}

void print_format(struct printer *p, struct str format, const struct value *args, uint32_t n)
{
    struct format f = {.text = format, .args = args, .nargs = n};
    while (f.i < format.n && !p->out->failed) {
        size_t percent = str_find_byte(format, '%', f.i);
        buf_add_str(p->out, str_sub(format, f.i, percent));
        f.i = percent + 1;
        if (percent >= format.n || !one_verb(p, &f))
            break;
    }
    if (!f.reordered && f.arg < n)
        extra_arguments(p, &f);
}
