/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * log: sentences for the person who runs us. Only cli logs; the other rooms return errors.
 *
 * Purity:    one level and one sink for the process, set at start.
 * Units:     none.
 * Errors:    never fails the caller. A line longer than LOG_LINE_MAX is cut.
 * Ownership: none.
 *
 * Without a sink, lines go to stderr at once. The daemon sets one when it is up, for a
 * terminal or a journal may hang for seconds when memory is short.
 */
#ifndef FASTOOM_BASE_LOG_H
#define FASTOOM_BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>

#define LOG_LINE_MAX 1024

enum log_level { /* syslog's numbers, which the journal reads as a "<N>" prefix */
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Gets a whole line with its newline; must not block and must not log. */
typedef void log_sink(const char *line, size_t len);

void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_set_sink(log_sink *sink);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif /* FASTOOM_BASE_LOG_H */
