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
   struct progress. False once the process was asked to stop. */
bool progress_show(void *progress, uint64_t done, uint64_t all);
/* From now on SIGINT, SIGTERM and SIGHUP do not end the process: progress_show says false. */
void progress_catch_signals(void);
/* Wipes the line. */
void progress_end(struct progress *p);

#endif
