/*
 * progress.h - how far a long command is, on a line that is written over: on a terminal only.
 */
#ifndef VESTA_PROGRESS_H
#define VESTA_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "importing"; constant */
    bool on, shown;
    uint64_t last_ms;
};

void progress_begin(struct progress *p, const char *what);
/* Done so much of all; all 0: how much there is is not known. A store_progress; the argument is the
   struct progress. */
void progress_show(void *progress, uint64_t done, uint64_t all);
/* Wipes the line. */
void progress_end(struct progress *p);

#endif
