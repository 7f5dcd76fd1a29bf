#include <criterion/criterion.h>

#include "match/match.h"

#define PAIR(k, v)                                                                                 \
    {                                                                                              \
        STR_INIT(k), STR_INIT(v)                                                                   \
    }
#define LABELS(name, ...)                                                                          \
    static const struct label name##_v[] = {__VA_ARGS__};                                          \
    static const struct labels name = {.v = name##_v, .n = sizeof name##_v / sizeof *name##_v}

static const struct labels none = {.v = NULL, .n = 0};

static bool probes_to(const struct labels *selector, const struct labels *machine)
{
    ARENA_LOCAL(a, 1 << 16);
    struct match_shape s;
    cr_assert(match_shape_of(&a, selector, &s));
    cr_assert(match_shape_is(&s, selector));
    uint64_t h;
    return match_probe(&s, machine, &h) && h == match_selector_hash(selector);
}

Test(match, holds_and_the_probe_agrees)
{
    LABELS(machine, PAIR("ghost", ""), PAIR("mac", "m"), PAIR("role", "db"), PAIR("site", "ams"));
    LABELS(s1, PAIR("site", "ams"));
    LABELS(s2, PAIR("role", "db"), PAIR("site", "ams"));
    LABELS(s3, PAIR("role", "web"), PAIR("site", "ams"));
    LABELS(s4, PAIR("absent", ""), PAIR("site", "ams"));
    LABELS(s5, PAIR("ghost", ""));
    LABELS(s6, PAIR("site", ""));
    LABELS(s7, PAIR("zone", "x"));
    static const struct {
        const struct labels *s;
        bool holds;
    } cases[] = {{&s1, true}, {&s2, true},  {&s3, false}, {&s4, true},
                 {&s5, true}, {&s6, false}, {&s7, false}, {&none, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(match_holds(cases[i].s, &machine), cases[i].holds, "selector %zu", i);
        cr_expect_eq(probes_to(cases[i].s, &machine), cases[i].holds, "probe %zu", i);
    }
    cr_expect(match_holds(&none, &none));
    cr_expect(probes_to(&none, &none));
    cr_expect_not(match_holds(&s1, &none));
}

Test(match, orders_as_matchbox_does)
{
    LABELS(one, PAIR("zz", "1"));
    LABELS(two, PAIR("a", "1"), PAIR("b", "2"));
    cr_expect(match_order(&two, &one) < 0, "more pairs first");
    cr_expect(match_order(&one, &none) < 0, "the default last");
    LABELS(mac, PAIR("mac", "m"));
    LABELS(uuid, PAIR("uuid", "u"));
    cr_expect(match_order(&uuid, &mac) < 0, "the greater text first");
    LABELS(q, PAIR("tp", "1"), PAIR("zy", "9"));
    LABELS(p, PAIR("tp", "1"), PAIR("zz", "9"));
    cr_expect(match_order(&p, &q) < 0);
    cr_expect_eq(match_order(&p, &p), 0);
    /* "a-b=1,a=2" against "a-c=1,a=1": the pairs are sorted as strings, not by key. */
    LABELS(x, PAIR("a", "2"), PAIR("a-b", "1"));
    LABELS(y, PAIR("a", "1"), PAIR("a-c", "1"));
    cr_expect(match_order(&y, &x) < 0);
    BUF_LOCAL(b, 1000);
    match_text(&b, &x);
    cr_expect_str_eq(buf_c(&b), "a-b=1,a=2");
}

Test(match, shapes_tell_wanting_none_apart)
{
    LABELS(wants, PAIR("os", "installed"));
    LABELS(wants_none, PAIR("os", ""));
    cr_expect_neq(match_shape_hash(&wants), match_shape_hash(&wants_none));
    LABELS(other, PAIR("os", "other"));
    cr_expect_eq(match_shape_hash(&wants), match_shape_hash(&other));
    cr_expect_neq(match_selector_hash(&wants), match_selector_hash(&other));
}
