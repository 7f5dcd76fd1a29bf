/*
 * log_writer.h - writes log lines to a file descriptor from a thread of its own, so that a request
 * never waits for whoever reads the log: lines gather in memory and go out every 50 ms, warnings
 * and errors at once. When 2 MiB wait, the writer of a line waits too, but not longer than a
 * second: when nobody reads the log (a paused terminal, a pipe to a pager), lines are dropped until
 * it goes on, and a line "log-lost" says how many. Thread rule: any thread writes.
 */
#ifndef VESTA_LOG_WRITER_H
#define VESTA_LOG_WRITER_H

#include "base/err.h"
#include "base/log.h"

struct log_writer;

err_code log_writer_start(int fd, enum log_format format, enum log_level level,
                          struct log_writer **ret, struct err *e);
/* Writes what is left, if anybody reads it within two seconds. */
void log_writer_stop(struct log_writer *w);
struct log_sink log_writer_sink(struct log_writer *w);

#endif
