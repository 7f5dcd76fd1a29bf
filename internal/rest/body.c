/* What is taken of a body, decided by the announced type before any of it is read. */
#include "rest/route.h"

/* A body that means nothing here is read, so that the connection can go on, but not much of it. */
#define IGNORED_MAX 65536

/* type/subtype of a Content-Type, without its parameters (RFC 9110, 8.3.1). */
static struct str media_type(struct str content_type)
{
    struct str rest, type = str_cut(content_type, ';', &rest);
    while (type.n && (type.p[type.n - 1] == ' ' || type.p[type.n - 1] == '\t'))
        type.n--;
    return type;
}

static const struct rest_body *find(const struct rest_body *bodies, struct str type)
{
    if (!type.n || str_ieq(type, STR("application/x-www-form-urlencoded")))
        return bodies;
    for (int i = 0; bodies[i].max; i++)
        if (!bodies[i].type[0] || str_ieq(type, str_c(bodies[i].type)))
            return &bodies[i];
    return NULL;
}

static void refuse_type(struct rest_call *c, struct str type)
{
    const struct rest_body *bodies = c->route->bodies;
    struct buf list, words;
    buf_in_arena(&list, c->q->arena, 1024);
    buf_in_arena(&words, c->q->arena, 1024);
    for (int i = 0; bodies[i].max; i++) {
        buf_addf(&list, "%s%s", i ? ", " : "", bodies[i].type);
        buf_addf(&words, "%s%s", i ? " or " : "", bodies[i].type);
    }
    const char *value = buf_c(&list);
    if (value)
        http_add_header(c->r, str_is(c->q->method, "PATCH") ? "Accept-Patch" : "Accept", value);
    problem(c, 415, "the content type is \"%.*s\", and this takes %.*s", STR_FMT(type),
            STR_FMT(buf_str(&words)));
}

struct str body_type(const struct rest_call *c)
{
    return media_type(http_header(c->q, "Content-Type"));
}

bool body_admit(struct rest_call *c, struct http_admission *ret)
{
    const struct rest_body *b = c->route->bodies;
    *ret = (struct http_admission){.max_body = IGNORED_MAX};
    if (!b)
        return true;
    struct str type = body_type(c);
    b = find(b, type);
    if (!b) {
        refuse_type(c, type);
        return false;
    }
    *ret = (struct http_admission){.max_body = b->max, .spool = b->spool};
    return true;
}
