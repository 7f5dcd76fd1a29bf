/* POST /plan and /apply: what is asked, what is told, and the statuses. */
#include "../support/check.h"
#include "support.h"

static const char bundle[] =
    "{\"profiles\":[{\"id\":\"p\",\"boot\":{\"kernel\":\"/k\"}}],"
    "\"groups\":[{\"id\":\"g\",\"profile\":\"p\",\"selector\":{\"m\":\"1\"}}]}";

static void a_plan_is_told_and_changes_nothing(void)
{
    struct reply r = ask("POST", "/api/v1/plan", NULL, bundle);
    CHECK(r.status == 200, "%d %.*s", r.status, STR_FMT(r.body));
    CHECK(count_at(&r, "/changes") == 2 && str_is(text_at(&r, "/changes/0/resource"), "groups/g"));
    CHECK(str_is(text_at(&r, "/changes/0/action"), "add") &&
          has(text_at(&r, "/changes/0/diff"), "+++ b/groups/g.json"));
    CHECK(number_at(&r, "/summary/added") == 2 && number_at(&r, "/summary/groups") == 1);
    CHECK(str_is(text_at(&r, "/documents/0/group"), "g"));
    CHECK(ask("GET", "/api/v1/groups/g", NULL, NULL).status == 404);
}

static void an_apply_is_stored_and_served(void)
{
    struct reply r = ask("POST", "/api/v1/apply", NULL, bundle);
    CHECK(r.status == 200, "%d %.*s", r.status, STR_FMT(r.body));
    double made = number_at(&r, "/revision");
    CHECK(ask("GET", "/api/v1/render/ipxe?m=1", NULL, NULL).status == 200);
    r = ask("POST", "/api/v1/apply", NULL, bundle);
    CHECK(r.status == 200 && number_at(&r, "/revision") == made, "nothing is new");
    CHECK(number_at(&r, "/summary/unchanged") == 2 && count_at(&r, "/changes") == 0);
}

static void what_is_refused_has_its_status(void)
{
    struct reply r = ask("POST", "/api/v1/apply", NULL, "{\"groups\":[{\"id\":\"x\"}]}");
    CHECK(is_problem(&r, 422, "invalid"));
    CHECK(str_is(text_at(&r, "/findings/0/pointer"), "/groups/0/profile"));
    CHECK(number_at(&r, "/findings/0/line") == 1 && number_at(&r, "/findings/0/column") == 12);
    r = ask("POST", "/api/v1/apply", NULL,
            "{\"groups\":[{\"id\":\"x\",\"profile\":\"p\",\"selector\":{\"m\":\"1\"}}]}");
    CHECK(is_problem(&r, 409, "conflict"));
    r = ask("POST", "/api/v1/plan?base=999999", NULL, bundle);
    CHECK(is_problem(&r, 409, "conflict"));
    r = ask("POST", "/api/v1/plan?prune=perhaps", NULL, bundle);
    CHECK(is_problem(&r, 422, "invalid"));
    r = ask("POST", "/api/v1/plan?base=1&base=1", NULL, bundle);
    CHECK(is_problem(&r, 422, "invalid"));
    r = ask("POST", "/api/v1/apply?prune=true", NULL, "{}");
    CHECK(is_problem(&r, 422, "invalid") && has(r.body, "would remove the whole site"));
}

void plan_tests(struct tally *t)
{
    RUN(a_plan_is_told_and_changes_nothing);
    RUN(an_apply_is_stored_and_served);
    RUN(what_is_refused_has_its_status);
    TALLY(t);
}
