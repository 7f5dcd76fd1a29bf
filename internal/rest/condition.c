#include "rest/route.h"

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Is etag in the list, or the list "*"? weak: W/ before an ETag does not matter.
   Our ETags have no comma in them, so cutting at commas finds each that can be one of them. */
static bool listed(struct str list, const char *etag, bool weak)
{
    while (list.p) {
        struct str one = trim(str_cut(list, ',', &list));
        if (weak && str_starts(one, STR("W/")))
            one = str_skip(one, 2);
        if (str_is(one, "*") || str_is(one, etag))
            return true;
    }
    return false;
}

bool condition_of_write(struct rest_call *c, struct service_condition *ret)
{
    struct str none_match = http_header(c->q, "If-None-Match");
    if (none_match.p && !str_is(trim(none_match), "*")) {
        problem(c, 400,
                "If-None-Match takes only * here, for what must not exist yet; to change what you "
                "have read, send its ETag in If-Match");
        return false;
    }
    *ret = (struct service_condition){.match = http_header(c->q, "If-Match"),
                                      .none_match = none_match.p != NULL};
    return true;
}

int condition_of_read(const struct http_request *q, const char *etag)
{
    struct str match = http_header(q, "If-Match");
    if (match.p && !listed(match, etag, false))
        return 412;
    return listed(http_header(q, "If-None-Match"), etag, true) ? 304 : 200;
}
