/* The mark of values from the network survives every function that makes something of them. */
#include <criterion/criterion.h>

#include "tmpl/format.h"
#include "tmpl/func.h"

/* Calls a function and returns its result. */
static struct value called(struct arena *a, const char *name, const struct value *args, uint32_t n)
{
    struct buf text, scratch;
    struct err e = ERR_INIT;
    uint64_t steps = 1000;
    buf_in_arena(&text, a, 1 << 16);
    buf_in_arena(&scratch, a, 1 << 16);
    struct call c = {.func = func_find(str_c(name)),
                     .args = args,
                     .n = n,
                     .arena = a,
                     .text = &text,
                     .scratch = &scratch,
                     .steps = &steps,
                     .width = 100,
                     .e = &e};
    struct value ret = value_nil();
    cr_assert_eq(c.func->run(&c, &ret), ERR_OK, "%s: %s", name, e.msg);
    return ret;
}

Test(marks, survive_text_functions)
{
    static const char *const names[] = {"print", "println", "printf", "html", "js", "urlquery"};
    ARENA_LOCAL(a, 1 << 20);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct value args[] = {value_str(STR("%v<")), value_marked(value_str(STR("x")))};
        cr_expect(called(&a, names[i], args, 2).marked, "%s", names[i]);
        args[1].marked = false;
        cr_expect_not(called(&a, names[i], args, 2).marked, "%s", names[i]);
        args[0].marked = true;
        cr_expect(called(&a, names[i], args, 1).marked, "%s", names[i]);
    }
}

Test(marks, survive_index_and_slice)
{
    ARENA_LOCAL(a, 1 << 20);
    struct value items[] = {value_str(STR("a")), value_marked(value_str(STR("b")))};
    struct value list = {.kind = VALUE_LIST, .n = 2, .list = items};
    struct value first[] = {list, value_int(0)}, second[] = {list, value_int(1)};
    struct value text[] = {value_marked(value_str(STR("abc"))), value_int(1)};
    struct value by_marked[] = {list, value_marked(value_int(0))};
    cr_expect_not(called(&a, "index", first, 2).marked);
    cr_expect(called(&a, "index", second, 2).marked);
    cr_expect(called(&a, "index", text, 2).marked);
    cr_expect_not(called(&a, "index", by_marked, 2).marked, "a key only chooses");
    cr_expect(called(&a, "slice", text, 2).marked);
    cr_expect_not(called(&a, "slice", first, 2).marked);
}

Test(marks, inside_a_container_are_found_when_it_is_printed)
{
    ARENA_LOCAL(a, 1 << 20);
    struct value_pair pairs[] = {{STR("k"), value_marked(value_str(STR("v")))}};
    struct value map = value_map(VALUE_STRMAP, pairs, 1);
    struct value list = {.kind = VALUE_LIST, .n = 1, .list = &map};
    cr_expect(called(&a, "print", &list, 1).marked);
    pairs[0].v.marked = false;
    cr_expect_not(called(&a, "print", &list, 1).marked);
}

Test(marks, every_function_is_documented)
{
    for (const struct func *f = func_table; f->name; f++) {
        cr_expect(f->doc && strncmp(f->doc, f->name, strlen(f->name)) == 0, "%s", f->name);
        cr_expect_leq(f->min, f->max);
        cr_expect_eq(f->run == NULL, f->kind != FUNC_PLAIN, "%s", f->name);
        cr_expect_eq(func_find(str_c(f->name)), f, "%s", f->name);
    }
}
