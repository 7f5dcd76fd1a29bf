/*
 * storm.c - a hall of machines that boot at once: storm PORT MACHINES AT_ONCE QUERY
 *
 * Each machine asks for /boot.ipxe, /ipxe and /ignition, one after another and each over a new
 * connection, as different programs do; AT_ONCE machines are at it at any time. QUERY is 1 when the
 * last two carry labels of a machine of site_gen's, 0 for a server of static files. Every machine
 * has an address of its own in 127.0.0.0/8. Prints, for each of the three, how many were answered
 * 200, what went wrong, and how long it took from connecting to the last byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STEPS      3
#define ANSWER_MAX 65536
#define MACHINES   1000000u
#define SILENCE_MS 10000
#define LABELS                                                                                     \
    "uuid=4c4c4544-0042-3510-8052-b4c04f4a3132&mac=52-54-%02x-%02x-%02x-%02x&serial=ABC123"

static const char *const paths[STEPS] = {"/boot.ipxe", "/ipxe", "/ignition"};

struct machine {
    unsigned number;
    int step;
    int fd;
    double began;
    size_t have;
    char answer[ANSWER_MAX];
};

struct step {
    double *ms;
    size_t n, errors, resets, refused, not_200;
};

struct storm {
    int epoll;
    unsigned port, machines, next;
    int query;
    size_t running;
    struct step steps[STEPS];
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The address of its own that a machine connects from. */
static struct sockaddr_in address_of(unsigned number)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    a.sin_addr.s_addr = htonl(0x7F010000u + (number / 250 << 8) + number % 250 + 1);
    return a;
}

static int begin_step(struct storm *s, struct machine *m)
{
    struct sockaddr_in from = address_of(m->number);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)s->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    m->began = now_ms();
    m->have = 0;
    m->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (m->fd < 0 || bind(m->fd, (struct sockaddr *)&from, sizeof from) < 0)
        return -1;
    if (connect(m->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        return -1;
    struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = m};
    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, m->fd, &ev);
}

static int send_request(struct storm *s, struct machine *m)
{
    char text[512], labels[256] = "";
    unsigned mac = m->number * 2654435761u + 1;
    if (s->query && m->step > 0)
        snprintf(labels, sizeof labels, "?" LABELS, mac >> 24, mac >> 16 & 255, mac >> 8 & 255,
                 mac & 255);
    int n = snprintf(text, sizeof text,
                     "GET %s%s HTTP/1.1\r\nHost: vesta.example.com\r\nUser-Agent: iPXE/1.21.1\r\n"
                     "Connection: close\r\n\r\n",
                     paths[m->step], labels);
    if (send(m->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        return -1;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = m};
    return epoll_ctl(s->epoll, EPOLL_CTL_MOD, m->fd, &ev);
}

/* 1: the answer is whole; 0: more must come. */
static int is_whole(struct machine *m)
{
    m->answer[m->have] = '\0';
    const char *body = strstr(m->answer, "\r\n\r\n");
    const char *length = body ? strcasestr(m->answer, "\r\nContent-Length:") : NULL;
    if (!length)
        return 0;
    return m->have >= (size_t)(body + 4 - m->answer) + strtoul(length + 17, NULL, 10);
}

static void count_failure(struct step *st, int why)
{
    st->errors++;
    st->resets += why == ECONNRESET || why == EPIPE;
    st->refused += why == ECONNREFUSED;
}

static void end_step(struct storm *s, struct machine *m, int failed, int why)
{
    struct step *st = &s->steps[m->step];
    if (m->fd >= 0)
        close(m->fd);
    if (failed)
        count_failure(st, why);
    else if (strncmp(m->answer, "HTTP/1.1 200", 12) != 0)
        st->not_200++;
    else
        st->ms[st->n++] = now_ms() - m->began;
    m->step++;
    if (m->step == STEPS || failed) { /* a machine whose boot failed does not go on */
        m->step = 0;
        m->number = s->next++;
        if (m->number >= s->machines) {
            s->running--;
            m->fd = -1;
            return;
        }
    }
    if (begin_step(s, m) < 0)
        end_step(s, m, 1, errno);
}

static void on_event(struct storm *s, struct machine *m, unsigned events)
{
    int why = 0;
    socklen_t size = sizeof why;
    if (events & EPOLLERR) {
        getsockopt(m->fd, SOL_SOCKET, SO_ERROR, &why, &size);
        end_step(s, m, 1, why);
        return;
    }
    if (events & EPOLLOUT) {
        if (send_request(s, m) < 0)
            end_step(s, m, 1, errno);
        return;
    }
    ssize_t n = recv(m->fd, m->answer + m->have, ANSWER_MAX - 1 - m->have, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0)
        m->have += (size_t)n;
    if (n > 0 && !is_whole(m))
        return;
    end_step(s, m, n <= 0, n < 0 ? errno : 0);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static size_t report(struct storm *s, double took_ms)
{
    size_t bad = 0;
    printf("%u machines in %.2f s: %.0f boots a second\n", s->machines, took_ms / 1e3,
           s->machines / took_ms * 1e3);
    for (int i = 0; i < STEPS; i++) {
        struct step *st = &s->steps[i];
        qsort(st->ms, st->n, sizeof *st->ms, by_value);
        double zero = 0, *ms = st->n ? st->ms : &zero;
        size_t last = st->n ? st->n - 1 : 0;
        printf("  %-10s %zu answers, %zu errors (%zu resets, %zu refused), %zu not 200;"
               " median %.2f, p99 %.2f, most %.2f ms\n",
               paths[i], st->n, st->errors, st->resets, st->refused, st->not_200, ms[last / 2],
               ms[last * 99 / 100], ms[last]);
        bad += st->errors + st->not_200;
    }
    return bad;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: storm PORT MACHINES AT_ONCE QUERY\n");
        return 2;
    }
    struct storm s = {.epoll = epoll_create1(0),
                      .port = (unsigned)atoi(argv[1]),
                      .machines = (unsigned)atoi(argv[2]) % MACHINES,
                      .query = atoi(argv[4])};
    unsigned at_once = (unsigned)atoi(argv[3]);
    struct machine *all = calloc(at_once, sizeof *all);
    for (int i = 0; i < STEPS; i++)
        s.steps[i].ms = calloc(s.machines + 1, sizeof *s.steps[i].ms);
    double began = now_ms();
    s.next = at_once;
    for (unsigned i = 0; all && i < at_once && i < s.machines; i++) {
        all[i].number = i;
        s.running++;
        if (begin_step(&s, &all[i]) < 0)
            end_step(&s, &all[i], 1, errno);
    }
    while (s.running) {
        struct epoll_event events[256];
        int n = epoll_wait(s.epoll, events, 256, SILENCE_MS);
        if (n <= 0) {
            fprintf(stderr, "storm: no answer for %d s, %zu machines wait\n", SILENCE_MS / 1000,
                    s.running);
            return 1;
        }
        for (int i = 0; i < n; i++)
            on_event(&s, events[i].data.ptr, events[i].events);
    }
    return report(&s, now_ms() - began) ? 1 : 0;
}
