// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/top_text.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/units.h"
#include "base/util.h"
#include "client/event_text.h"

enum {
	SCOPE,
	RISK,
	STALL,
	THRASH,
	LEVEL,
	MEMORY,
	GROWTH,
	FULL_IN,
	POLICY,
	NEXT,
	HISTORY
};

static const struct {
	const char *title;
	unsigned width; /* without the space before it */
	bool right;
	unsigned turn; /* the lower, the earlier it gets room */
} columns[TOP_COLUMNS] = {
	[SCOPE] = {"SCOPE", 16, false, 0},	[RISK] = {"RISK", 5, true, 1},
	[STALL] = {"STALL", 6, true, 5},	[THRASH] = {"THRASH", 6, true, 4},
	[LEVEL] = {"LEVEL", 5, true, 2},	[MEMORY] = {"USED", 9, true, 8},
	[GROWTH] = {"GROWTH/s", 9, true, 6},	[FULL_IN] = {"FULL IN", 7, true, 7},
	[POLICY] = {"POLICY", 10, false, 3},	[NEXT] = {"NEXT VICTIM", 26, false, 9},
	[HISTORY] = {"HISTORY", 12, false, 10},
};

#define SCOPE_MOST   60
#define HISTORY_MOST 60

void top_layout(struct top_layout *ret, unsigned width, bool utf8)
{
	unsigned used = 0;

	*ret = (struct top_layout){.width = width, .utf8 = utf8};
	for (unsigned turn = 0; turn < TOP_COLUMNS; turn++)
		for (size_t i = 0; i < TOP_COLUMNS; i++) {
			if (columns[i].turn != turn || used + columns[i].width + !!used > width)
				continue;
			ret->widths[i] = columns[i].width;
			used += columns[i].width + !!used;
		}
	/* a line too narrow for any column has the scope only */
	if (!ret->widths[SCOPE])
		ret->widths[SCOPE] = width;
	while (used < width && ret->widths[SCOPE] < SCOPE_MOST) {
		ret->widths[SCOPE]++;
		used++;
	}
	while (used < width && ret->widths[HISTORY] && ret->widths[HISTORY] < HISTORY_MOST) {
		ret->widths[HISTORY]++;
		used++;
	}
}

char *top_fit(char *buf, size_t size, const char *text, unsigned width, bool right, bool utf8)
{
	char kept[1024];
	size_t n = 0;
	unsigned used = 0;
	mbstate_t state = {0};

	while (*text && n + MB_LEN_MAX < sizeof(kept)) {
		wchar_t wide = 0;
		size_t len = utf8 ? mbrtowc(&wide, text, MB_LEN_MAX, &state) : 1;
		int columns_of = 1;

		if (len == (size_t)-1 || len == (size_t)-2 || len == 0) {
			state = (mbstate_t){0};
			len = 1;
			wide = L'?';
		} else if (utf8) {
			columns_of = wcwidth(wide);
		} else {
			wide = isascii((unsigned char)*text) && isprint((unsigned char)*text)
				       ? (wchar_t)*text
				       : L'?';
		}
		if (columns_of < 0) {
			wide = L'?';
			columns_of = 1;
		}
		if (used + (unsigned)columns_of > width)
			break;
		if (wide < 0x80) {
			kept[n++] = (char)wide;
		} else {
			memcpy(kept + n, text, len);
			n += len;
		}
		used += (unsigned)columns_of;
		text += len;
	}
	kept[n] = '\0';
	if (right)
		snprintf(buf, size, "%*s%s", (int)(width - used), "", kept);
	else
		snprintf(buf, size, "%s%*s", kept, (int)(width - used), "");
	return buf;
}

static void append(char *buf, size_t size, const struct top_layout *layout, size_t column,
		   const char *text)
{
	char cell[1400];
	size_t len = strlen(buf);

	if (!layout->widths[column])
		return;
	top_fit(cell, sizeof(cell), text, layout->widths[column], columns[column].right,
		layout->utf8);
	snprintf(buf + len, size - len, "%s%s", len ? " " : "", cell);
}

char *top_head(char *buf, size_t size, const struct top_layout *layout)
{
	buf[0] = '\0';
	for (size_t i = 0; i < TOP_COLUMNS; i++)
		append(buf, size, layout, i, columns[i].title);
	return buf;
}

const char *top_block(unsigned percent, bool utf8)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const plain[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
	size_t i = percent >= 100 ? 7 : percent * 8 / 100;

	return utf8 ? blocks[i] : plain[i];
}

char *top_spark(char *buf, size_t size, const struct top_history *history, unsigned width,
		bool utf8)
{
	size_t len = 0;

	buf[0] = '\0';
	if (width > TOP_HISTORY)
		width = TOP_HISTORY;
	for (unsigned back = width; back-- > 0;) {
		unsigned at;
		uint8_t percent = TOP_UNKNOWN;

		if (history && back < history->count) {
			at = (history->newest + TOP_HISTORY - back) % TOP_HISTORY;
			percent = history->percent[at];
		}
		len += (size_t)snprintf(buf + len, size - len, "%s",
					percent == TOP_UNKNOWN ? " " : top_block(percent, utf8));
		if (len >= size)
			break;
	}
	return buf;
}

/* "1.3G", for a column. */
static char *short_bytes(char *buf, size_t size, double bytes)
{
	static const char units[] = "BKMGTP";
	double value = fabs(bytes);
	size_t i = 0;

	while (value >= 999.5 && units[i + 1]) {
		value /= 1024;
		i++;
	}
	snprintf(buf, size, "%s%.*f%c", bytes < 0 ? "-" : "", i && value < 99.95 ? 1 : 0, value,
		 units[i]);
	return buf;
}

static char *number(char *buf, size_t size, const char *format, double value)
{
	if (isnan(value))
		snprintf(buf, size, "-");
	else if (format[1] == '%')
		snprintf(buf, size, "%.0f%%", value * 100);
	else
		snprintf(buf, size, "%.2f", value);
	return buf;
}

static const char *name_of(const struct top_view *view, const struct top_row *row, char *buf,
			   size_t size)
{
	const char *base = strrchr(row->path, '/');
	char clean[EVENT_SCOPE_MAX];

	if (!*row->path)
		return "node";
	if (view->tree)
		event_clean(clean, sizeof(clean), base ? base + 1 : row->path);
	else
		top_row_name(clean, sizeof(clean), row);
	snprintf(buf, size, "%*s%s", view->tree ? (int)row->depth * 2 : 0, "", clean);
	return buf;
}

/* The last @width bytes: the end of a path says more than its beginning. */
static const char *end_of(const char *text, unsigned width)
{
	size_t len = strlen(text);

	if (len <= width || width < 4)
		return text;
	text += len - width;
	while (((unsigned char)*text & 0xc0) == 0x80)
		text++;
	return text;
}

char *top_line(char *buf, size_t size, const struct top_layout *layout, const struct top_view *view,
	       const struct top_row *row)
{
	char text[1000], spark[TOP_HISTORY * 4 + 1], name[EVENT_SCOPE_MAX + 200];
	const char *named = name_of(view, row, name, sizeof(name));

	buf[0] = '\0';
	append(buf, size, layout, SCOPE, view->tree ? named : end_of(named, layout->widths[SCOPE]));
	append(buf, size, layout, RISK, number(text, sizeof(text), ".2", row->risk));
	append(buf, size, layout, STALL, number(text, sizeof(text), ".2", row->stall));
	append(buf, size, layout, THRASH, number(text, sizeof(text), ".2", row->thrash));
	append(buf, size, layout, LEVEL, number(text, sizeof(text), "%%", row->level));
	append(buf, size, layout, MEMORY,
	       short_bytes(text, sizeof(text), (double)row->usage_bytes));
	append(buf, size, layout, GROWTH,
	       isnan(row->growth) ? "-" : short_bytes(text, sizeof(text), row->growth));
	if (isnan(row->exhausted_s))
		snprintf(text, sizeof(text), "-");
	else
		snprintf(text, sizeof(text), row->exhausted_s < 100 ? "%.1fs" : "%.0fs",
			 row->exhausted_s);
	append(buf, size, layout, FULL_IN, text);
	append(buf, size, layout, POLICY, *row->policy ? row->policy : "-");
	append(buf, size, layout, NEXT,
	       row->incident && row->dry_run ? "(would be killed now)"
	       : row->incident		     ? "(being killed)"
	       : *row->next		     ? row->next
					     : "-");
	append(buf, size, layout, HISTORY,
	       top_spark(spark, sizeof(spark), row->history, layout->widths[HISTORY],
			 layout->utf8));
	return buf;
}

/* "|||||   " of @width columns. */
static void meter(char *buf, size_t size, double share, unsigned width)
{
	unsigned filled = share < 0 ? 0 : share > 1 ? width : (unsigned)(share * width + 0.5);
	size_t n = 0;

	for (unsigned i = 0; i < width && n + 1 < size; i++)
		buf[n++] = i < filled ? '|' : ' ';
	buf[n] = '\0';
}

char *top_node_line(char *buf, size_t size, const struct top_layout *layout,
		    const struct node_memory *node)
{
	unsigned bar = layout->width > 100 ? 30 : layout->width > 60 ? 16 : 8;
	uint64_t used = node->total_bytes - node->available_bytes;
	char line[400], fill[64], a[16], b[16], c[16], d[16];
	size_t n;

	meter(fill, sizeof(fill), (double)used / (double)(node->total_bytes + 1), bar);
	n = (size_t)snprintf(line, sizeof(line), "Mem[%s] %s of %s", fill,
			     short_bytes(a, sizeof(a), (double)used),
			     short_bytes(b, sizeof(b), (double)node->total_bytes));
	if (node->swap_total_bytes) {
		uint64_t swapped = node->swap_total_bytes - node->swap_free_bytes;

		meter(fill, sizeof(fill), (double)swapped / (double)node->swap_total_bytes, bar);
		snprintf(line + n, sizeof(line) - n, "  Swp[%s] %s of %s", fill,
			 short_bytes(c, sizeof(c), (double)swapped),
			 short_bytes(d, sizeof(d), (double)node->swap_total_bytes));
	} else {
		snprintf(line + n, sizeof(line) - n, "  no swap");
	}
	return top_fit(buf, size, line, layout->width, false, layout->utf8);
}

char *top_kill_line(char *buf, size_t size, const struct top_layout *layout, const json_t *kill)
{
	char when[40], what[800], line[900];

	/* a narrow line has the time without the day */
	event_time(when, sizeof(when), kill);
	event_line(what, sizeof(what), kill, layout->width / 4);
	snprintf(line, sizeof(line), "%s %s",
		 layout->width < 100 && strlen(when) > 11 ? when + 11 : when, what);
	return top_fit(buf, size, line, layout->width, false, layout->utf8);
}

/* ---- processes -------------------------------------------------------------------- */

static bool read_process(pid_t pid, struct top_process *ret)
{
	_cleanup_fclose_ FILE *file = NULL;
	unsigned long long kb;
	char path[64], line[256];

	*ret = (struct top_process){.pid = pid};
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "Name:\t", 6)) {
			line[strcspn(line, "\n")] = '\0';
			event_clean(ret->comm, sizeof(ret->comm), line + 6);
		} else if (sscanf(line, "VmRSS: %llu", &kb) == 1) {
			ret->rss_bytes = kb * 1024;
		} else if (sscanf(line, "VmSwap: %llu", &kb) == 1) {
			ret->swap_bytes = kb * 1024;
		}
	}
	fclose(TAKE_PTR(file));
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	file = fopen(path, "re");
	if (file && fscanf(file, "%d", &ret->oom_score_adj) != 1)
		ret->oom_score_adj = 0;
	/* a kernel thread has none */
	return ret->rss_bytes || ret->swap_bytes;
}

/* Keeps the @max largest, in order. */
static void keep_largest(struct top_process *list, size_t *n, size_t max,
			 const struct top_process *process)
{
	size_t at = *n;

	if (at == max && process->rss_bytes <= list[max - 1].rss_bytes)
		return;
	if (at == max)
		at--;
	else
		(*n)++;
	for (; at && list[at - 1].rss_bytes < process->rss_bytes; at--)
		list[at] = list[at - 1];
	list[at] = *process;
}

size_t top_processes(const char *dir, struct top_process *ret, size_t max, size_t *ret_all)
{
	struct top_process process;
	char path[1200];
	size_t n = 0;

	*ret_all = 0;
	if (*dir) {
		_cleanup_fclose_ FILE *file = NULL;
		int pid;

		snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
		file = fopen(path, "re");
		while (file && fscanf(file, "%d", &pid) == 1) {
			++*ret_all;
			if (read_process(pid, &process))
				keep_largest(ret, &n, max, &process);
		}
	} else {
		const struct dirent *entry;
		DIR *proc = opendir("/proc");

		while (proc && (entry = readdir(proc))) {
			if (!isdigit((unsigned char)entry->d_name[0]))
				continue;
			++*ret_all;
			if (read_process(atoi(entry->d_name), &process))
				keep_largest(ret, &n, max, &process);
		}
		if (proc)
			closedir(proc);
	}
	return n;
}
