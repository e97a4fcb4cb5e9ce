/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * log: lines for the administrator, on stderr or through a sink.
 *
 * The daemon's main thread sets a sink that hands lines to another thread: a terminal or a journal
 * can block for seconds when memory is short. Any thread may log. A thread without a sink of its
 * own writes to stderr, and waits for it.
 *
 * Purity:    one level a process and one sink a thread, set at start; writes to stderr or the sink.
 * Units:     none.
 * Errors:    none. A line longer than LOG_LINE_MAX is cut.
 * Ownership: none; the sink gets a buffer that is valid during the call.
 */
#ifndef FASTOOM_BASE_LOG_H
#define FASTOOM_BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>

#define LOG_LINE_MAX 1024 /* bytes, with newline and NUL */

enum log_level { /* syslog(3)'s numbers: the journal reads them as a "<N>" prefix */
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Gets one line with its newline; must neither block nor log. */
typedef void log_sink(const char *line, size_t len);

void log_set_level(enum log_level level);
enum log_level log_level(void);
/* Of the calling thread; NULL: stderr. */
void log_set_sink(log_sink *sink);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif /* FASTOOM_BASE_LOG_H */
