/*
 * func.h - the functions that templates call: how they are declared and what they are given.
 *
 * A function is one row of the table in funcs.c. The executor evaluates the arguments (a piped
 * value is the last one), checks their number against min and max, and calls run. A function that
 * fails says why in e with err_set; the executor adds the template, the place and the name.
 */
#ifndef TMPL_FUNC_H
#define TMPL_FUNC_H

#include "tmpl/tmpl.h"

/*
 * A complex number has no kind in value.h because data never has one: only a literal such as 2i
 * makes it, and it never leaves a template. Its list is two floats, the real and the imaginary
 * part, and n is 2.
 */
#define TMPL_COMPLEX 100

struct call {
    const struct func *func;
    const struct value *args;
    uint32_t n;
    bool literal;        /* the first argument stands in the template as a literal */
    struct arena *arena; /* for results */
    struct buf *text;    /* empty; for a result that is text: see func_text */
    struct buf *scratch; /* for the formatter */
    uint64_t *steps;     /* what is left: see func_charge */
    uint32_t width;      /* the largest width and precision of printf */
    struct err *e;
};

typedef err_code func_run(struct call *c, struct value *ret);

#define FUNC_ANY_NUMBER 255

/* `and` and `or` evaluate their arguments only until the result is known. */
enum func_kind { FUNC_PLAIN, FUNC_AND, FUNC_OR };

struct func {
    const char *name;
    uint8_t min, max; /* number of arguments; max FUNC_ANY_NUMBER is no limit */
    func_run *run;    /* NULL for FUNC_AND and FUNC_OR, which the executor does itself */
    const char *doc;  /* one line: the arguments, then what it gives */
    enum func_kind kind;
};

/* The function of that name, or NULL. For the parser: execution follows pointers. */
const struct func *func_find(struct str name);
/* All of them, ended by a NULL name, in the order of the documentation. */
extern const struct func func_table[];

/* --- arguments: func_args.c ------------------------------------------------------------------ */

/*
 * The argument at i (from 0), if it is of that kind; else an error that names the kind it has. An
 * integer may be a float without a fraction, since all numbers of the data are floats.
 */
err_code func_arg_str(struct call *c, uint32_t i, struct str *ret);
err_code func_arg_int(struct call *c, uint32_t i, int64_t *ret);
err_code func_arg_bool(struct call *c, uint32_t i, bool *ret);
err_code func_arg_list(struct call *c, uint32_t i, const struct value **ret);
err_code func_arg_map(struct call *c, uint32_t i, const struct value **ret);
/* What a printer has cost; an error if it had to stop. */
struct printer;
err_code func_printed(struct call *c, const struct printer *p);
/* A value as text, as print shows it; what is in c->text stays. The mark is kept. */
err_code func_to_text(struct call *c, const struct value *v, struct value *ret);
/* The argument as text; it may be of any kind. */
err_code func_arg_text(struct call *c, uint32_t i, struct value *ret);
/*
 * Visits all of a value, for functions that recurse into it: an error if it is nested deeper than
 * FUNC_DEPTH_MAX, has more parts than there are steps left, or holds a number that no JSON or YAML
 * can show. *marked is set if anything in it is marked.
 */
err_code func_check_tree(struct call *c, const struct value *v, bool *marked);
#define FUNC_DEPTH_MAX 512

/* --- results --------------------------------------------------------------------------------- */

/* Takes steps from what is left; for functions whose work grows with their arguments. */
void func_charge(struct call *c, uint64_t steps);
/* The same for a look at, or a copy of, that many bytes of text. */
void func_charge_bytes(struct call *c, size_t bytes);
/* ERR_LIMIT if there are not that many steps left, else takes them. */
err_code func_charge_all(struct call *c, uint64_t steps);
err_code func_nomem(struct call *c);
/*
 * Is any argument marked (value.h)? A map's mark holds for its keys too, since they have none of
 * their own: ranging over a marked map gives marked keys.
 */
bool func_marked(const struct call *c);
/* Makes what is in c->text the result. */
err_code func_text(struct call *c, bool marked, struct value *ret);
/* A list of the items, which must be in the arena; NULL with n == 0. */
struct value func_list(const struct value *items, uint32_t n);

/* false, 0, "", nil and empty lists and maps are false. */
bool func_truth(const struct value *v);
/* Go's name of a value's type, for messages and %T. */
const char *func_type(const struct value *v);

/* --- their code ------------------------------------------------------------------------------ */

func_run func_eq, func_ne, func_lt, func_le, func_gt, func_ge; /* compare.c */
/* funcs_go.c */
func_run func_not, func_call, func_len, func_index, func_slice, func_print, func_println;
func_run func_printf, func_html, func_js, func_urlquery;
/* funcs_choose.c */
func_run func_default, func_required, func_fail, func_ternary, func_coalesce, func_empty;
/* funcs_string.c */
func_run func_quote, func_squote, func_indent, func_nindent, func_trim, func_trim_all;
func_run func_trim_prefix, func_trim_suffix, func_upper, func_lower, func_title, func_replace;
func_run func_contains, func_has_prefix, func_has_suffix, func_to_string;
/* funcs_list.c */
func_run func_get, func_has_key, func_dig, func_make_list, func_dict, func_first, func_has;
func_run func_concat, func_join, func_split, func_split_list, func_until;
/* funcs_encode.c */
func_run func_to_json, func_from_json, func_to_yaml, func_b64enc, func_b64dec, func_sha256sum;
/* funcs_math.c */
func_run func_int, func_float64, func_add, func_sub, func_mul, func_div, func_mod, func_max;
func_run func_min;
/* funcs_net.c */
func_run func_cidrhost, func_cidrnetmask, func_cidrsubnet;
/* funcs_boot.c */
func_run func_ipxe, func_grubquote, func_shquote, func_karg;

#endif
