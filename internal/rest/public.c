/* What is answered without a token. */
#include "base/embedded.h"
#include "rest/route.h"

void public_health(struct rest_call *c)
{
    http_text(c->q, c->r, 200, "ok");
}

void public_ready(struct rest_call *c)
{
    if (service_ready(c->service))
        http_text(c->q, c->r, 200, "ready");
    else
        http_text(c->q, c->r, 503, "not ready: the catalog is being loaded");
}

void public_openapi(struct rest_call *c)
{
    struct str text = embedded_get("api/openapi.json");
    if (!text.p) {
        problem(c, 404, "this build has no API description in it");
        return;
    }
    answer_json(c, 200, text);
    c->r->kind = HTTP_BODY_STATIC;
}
