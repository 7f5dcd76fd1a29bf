/*
 * Single writes a second: writes_bench DIR SECONDS PORT TOKEN
 *
 * First what SQLite alone gives in DIR: one connection, WAL, synchronous=FULL, and in each
 * transaction one row and one row of a revision. Then PUTs of new groups to the API on PORT, by
 * CLIENTS connections that are kept alive, each waiting for its answer. Prints both and the ratio.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 32
#define BODY                                                                                       \
    "{\"profile\":\"base\",\"selector\":{\"mac\":\"52:54:%02x:%02x:%02x:%02x\"},\"metadata\":{"    \
    "\"hostname\":\"host-%u.example.com\",\"role\":\"worker\",\"rack\":\"r%u\"}}"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "writes_bench: %s: %s\n", what, why);
    exit(1);
}

static int make_body(char *dst, size_t size, unsigned i)
{
    return snprintf(dst, size, BODY, i >> 24 & 255, i >> 16 & 255, i >> 8 & 255, i & 255, i,
                    i / 40);
}

/* --- SQLite alone ----------------------------------------------------------------------------- */

static void sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail(text, sqlite3_errmsg(db));
}

static void step(sqlite3 *db, sqlite3_stmt *s)
{
    if (sqlite3_step(s) != SQLITE_DONE || sqlite3_reset(s) != SQLITE_OK)
        fail("a row", sqlite3_errmsg(db));
}

static double sqlite_alone(const char *dir, double seconds)
{
    char path[4096], body[512], id[40];
    snprintf(path, sizeof path, "%s/alone.db", dir);
    sqlite3 *db;
    sqlite3_stmt *row, *revision;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        fail(path, sqlite3_errmsg(db));
    sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE resource(id TEXT PRIMARY KEY, body TEXT, revision INTEGER) WITHOUT ROWID;"
            "CREATE TABLE revision(n INTEGER PRIMARY KEY, at INTEGER, who TEXT, message TEXT);");
    if (sqlite3_prepare_v2(db, "INSERT INTO resource VALUES(?,?,?)", -1, &row, NULL) ||
        sqlite3_prepare_v2(db, "INSERT INTO revision VALUES(?,?,'bench','')", -1, &revision, NULL))
        fail("prepare", sqlite3_errmsg(db));
    unsigned n = 0;
    double began = now();
    while (now() - began < seconds) {
        snprintf(id, sizeof id, "group-%u", ++n);
        int len = make_body(body, sizeof body, n);
        sql(db, "BEGIN IMMEDIATE");
        sqlite3_bind_text(row, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, body, len, SQLITE_STATIC);
        sqlite3_bind_int64(row, 3, n);
        step(db, row);
        sqlite3_bind_int64(revision, 1, n);
        sqlite3_bind_int64(revision, 2, (sqlite3_int64)time(NULL));
        step(db, revision);
        sql(db, "COMMIT");
    }
    double rate = n / (now() - began);
    sqlite3_finalize(row);
    sqlite3_finalize(revision);
    sqlite3_close(db);
    return rate;
}

/* --- the API ---------------------------------------------------------------------------------- */

static struct {
    int port;
    const char *token;
    double end;
    atomic_uint next, done;
} api;

static int connected(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)api.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail("the API", "cannot connect");
    return fd;
}

/* Reads one answer to its end; it must be a 201. */
static void read_answer(int fd, char *dst, size_t size)
{
    size_t n = 0, whole = 0;
    while (!whole || n < whole) {
        ssize_t got = recv(fd, dst + n, size - 1 - n, 0);
        if (got <= 0)
            fail("the API", "closed the connection");
        n += (size_t)got;
        dst[n] = '\0';
        const char *end = strstr(dst, "\r\n\r\n");
        const char *length = strcasestr(dst, "\r\nContent-Length:");
        if (!whole && end && length)
            whole = (size_t)(end + 4 - dst) + strtoul(length + 17, NULL, 10);
    }
    if (strncmp(dst, "HTTP/1.1 201", 12) != 0)
        fail("the API answered", dst);
}

static void *client(void *arg)
{
    (void)arg;
    char body[512], request[2048], answer[8192];
    int fd = connected();
    while (now() < api.end) {
        unsigned i = atomic_fetch_add(&api.next, 1);
        int len = make_body(body, sizeof body, i);
        int n = snprintf(request, sizeof request,
                         "PUT /api/v1/groups/group-%u HTTP/1.1\r\nHost: bench\r\nAuthorization: "
                         "Bearer %s\r\nContent-Type: application/json\r\nContent-Length: "
                         "%d\r\n\r\n%s",
                         i, api.token, len, body);
        if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
            fail("the API", "does not take a request");
        read_answer(fd, answer, sizeof answer);
        atomic_fetch_add(&api.done, 1);
    }
    close(fd);
    return NULL;
}

static double by_api(int port, const char *token, double seconds)
{
    pthread_t threads[CLIENTS];
    double began = now();
    api.port = port;
    api.token = token;
    api.end = began + seconds;
    for (int i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, client, NULL) != 0)
            fail("a client", "no thread");
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    return atomic_load(&api.done) / (now() - began);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        fail("usage", "writes_bench DIR SECONDS PORT TOKEN");
    double seconds = atof(argv[2]);
    double alone = sqlite_alone(argv[1], seconds);
    double served = by_api(atoi(argv[3]), argv[4], seconds);
    printf("single writes a second: SQLite alone %.0f, the API with %d clients %.0f, ratio %.2f\n",
           alone, CLIENTS, served, served / alone);
    return 0;
}
