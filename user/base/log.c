// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"

static enum log_level most_level = LOG_LEVEL_INFO;
/* for each thread: a sink hands lines to a queue that takes them from one thread only */
static _Thread_local log_sink *thread_sink;

void log_set_level(enum log_level level)
{
	most_level = level;
}

enum log_level log_level(void)
{
	return most_level;
}

void log_set_sink(log_sink *sink)
{
	thread_sink = sink;
}

/* systemd says in JOURNAL_STREAM which file is the journal. A command that a service runs inherits
 * it, wherever stderr of that command goes. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_line(enum log_level level, const char *format, ...)
{
	static const char *const words[] = {
		[LOG_LEVEL_ERROR] = "error: ",
		[LOG_LEVEL_WARN] = "warning: ",
		[LOG_LEVEL_INFO] = "",
		[LOG_LEVEL_DEBUG] = "debug: ",
	};
	char line[LOG_LINE_MAX];
	size_t len = 0;
	va_list args;
	int n;

	if (level > most_level)
		return;
	if (is_journal())
		len = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	else
		len = (size_t)snprintf(line, sizeof(line), "fastoom-bpf: %s", words[level]);

	va_start(args, format);
	n = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	len += (size_t)n;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	/* a process chooses its name: no name may end the line or move the cursor */
	utf8_sanitize(line, len);
	line[len++] = '\n';
	line[len] = '\0';

	if (thread_sink)
		thread_sink(line, len);
	else if (write(STDERR_FILENO, line, len) < 0)
		return; /* there is no other place to report it */
}
