#include "tmpl/format.h"
#include "tmpl/tmpl.h"

#define SCRATCH_MAX (1u << 20)
#define WIDTH_MAX   4096

void tmpl_print(struct buf *dst, const struct value *v)
{
    if (v->kind == VALUE_NIL) {
        buf_add_lit(dst, "<no value>");
        return;
    }
    BUF_LOCAL(scratch, SCRATCH_MAX);
    struct printer p;
    print_init(&p, dst, &scratch, WIDTH_MAX, UINT64_MAX);
    print_value(&p, v);
}
