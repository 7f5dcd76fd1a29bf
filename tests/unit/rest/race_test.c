/* Writers that meet. */
#include <pthread.h>

#include "../support/check.h"
#include "base/always.h"
#include "support.h"

#define PATH   "/api/v1/profiles/contested"
#define RACERS 2

struct racer {
    pthread_barrier_t *start;
    const char *headers;
    char body[40];
    int rounds, status;
};

static void *run_once(void *arg)
{
    struct racer *me = arg;
    ARENA_LOCAL(a, 8 << 20);
    struct question q = {"PUT", PATH, write_token, me->headers, str_c(me->body)};
    pthread_barrier_wait(me->start);
    me->status = ask_in(&a, &q).status;
    return NULL;
}

static void race(const char *headers, int round, int status[RACERS])
{
    pthread_t threads[RACERS];
    struct racer racers[RACERS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, RACERS);
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.start = &start, .headers = headers};
        snprintf(racers[i].body, sizeof racers[i].body, "{\"name\":\"%d-%d\"}", round, i);
        always(pthread_create(&threads[i], NULL, run_once, &racers[i]) == 0);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        status[i] = racers[i].status;
    }
    pthread_barrier_destroy(&start);
}

static void one_etag_is_spent_once(void)
{
    ask("PUT", PATH, NULL, "{}");
    for (int round = 0; round < 20; round++) {
        struct reply now = ask("GET", PATH, NULL, NULL);
        int s[RACERS];
        race(line("If-Match", header_of(&now, "ETag")), round, s);
        CHECK((s[0] == 412) + (s[1] == 412) == 1, "%d and %d", s[0], s[1]);
        CHECK((s[0] == 200) + (s[1] == 200) == 1, "%d and %d", s[0], s[1]);
        struct reply after = ask("GET", PATH, NULL, NULL);
        char name[20];
        snprintf(name, sizeof name, "%d-%d", round, s[0] == 200 ? 0 : 1);
        CHECK(str_is(text_at(&after, "/name"), name), "%.*s", STR_FMT(after.body));
    }
}

static void only_one_creates(void)
{
    for (int round = 0; round < 10; round++) {
        ask("DELETE", PATH, NULL, NULL);
        int s[RACERS];
        race("If-None-Match: *\r\n", round, s);
        CHECK((s[0] == 412) + (s[1] == 412) == 1, "%d and %d", s[0], s[1]);
        CHECK((s[0] == 201) + (s[1] == 201) == 1, "%d and %d", s[0], s[1]);
    }
}

/* Each shows what it wrote, or nothing when the other was faster than its answer. */
static void *write_often(void *arg)
{
    struct racer *me = arg;
    pthread_barrier_wait(me->start);
    for (int i = 0; i < 20; i++) {
        ARENA_LOCAL(a, 8 << 20);
        char name[64], body[96];
        snprintf(name, sizeof name, "%s-%d", me->body, i);
        snprintf(body, sizeof body, "{\"name\":\"%s\"}", name);
        struct question q = {"PUT", PATH, write_token, NULL, str_c(body)};
        struct reply r = ask_in(&a, &q);
        bool mine = r.status == 200 && str_is(text_at(&r, "/name"), name);
        me->rounds += mine && header_of(&r, "ETag").n;
    }
    return NULL;
}

static void unconditional_writers_all_succeed(void)
{
    ask("PUT", PATH, NULL, "{}");
    pthread_t threads[4];
    struct racer racers[4];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 4);
    for (int i = 0; i < 4; i++) {
        racers[i] = (struct racer){.start = &start};
        snprintf(racers[i].body, sizeof racers[i].body, "w%d", i);
        always(pthread_create(&threads[i], NULL, write_often, &racers[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK(racers[i].rounds == 20, "%d", racers[i].rounds);
    }
    pthread_barrier_destroy(&start);
}

void race_tests(struct tally *t)
{
    RUN(one_etag_is_spent_once);
    RUN(only_one_creates);
    RUN(unconditional_writers_all_succeed);
    TALLY(t);
}
