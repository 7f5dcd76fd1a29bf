#include "ignition/set.h"

#include "base/always.h"
#include "base/hash.h"

bool text_set_init(struct text_set *s, struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 4 / sizeof(struct str))
        return false;
    size_t slots = 4;
    while (slots < 2 * n)
        slots *= 2;
    struct str *p = arena_calloc(a, slots, sizeof *p);
    if (!p)
        return false;
    *s = (struct text_set){p, slots - 1, n};
    return true;
}

/* The slot of the text: its own, or the free one where it would be. */
static struct str *slot_of(const struct text_set *s, struct str text)
{
    size_t i = (size_t)hash_bytes(text, 0) & s->mask;
    while (s->slots[i].p && !str_eq(s->slots[i], text))
        i = (i + 1) & s->mask;
    return &s->slots[i];
}

bool text_set_add(struct text_set *s, struct str text)
{
    struct str *slot = slot_of(s, text);
    if (slot->p)
        return false;
    always(s->free > 0);
    s->free--;
    *slot = text.p ? text : STR("");
    return true;
}

bool text_set_has(const struct text_set *s, struct str text)
{
    return slot_of(s, text)->p != NULL;
}
