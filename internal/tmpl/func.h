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

/* Takes steps from what is left; for functions whose work grows with their arguments. */
void func_charge(struct call *c, uint64_t steps);
/*
 * Is any argument marked (value.h)? A map's mark holds for its keys too, since they have none of
 * their own: ranging over a marked map gives marked keys.
 */
bool func_marked(const struct call *c);
/* Makes what is in c->text the result. */
err_code func_text(struct call *c, bool marked, struct value *ret);

/* false, 0, "", nil and empty lists and maps are false. */
bool func_truth(const struct value *v);
/* Go's name of a value's type, for messages and %T. */
const char *func_type(const struct value *v);

/* eq, ne, lt, le, gt and ge: compare.c. */
func_run func_eq, func_ne, func_lt, func_le, func_gt, func_ge;

#endif
