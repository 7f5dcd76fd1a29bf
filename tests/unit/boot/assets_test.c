/* That assets are served from inside their directory, and nothing else is. */
#include "boot/assets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "../support/check.h"
#include "base/buf.h"

static char top[] = "/tmp/assets-test-XXXXXX";
static struct assets *assets;
static struct http_server *server;

/* --- the site -------------------------------------------------------------------------------- */

static void make(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", top, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        perror(path);
        exit(1);
    }
    close(fd);
}

static void make_dir(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", top, name);
    if (mkdir(path, 0755) != 0) {
        perror(path);
        exit(1);
    }
}

static void make_link(const char *target, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", top, name);
    if (symlink(target, path) != 0) {
        perror(path);
        exit(1);
    }
}

static void make_site(void)
{
    make("secret.txt", "secret");
    make_dir("assets");
    make_dir("assets/sub");
    make("assets/one.txt", "line one\nline two\n");
    make("assets/sub/file.yaml", "k: v\n");
    make("assets/.dotfile", "dot\n");
    make("assets/..one", "dots\n");
    make("assets/with space.txt", "sp\n");
    make("assets/hash#q?.txt", "hash\n");
    make("assets/pct%41.txt", "pct\n");
    make("assets/plus+.txt", "plus\n");
    make("assets/a&b<c>.txt", "html name\n");
    make("assets/back\\slash", "back\n");
    make("assets/noext", "just text\n");
    make("assets/KERNEL.EFI", "MZ");
    make("assets/index.html", "<p>");
    make_link("one.txt", "assets/link-in");
    make_link("../one.txt", "assets/sub/link-up-but-in");
    make_link("../secret.txt", "assets/link-out");
    make_link("/etc/passwd", "assets/link-absolute");
    make_link("..", "assets/link-dir-out");
    make_link("nothing", "assets/link-dead");
    make_link("link-loop", "assets/link-loop");
    char path[256];
    snprintf(path, sizeof path, "%s/assets/fifo", top);
    mkfifo(path, 0644);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void handle(void *ctx, struct http_request *q, struct http_response *r)
{
    (void)ctx;
    assets_respond(assets, str_skip(q->path, sizeof "/assets/" - 1), NULL, q, r);
}

/* The whole answer to a GET of /assets/ and path. */
static void get(const char *path, struct buf *answer)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(server))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    BUF_LOCAL(request, 65536);
    buf_addf(&request, "GET /assets/%s HTTP/1.0\r\n\r\n", path);
    char chunk[4096];
    ssize_t n;
    buf_clear(answer);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
        send(fd, request.p, request.n, MSG_NOSIGNAL) == (ssize_t)request.n)
        while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0)
            buf_add(answer, chunk, (size_t)n);
    close(fd);
}

static bool has(const struct buf *answer, const char *text)
{
    return str_find(buf_str(answer), str_c(text), 0) < answer->n;
}

static bool is(const struct buf *answer, const char *status, const char *body)
{
    struct str head = STR("HTTP/1.1 ");
    return str_starts(buf_str(answer), head) &&
           str_starts(str_skip(buf_str(answer), head.n), str_c(status)) &&
           str_ends(buf_str(answer), str_c(body));
}

/* --- tests ----------------------------------------------------------------------------------- */

static void files_are_served(void)
{
    static const char *const files[][2] = {
        {"one.txt", "\r\n\r\nline one\nline two\n"},
        {"%6fne.txt", "\r\n\r\nline one\nline two\n"},
        {"one.txt?x=1", "\r\n\r\nline one\nline two\n"},
        {"sub/file.yaml", "\r\n\r\nk: v\n"},
        {"sub%2ffile.yaml", "\r\n\r\nk: v\n"},
        {".dotfile", "\r\n\r\ndot\n"},
        {"..one", "\r\n\r\ndots\n"},
        {"with%20space.txt", "\r\n\r\nsp\n"},
        {"hash%23q%3F.txt", "\r\n\r\nhash\n"},
        {"pct%2541.txt", "\r\n\r\npct\n"},
        {"plus+.txt", "\r\n\r\nplus\n"},
        {"a&b<c>.txt", "\r\n\r\nhtml name\n"},
        {"back\\slash", "\r\n\r\nback\n"},
        {"back%5cslash", "\r\n\r\nback\n"},
        {"link-in", "\r\n\r\nline one\nline two\n"},
        {"sub/link-up-but-in", "\r\n\r\nline one\nline two\n"},
    };
    BUF_LOCAL(answer, 1 << 20);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        get(files[i][0], &answer);
        CHECK(is(&answer, "200", files[i][1]), "%s: %.*s", files[i][0], STR_FMT(buf_str(&answer)));
    }
}

static void nothing_else_is_served(void)
{
    static const char *const paths[] = {
        "",
        "none",
        "none/x",
        "one.txt/x",
        "one.txt/",
        "sub",
        "sub/",
        ".",
        "..",
        "../secret.txt",
        "%2e%2e%2fsecret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "sub/../../secret.txt",
        "sub/../one.txt",
        "%252e%252e%252fsecret.txt",
        "..%5csecret.txt",
        "..\\secret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "one.txt%00",
        "one.txt%00.html",
        "one.txt%20",
        "one.txt%",
        "%ff",
        "fifo",
        "link-out",
        "link-absolute",
        "link-dir-out/secret.txt",
        "link-dead",
        "link-loop",
        "pct%41.txt",
    };
    BUF_LOCAL(answer, 1 << 20);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        get(paths[i], &answer);
        CHECK(is(&answer, "404", "\r\n\r\n404 page not found\n"), "%s: %.*s", paths[i],
              STR_FMT(buf_str(&answer)));
    }
}

static void long_names_are_not_found(void)
{
    BUF_LOCAL(answer, 1 << 20);
    BUF_LOCAL(path, 1 << 20);
    for (int i = 0; i < 300; i++)
        buf_add_lit(&path, "n");
    get(buf_c(&path), &answer);
    CHECK(is(&answer, "404", "404 page not found\n"));
    for (int i = 0; i < 3500; i++)
        buf_add_lit(&path, "/x");
    get(buf_c(&path), &answer);
    CHECK(is(&answer, "404", "404 page not found\n"));
}

static void types_follow_the_extension(void)
{
    static const char *const types[][2] = {
        {"one.txt", "Content-Type: text/plain; charset=utf-8\r\n"},
        {"sub/file.yaml", "Content-Type: application/yaml\r\n"},
        {"noext", "Content-Type: application/octet-stream\r\n"},
        {".dotfile", "Content-Type: application/octet-stream\r\n"},
        {"KERNEL.EFI", "Content-Type: application/efi\r\n"},
        {"index.html", "Content-Type: text/html; charset=utf-8\r\n"},
    };
    BUF_LOCAL(answer, 1 << 20);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        get(types[i][0], &answer);
        CHECK(has(&answer, types[i][1]), "%s: %.*s", types[i][0], STR_FMT(buf_str(&answer)));
        CHECK(has(&answer, "nosniff") == has(&answer, "Type: text/"), "%s", types[i][0]);
    }
}

/* Files are kept open, but each change of what a name leads to shows at once. */
static void what_is_kept_open_is_never_stale(void)
{
    char path[256], other[256];
    BUF_LOCAL(answer, 1 << 20);
    snprintf(path, sizeof path, "%s/assets/kept", top);
    snprintf(other, sizeof other, "%s/assets/other", top);
    make("assets/kept", "first");
    for (int i = 0; i < 3; i++) {
        get("kept", &answer);
        CHECK(is(&answer, "200", "\r\n\r\nfirst"), "%d", i);
    }
    make("assets/kept", "longer than the first");
    get("kept", &answer);
    CHECK(is(&answer, "200", "\r\n\r\nlonger than the first"));
    make("assets/other", "another file, renamed");
    CHECK(rename(other, path) == 0);
    get("kept", &answer);
    CHECK(is(&answer, "200", "\r\n\r\nanother file, renamed"));
    CHECK(unlink(path) == 0);
    get("kept", &answer);
    CHECK(is(&answer, "404", "404 page not found\n"));
    make_link("one.txt", "assets/kept");
    get("kept", &answer);
    get("kept", &answer);
    CHECK(is(&answer, "200", "line two\n"));
    CHECK(unlink(path) == 0);
    make_link("../secret.txt", "assets/kept");
    get("kept", &answer);
    CHECK(is(&answer, "404", "404 page not found\n"), "a link that leads out now");
    CHECK(unlink(path) == 0);
    for (int i = 0; i < 200; i++) {
        char name[32], want[32];
        snprintf(name, sizeof name, "assets/many%d", i % 100);
        snprintf(want, sizeof want, "\r\n\r\n%d", i % 100);
        make(name, want + 4);
        get(name + 7, &answer);
        CHECK(is(&answer, "200", want), "%s", name);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof path, "%s/assets/many%d", top, i);
        CHECK(unlink(path) == 0);
    }
}

static void root_may_go_and_come_back(void)
{
    char root[256], away[256];
    snprintf(root, sizeof root, "%s/assets", top);
    snprintf(away, sizeof away, "%s/away", top);
    BUF_LOCAL(answer, 1 << 20);
    CHECK(rename(root, away) == 0);
    get("one.txt", &answer);
    CHECK(is(&answer, "404", "404 page not found\n"));
    CHECK(rename(away, root) == 0);
    get("one.txt", &answer);
    CHECK(is(&answer, "200", "line two\n"));
}

int main(void)
{
    struct http_config c = {.address = "127.0.0.1:0", .threads = 1, .handler = handle};
    struct err e = ERR_INIT;
    if (!mkdtemp(top)) {
        perror(top);
        return 1;
    }
    char root[256];
    snprintf(root, sizeof root, "%s/assets", top);
    if (assets_open(root, &assets, &e) || http_start(&c, &server, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    make_site();
    RUN(files_are_served);
    RUN(nothing_else_is_served);
    RUN(long_names_are_not_found);
    RUN(types_follow_the_extension);
    RUN(what_is_kept_open_is_never_stale);
    RUN(root_may_go_and_come_back);
    http_stop(server, 1000);
    assets_free(assets);
    nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return check_done();
}
