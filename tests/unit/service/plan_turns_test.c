/* Plans beside others: how many run at once, and what happens when somebody else writes. */
#include <pthread.h>

#include "plan_support.h"

/* --- turns --------------------------------------------------------------------------------------
 */

/* Plans that have begun and wait in there until all have, and then until they may go on. */
static pthread_barrier_t all_run, go_on;

static void begin_and_wait(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&all_run);
    pthread_barrier_wait(&go_on);
}

static void begin_only(void *arg)
{
    (void)arg;
}

static err_code plan_in(void (*started)(void *), bool at_once, struct err *e)
{
    ARENA_LOCAL(a, 1u << 20);
    struct findings f;
    struct service_planned done;
    struct service_plan_options o = {.at_once = at_once};
    struct service_bundle b = {STR("{}"), false};
    struct service_plan_sink s = sink;
    s.begin = started;
    findings_init(&f, &a);
    return service_plan(site, &b, &o, &s, &f, &done, e);
}

static void *plan_and_wait(void *arg)
{
    *(err_code *)arg = plan_in(begin_and_wait, false, NULL);
    return NULL;
}

static void *plan_patiently(void *arg)
{
    *(err_code *)arg = plan_in(begin_only, false, NULL);
    return NULL;
}

static void only_so_many_run_at_once(void)
{
    pthread_t threads[SERVICE_PLANS_AT_ONCE], patient;
    err_code codes[SERVICE_PLANS_AT_ONCE], last = ERR_IO;
    struct err e = ERR_INIT;
    small_site();
    pthread_barrier_init(&all_run, NULL, SERVICE_PLANS_AT_ONCE + 1);
    pthread_barrier_init(&go_on, NULL, SERVICE_PLANS_AT_ONCE + 1);
    for (int i = 0; i < SERVICE_PLANS_AT_ONCE; i++)
        CHECK(pthread_create(&threads[i], NULL, plan_and_wait, &codes[i]) == 0);
    pthread_barrier_wait(&all_run);
    CHECK(plan_in(begin_only, true, &e) == ERR_BUSY, "%s", e.msg);
    CHECK(strstr(e.msg, "still running: try again"), "%s", e.msg);
    CHECK(pthread_create(&patient, NULL, plan_patiently, &last) == 0);
    pthread_barrier_wait(&go_on);
    for (int i = 0; i < SERVICE_PLANS_AT_ONCE; i++) {
        pthread_join(threads[i], NULL);
        CHECK(codes[i] == ERR_OK);
    }
    pthread_join(patient, NULL);
    CHECK(last == ERR_OK, "its turn came");
    CHECK(plan_in(begin_only, true, &e) == ERR_OK, "all turns were given back: %s", e.msg);
    CHECK(plan("{") == ERR_INVALID && plan("{") == ERR_INVALID && plan("{") == ERR_INVALID);
    CHECK(plan_in(begin_only, true, &e) == ERR_OK, "also after errors: %s", e.msg);
    pthread_barrier_destroy(&all_run);
    pthread_barrier_destroy(&go_on);
    close_and_remove();
}

/* --- when somebody else writes -----------------------------------------------------------------
 */

static void somebody_writes(void)
{
    ARENA_LOCAL(a, 16u << 20);
    struct findings f;
    struct err e = ERR_INIT;
    struct service_written w;
    struct service_condition none = {.none_match = false};
    struct store_key k = {STORE_PROFILE, 0, STR("other")};
    findings_init(&f, &a);
    char body[100];
    snprintf(body, sizeof body, "{\"name\":\"%llu\"}", (unsigned long long)revision());
    CHECK(service_put(site, &k, str_c(body), &none, &author, &f, &w, &e) == ERR_OK, "%s", e.msg);
}

static const char change_a[] = "{\"groups\":[{\"id\":\"a\",\"profile\":\"p\",\"selector\":{\"m\":"
                               "\"a\"},\"metadata\":{\"role\":\"new\"}}]}";

static void a_base_that_moved_is_a_conflict(void)
{
    small_site();
    struct how how = {.apply = true, .o = {.has_base = true, .base = 1}};
    told.meanwhile = somebody_writes;
    CHECK(run_text(str_c(change_a), how) == ERR_CONFLICT, "%s", told.e.msg);
    CHECK(strstr(told.e.msg, "revision 2 and no longer at 1"), "%s", told.e.msg);
    CHECK(revision() == 2);
    how.o.base = 2;
    CHECK(run_text(str_c(change_a), how) == ERR_OK, "%s", told.e.msg);
    CHECK(told.done.revision == 3);
    how.apply = false;
    CHECK(run_text(str_c(change_a), how) == ERR_CONFLICT, "a plan too");
    close_and_remove();
}

static void keep_writing(void)
{
    somebody_writes();
    if (told.begun < 3)
        told.meanwhile = keep_writing;
}

static void an_apply_ends_though_others_write(void)
{
    small_site();
    told.meanwhile = keep_writing;
    CHECK(apply(change_a) == ERR_OK, "%s", told.e.msg);
    CHECK(told.begun == 4, "three times outside, once inside: %d", told.begun);
    CHECK(told.done.revision == revision() && says(&told.changes, "change groups/a"), "%s",
          text_of(&told.changes));
    close_and_remove();
}

struct tally plan_turns_suite(void)
{
    RUN(only_so_many_run_at_once);
    RUN(a_base_that_moved_is_a_conflict);
    RUN(an_apply_ends_though_others_write);
    return SUITE_TALLY;
}
