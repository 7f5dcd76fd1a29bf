#include "progress.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define EVERY_MS 100

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p, const char *what)
{
    *p = (struct progress){.what = what, .on = isatty(STDERR_FILENO)};
}

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
    (void)number;
    asked_to_stop = 1;
}

void progress_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &a, NULL);
}

static void show(struct progress *p, uint64_t done, uint64_t all)
{
    uint64_t now = p->on ? now_ms() : 0;
    if (!p->on || (p->shown && now - p->last_ms < EVERY_MS))
        return;
    p->shown = true;
    p->last_ms = now;
    if (all && done < all)
        fprintf(stderr, "\r\033[K%s: %d %%", p->what, (int)((double)done * 100 / (double)all));
    else if (all)
        fprintf(stderr, "\r\033[K%s: waiting for the server", p->what);
    else
        fprintf(stderr, "\r\033[K%s: %llu", p->what, (unsigned long long)done);
}

bool progress_show(void *progress, uint64_t done, uint64_t all)
{
    show(progress, done, all);
    return !asked_to_stop;
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\033[K");
    p->shown = false;
}
