/* Sealing and opening, as the service's files call it. */
#include "service/secrets.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suites.h"
#include "support/check.h"

static char dir[64];

static struct secrets *open_fresh(void)
{
    struct secrets *s = NULL;
    struct err e = ERR_INIT;
    snprintf(dir, sizeof dir, "/tmp/vesta-secrets-XXXXXX");
    CHECK(sodium_init() >= 0 && mkdtemp(dir) != NULL);
    CHECK(secrets_make(dir, &s, &e) == ERR_OK, "%s", e.msg);
    return s;
}

static const char *key_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/keys/secret.key", dir);
    return path;
}

static void close_and_remove(struct secrets *s)
{
    char keys[128];
    secrets_free(s);
    unlink(key_path());
    snprintf(keys, sizeof keys, "%s/keys", dir);
    rmdir(keys);
    CHECK(rmdir(dir) == 0, "something is left in %s", dir);
}

/* metadata as text, sealed or opened or hidden, as text on a. */
enum how { SEAL, SEAL_OF_OTHER, OPEN, OPEN_IN_OTHER, HIDE };

static const char *turn(struct secrets *s, struct arena *a, enum how how, const char *metadata,
                        struct findings *f, err_code *ret)
{
    struct value v;
    struct err e = ERR_INIT;
    struct buf out;
    CHECK(value_from_json(a, str_c(metadata), &v, &e) == ERR_OK, "%s", e.msg);
    struct str group = how == SEAL_OF_OTHER || how == OPEN_IN_OTHER ? STR("other") : STR("node");
    *ret = how == HIDE            ? secrets_hide(a, &v, &e)
           : how <= SEAL_OF_OTHER ? secrets_seal(s, a, group, false, &v, f, &e)
                                  : secrets_open(s, a, group, &v, &e);
    buf_in_arena(&out, a, 1u << 20);
    value_to_json(&out, &v, 0);
    const char *text = buf_c(&out);
    return *ret ? "" : text ? text : "";
}

static const char PLAIN[] =
    "{\"n\":1,\"secret\":{\"a\":\"one\",\"b\":[1,{\"c\":true}],\"d\":\"\"}}";

static void what_is_sealed_opens_in_its_place_only(void)
{
    ARENA_LOCAL(a, 1u << 20);
    struct findings f;
    err_code c;
    struct secrets *s = open_fresh();
    findings_init(&f, &a);
    const char *sealed = turn(s, &a, SEAL, PLAIN, &f, &c);
    CHECK(c == ERR_OK && strncmp(sealed, "{\"n\":1,\"secret\":{\"a\":{\"sealed\":\"v1.", 35) == 0,
          "%s", sealed);
    CHECK(!strstr(sealed, "one"));
    CHECK(strcmp(turn(s, &a, OPEN, sealed, &f, &c), PLAIN) == 0 && c == ERR_OK);
    turn(s, &a, OPEN_IN_OTHER, sealed, &f, &c);
    CHECK(c == ERR_CORRUPT);
    CHECK(strcmp(turn(s, &a, SEAL, PLAIN, &f, &c), sealed) == 0, "not the same again");
    CHECK(strcmp(turn(s, &a, SEAL, sealed, &f, &c), sealed) == 0 && c == ERR_OK && !f.errors);
    CHECK(strcmp(turn(s, &a, SEAL_OF_OTHER, PLAIN, &f, &c), sealed) != 0);
    turn(s, &a, SEAL_OF_OTHER, sealed, &f, &c);
    CHECK(c == ERR_INVALID && f.errors == 1);
    CHECK(str_is(f.first->pointer, "/metadata/secret/a"), "%.*s", STR_FMT(f.first->pointer));
    close_and_remove(s);
}

static void lengths_are_told_in_steps(void)
{
    ARENA_LOCAL(a, 1u << 20);
    struct findings f;
    err_code c;
    struct secrets *s = open_fresh();
    findings_init(&f, &a);
    size_t shorter = strlen(turn(s, &a, SEAL, "{\"secret\":{\"a\":\"x\"}}", &f, &c));
    CHECK(strlen(turn(s, &a, SEAL, "{\"secret\":{\"a\":\"twenty bytes of text\"}}", &f, &c)) ==
          shorter);
    CHECK(strlen(turn(s, &a, SEAL, "{\"secret\":{\"a\":\"forty bytes of text, more or less so\"}}",
                      &f, &c)) > shorter);
    close_and_remove(s);
}

static void every_changed_byte_is_noticed(void)
{
    ARENA_LOCAL(a, 64u << 20);
    struct findings f;
    err_code c;
    struct secrets *s = open_fresh();
    findings_init(&f, &a);
    const char *sealed = turn(s, &a, SEAL, "{\"secret\":{\"a\":\"one\"}}", &f, &c);
    size_t from = (size_t)(strstr(sealed, "v1.") - sealed) + 3, to = strlen(sealed) - 4;
    char changed[400];
    for (size_t i = from; i < to; i++) {
        snprintf(changed, sizeof changed, "%s", sealed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        turn(s, &a, OPEN, changed, &f, &c);
        CHECK(c == ERR_CORRUPT, "byte %zu: %d", i, (int)c);
        snprintf(changed, sizeof changed, "%.*s\"}}}", (int)i, sealed);
        turn(s, &a, OPEN, changed, &f, &c);
        CHECK(c == ERR_CORRUPT, "cut at %zu: %d", i, (int)c);
    }
    close_and_remove(s);
}

static void hiding_keeps_the_shape(void)
{
    ARENA_LOCAL(a, 1u << 20);
    err_code c;
    const char *hidden = turn(NULL, &a, HIDE, PLAIN, NULL, &c);
    CHECK(strcmp(hidden, "{\"n\":1,\"secret\":{\"a\":\"hidden-secret\",\"b\":[0,{\"c\":false}],"
                         "\"d\":\"hidden-secret\"}}") == 0,
          "%s", hidden);
    CHECK(strcmp(turn(NULL, &a, SEAL, PLAIN, NULL, &c), hidden) == 0, "without a key");
    CHECK(strcmp(turn(NULL, &a, HIDE, "{\"n\":\"x\"}", NULL, &c), "{\"n\":\"x\"}") == 0);
}

static void the_key_is_made_at_need_and_for_its_owner_only(void)
{
    ARENA_LOCAL(a, 1u << 20);
    struct findings f;
    struct stat st;
    err_code c;
    struct secrets *s = open_fresh();
    findings_init(&f, &a);
    turn(s, &a, SEAL, "{\"other\":1}", &f, &c);
    CHECK(c == ERR_OK && access(key_path(), F_OK) != 0, "a key for nothing");
    const char *sealed = turn(s, &a, SEAL, PLAIN, &f, &c);
    CHECK(stat(key_path(), &st) == 0 && (st.st_mode & 0777) == 0600);
    secrets_free(s);
    struct err e = ERR_INIT;
    CHECK(secrets_make(dir, &s, &e) == ERR_OK);
    chmod(key_path(), 0640);
    turn(s, &a, OPEN, sealed, &f, &c);
    CHECK(c == ERR_DENIED);
    chmod(key_path(), 0600);
    CHECK(strcmp(turn(s, &a, OPEN, sealed, &f, &c), PLAIN) == 0);
    close_and_remove(s);
}

struct race {
    struct secrets *secrets;
    char sealed[1000];
};

static void *seal_at_once(void *arg)
{
    struct race *r = arg;
    ARENA_LOCAL(a, 1u << 20);
    struct findings f;
    struct err e = ERR_INIT;
    struct value v;
    findings_init(&f, &a);
    BUF_LOCAL(out, sizeof r->sealed);
    if (value_from_json(&a, str_c(PLAIN), &v, &e) == ERR_OK &&
        secrets_seal(r->secrets, &a, STR("node"), false, &v, &f, &e) == ERR_OK) {
        value_to_json(&out, &v, 0);
        snprintf(r->sealed, sizeof r->sealed, "%.*s", STR_FMT(buf_str(&out)));
    }
    return NULL;
}

static void many_at_once_make_one_key(void)
{
    struct secrets *s = open_fresh();
    struct race r[8] = {0};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        r[i].secrets = s;
        CHECK(pthread_create(&threads[i], NULL, seal_at_once, &r[i]) == 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 8; i++)
        CHECK(r[i].sealed[0] && strcmp(r[i].sealed, r[0].sealed) == 0, "%s", r[i].sealed);
    close_and_remove(s);
}

struct tally secrets_suite(void)
{
    RUN(what_is_sealed_opens_in_its_place_only);
    RUN(lengths_are_told_in_steps);
    RUN(every_changed_byte_is_noticed);
    RUN(hiding_keeps_the_shape);
    RUN(the_key_is_made_at_need_and_for_its_owner_only);
    RUN(many_at_once_make_one_key);
    return SUITE_TALLY;
}
