#include "base/etag.h"
#include "rest/route.h"

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
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
    ret->none_match = none_match.p != NULL;
    if (gzip_plain_etags(c->q->arena, http_header(c->q, "If-Match"), &ret->match))
        return true;
    problem(c, 500, "out of memory for a request");
    return false;
}

int condition_of_read(const struct http_request *q, const char *etag)
{
    struct str match, none_match;
    if (!gzip_plain_etags(q->arena, http_header(q, "If-Match"), &match) ||
        !gzip_plain_etags(q->arena, http_header(q, "If-None-Match"), &none_match))
        return 200;
    if (match.p && !etag_in_list(match, etag, true))
        return 412;
    return etag_in_list(none_match, etag, false) ? 304 : 200;
}
