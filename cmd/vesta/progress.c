#include "progress.h"

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

void progress_show(void *progress, uint64_t done, uint64_t all)
{
    struct progress *p = progress;
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

void progress_end(struct progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\033[K");
    p->shown = false;
}
