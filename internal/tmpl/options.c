#include "tmpl/options.h"

#define DEPTH_DEFAULT  200
#define DEPTH_MAX      1000 /* what a thread's stack holds with ease */
#define STEPS_DEFAULT  5000000
#define MEMORY_DEFAULT ((size_t)32 << 20)
#define OUTPUT_DEFAULT ((size_t)8 << 20)
#define WIDTH_DEFAULT  4096

struct tmpl_options options_effective(const struct tmpl_options *given)
{
    struct tmpl_options l = given ? *given : (struct tmpl_options){.depth = 0};
    l.depth = l.depth == 0 ? DEPTH_DEFAULT : l.depth > DEPTH_MAX ? DEPTH_MAX : l.depth;
    l.steps = l.steps ? l.steps : STEPS_DEFAULT;
    l.memory = l.memory ? l.memory : MEMORY_DEFAULT;
    l.output = l.output ? l.output : OUTPUT_DEFAULT;
    l.width = l.width ? l.width : WIDTH_DEFAULT;
    return l;
}

/* Output in the same arena may take twice its size there: a buffer that moves leaves bytes behind.
 */
static void limit_arena(const struct tmpl_options *l, const struct buf *out, struct arena *a)
{
    size_t room = l->memory, most;
    if (out->arena == a && __builtin_add_overflow(room, 2 * l->output, &room))
        return;
    if (!__builtin_add_overflow(a->used, room, &most) && most < a->max)
        a->max = most;
}

void options_limit(struct tmpl_options *l, struct buf *out, struct arena *a)
{
    if (l->output < out->max && out->n < out->max - l->output)
        out->max = out->n + l->output;
    else
        l->output = out->max - out->n;
    limit_arena(l, out, a);
}
