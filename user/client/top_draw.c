// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/top_draw.h"

#include <math.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "base/util.h"
#include "client/top_daemon.h"
#include "client/top_model.h"
#include "client/words.h"

/* ncurses has function-like macros of common names */
#undef lines
#undef newline

#define DETAIL_PROCESSES 40
#define KILLS_SHOWN	 5

enum {
	COLOR_HOT = 1, /* pairs */
	COLOR_DANGER,
	COLOR_HEAD,
	COLOR_TROUBLE,
};

bool top_draw_colors(void)
{
	if (!has_colors() || start_color() != OK)
		return false;
	use_default_colors();
	init_pair(COLOR_HOT, COLOR_YELLOW, -1);
	init_pair(COLOR_DANGER, COLOR_RED, -1);
	init_pair(COLOR_HEAD, COLOR_CYAN, -1);
	init_pair(COLOR_TROUBLE, COLOR_WHITE, COLOR_RED);
	return true;
}

static void put(const struct screen *screen, int y, const char *text, attr_t attributes, short pair)
{
	char line[TOP_LINE_MAX];

	if (y < 0 || y >= LINES)
		return;
	top_fit(line, sizeof(line), text, (unsigned)COLS, false, screen->utf8);
	attr_set(attributes, screen->color ? pair : 0, NULL);
	mvaddstr(y, 0, line);
	attr_set(A_NORMAL, 0, NULL);
}

static int kills_height(const struct screen *screen)
{
	size_t n = 0;

	while (n < KILLS_SHOWN && top_daemon_kill(screen->daemon, n))
		n++;
	if (LINES < 16)
		return LINES < 10 ? 0 : 2;
	return (int)(n ? n : 1) + 1;
}

static int list_top(const struct screen *screen)
{
	return *top_daemon_trouble(screen->daemon) ? 4 : 3;
}

int top_draw_height(const struct screen *screen)
{
	int height = LINES - list_top(screen) - kills_height(screen) - 1;

	return height < 1 ? 1 : height;
}

static int draw_top(const struct screen *screen)
{
	const char *trouble = top_daemon_trouble(screen->daemon);
	const char *daemon = top_daemon_text(screen->daemon);
	char line[TOP_LINE_MAX], host[65] = "", clock[16];
	time_t now = time(NULL);
	struct tm tm;
	int y = 0;

	gethostname(host, sizeof(host) - 1);
	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	snprintf(line, sizeof(line), "fastoom-bpf top  %s  %s  %s", host, clock,
		 *trouble && !*daemon ? "no daemon" : daemon);
	put(screen, y++, line, A_BOLD, 0);
	if (*trouble)
		put(screen, y++, trouble, A_BOLD, COLOR_TROUBLE);
	top_node_line(line, sizeof(line), &screen->layout, top_model_node(screen->model));
	put(screen, y++, line, A_NORMAL, 0);
	return y;
}

static short pair_of(const struct top_row *row)
{
	if (!row->hot)
		return 0;
	return !isnan(row->risk) && row->risk >= 0.5 ? COLOR_DANGER : COLOR_HOT;
}

static void draw_kills(const struct screen *screen)
{
	int height = kills_height(screen), y = LINES - 1 - height;
	char line[TOP_LINE_MAX];

	if (height < 2)
		return;
	put(screen, y++, "RECENT KILLS", A_REVERSE, COLOR_HEAD);
	if (!top_daemon_kill(screen->daemon, 0))
		put(screen, y, "no kill is known", A_DIM, 0);
	for (size_t i = 0; (int)i < height - 1 && top_daemon_kill(screen->daemon, i); i++) {
		top_kill_line(line, sizeof(line), &screen->layout,
			      top_daemon_kill(screen->daemon, i));
		put(screen, y++, line, A_NORMAL, 0);
	}
}

static void draw_keys(const struct screen *screen)
{
	char line[TOP_LINE_MAX];

	switch (screen->mode) {
	case MODE_SEARCH:
		snprintf(line, sizeof(line), "Search: %s_   (Enter: done, Esc: back)",
			 screen->typed);
		break;
	case MODE_FILTER:
		snprintf(line, sizeof(line), "Filter: %s_   (Enter: done, Esc: no filter)",
			 screen->typed);
		break;
	case MODE_SORT:
		snprintf(line, sizeof(line),
			 "Sort by: 1 risk  2 level  3 stall  4 thrash  5 growth  6 usage  7 name");
		break;
	case MODE_DETAIL:
		snprintf(line, sizeof(line), "Esc back  Up/Down another scope  q quit");
		break;
	case MODE_HELP:
		snprintf(line, sizeof(line), "any key: back");
		break;
	default:
		snprintf(
			line, sizeof(line),
			"F1 help  F3 search  F4 filter%s%s  F5 tree%s  F6 sort: %s%s  Enter detail  q quit",
			*screen->view->filter ? ": " : "", screen->view->filter,
			screen->view->tree ? " (on)" : "", top_sort_name(screen->view->sort),
			screen->view->reverse ? " (reverse)" : "");
	}
	if (*screen->message)
		snprintf(line, sizeof(line), "%s", screen->message);
	put(screen, LINES - 1, line, A_REVERSE, COLOR_HEAD);
}

/* Finds the selected row among new rows. */
static void find_selected(struct screen *screen)
{
	size_t n;
	const struct top_row *rows = top_model_rows(screen->model, &n);
	size_t height = (size_t)top_draw_height(screen);

	for (size_t i = 0; screen->moved && i < n; i++)
		if (!strcmp(rows[i].path, screen->selected)) {
			screen->at = i;
			break;
		}
	if (screen->at >= n)
		screen->at = n ? n - 1 : 0;
	if (n)
		snprintf(screen->selected, sizeof(screen->selected), "%s", rows[screen->at].path);
	if (screen->at < screen->top)
		screen->top = screen->at;
	if (screen->at >= screen->top + height)
		screen->top = screen->at - height + 1;
	if (screen->top + height > n)
		screen->top = n > height ? n - height : 0;
}

static void draw_list(struct screen *screen)
{
	size_t n, height = (size_t)top_draw_height(screen);
	struct top_row *rows = top_model_rows(screen->model, &n);
	char line[TOP_LINE_MAX];
	int y = draw_top(screen);

	top_head(line, sizeof(line), &screen->layout);
	put(screen, y++, line, A_REVERSE, COLOR_HEAD);
	for (size_t i = screen->top; i < n && i < screen->top + height; i++) {
		attr_t attributes = rows[i].hot ? A_BOLD : A_NORMAL;

		top_model_look(screen->model, &rows[i]);
		top_line(line, sizeof(line), &screen->layout, screen->view, &rows[i]);
		put(screen, y++, line, attributes | (i == screen->at ? A_REVERSE : 0),
		    pair_of(&rows[i]));
	}
	if (!n)
		put(screen, y, "no scope has such a name", A_DIM, 0);
	draw_kills(screen);
}

static int draw_histogram(const struct screen *screen, const struct top_row *row, int y)
{
	uint64_t most = 0;
	size_t first = TOP_SLOTS, last = 0;
	char line[TOP_LINE_MAX], from[UNITS_TEXT_MAX];

	for (size_t i = 0; i < TOP_SLOTS; i++) {
		if (!row->slots[i])
			continue;
		most = row->slots[i] > most ? row->slots[i] : most;
		first = i < first ? i : first;
		last = i;
	}
	put(screen, y++, "STALLS: reclaims by duration", A_REVERSE, COLOR_HEAD);
	if (!most) {
		put(screen, y++, row->hot ? "none" : "not known: the scope does not reclaim memory",
		    A_DIM, 0);
		return y;
	}
	for (size_t i = first; i <= last; i++) {
		unsigned bar = (unsigned)(row->slots[i] * 30 / most);
		size_t len;

		units_format_duration(from, sizeof(from), 1000ULL << i);
		len = (size_t)snprintf(line, sizeof(line), "%10s.. %10llu ", from,
				       (unsigned long long)row->slots[i]);
		for (unsigned b = 0; b < bar && len + 1 < sizeof(line); b++)
			line[len++] = '#';
		line[len] = '\0';
		put(screen, y++, line, A_NORMAL, 0);
	}
	return y;
}

static int draw_processes(const struct screen *screen, const struct top_row *row, int y)
{
	static struct top_process processes[DETAIL_PROCESSES];
	char dir[1100] = "", line[TOP_LINE_MAX], rss[UNITS_TEXT_MAX], swap[UNITS_TEXT_MAX];
	size_t n, all;

	if (*row->path)
		snprintf(dir, sizeof(dir), "%.500s%.512s", top_model_mount(screen->model),
			 row->path);
	n = top_processes(dir, processes, ARRAY_SIZE(processes), &all);
	snprintf(line, sizeof(line), "PROCESSES, %zu        RSS         SWAP    ADJ  NAME", all);
	put(screen, y++, line, A_REVERSE, COLOR_HEAD);
	for (size_t i = 0; i < n && y < LINES - 1; i++) {
		snprintf(line, sizeof(line), "%10d %12s %12s %6d  %s", (int)processes[i].pid,
			 units_format_bytes(rss, sizeof(rss), processes[i].rss_bytes),
			 units_format_bytes(swap, sizeof(swap), processes[i].swap_bytes),
			 processes[i].oom_score_adj, processes[i].comm);
		put(screen, y++, line, A_NORMAL, 0);
	}
	return y;
}

/* What is not known is left out. */
static void draw_numbers(const struct screen *screen, const struct top_row *row, int y)
{
	struct words words = {0};

	if (!isnan(row->risk))
		words_add(&words, "risk %.2f; ", row->risk);
	if (!isnan(row->level))
		words_add(&words, "level %.0f %%; ", row->level * 100);
	if (!isnan(row->lost))
		words_add(&words, "%.0f %% of its tasks' time lost; ", row->lost * 100);
	if (!isnan(row->stall))
		words_add(&words, "stall %.2f tasks; ", row->stall);
	if (!isnan(row->thrash))
		words_add(&words, "thrash %.2f tasks; ", row->thrash);
	if (words.len)
		words.text[words.len - 2] = '\0';
	put(screen, y, words.text, A_NORMAL, 0);
}

static void draw_detail(struct screen *screen)
{
	size_t n;
	struct top_row *rows = top_model_rows(screen->model, &n), *row;
	char line[TOP_LINE_MAX], a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX], spark[TOP_HISTORY * 4 + 1];
	int y = draw_top(screen);

	if (!n)
		return;
	row = &rows[screen->at];
	top_model_look(screen->model, row);
	top_row_name(line, sizeof(line), row);
	put(screen, y++, line, A_BOLD, pair_of(row));
	snprintf(line, sizeof(line), "policy %s%s%s%s; uses %s%s%s",
		 *row->policy ? row->policy : "-",
		 !row->hot	? ""
		 : !row->acts	? " (only warns)"
		 : row->dry_run ? " (dry run)"
				: "",
		 row->hot ? "; " : "", row->verdict,
		 units_format_bytes(a, sizeof(a), row->usage_bytes),
		 row->limit_bytes == UINT64_MAX ? "" : " of ",
		 row->limit_bytes == UINT64_MAX
			 ? ""
			 : units_format_bytes(b, sizeof(b), row->limit_bytes));
	put(screen, y++, line, A_NORMAL, 0);
	if (row->hot) {
		draw_numbers(screen, row, y++);
		snprintf(line, sizeof(line), "next victim: %s",
			 *row->next ? row->next : "not known");
		put(screen, y++, line, A_NORMAL, 0);
	}
	top_spark(spark, sizeof(spark), row->history,
		  screen->layout.width > 20 ? screen->layout.width - 8 : 12, screen->utf8);
	snprintf(line, sizeof(line), "history %s", spark);
	put(screen, y++, line, A_NORMAL, 0);
	y = draw_histogram(screen, row, y);
	draw_processes(screen, row, y);
}

static void draw_help(const struct screen *screen)
{
	static const char *const text[] = {
		"RISK      probability that the scope is in Near-OOM or will be soon, 0 to 1",
		"STALL     tasks that are in reclaim; 2.00 is two tasks, all of the time",
		"THRASH    tasks that wait for pages which reclaim took shortly before",
		"LEVEL     share of its memory (node: RAM, cgroup: its limit) that reclaim cannot free",
		"USED      memory in use, page cache included",
		"GROWTH/s  how fast the level grows; FULL IN: until it is 100 % at that rate",
		"POLICY    the policy of the configuration for this scope",
		"NEXT VICTIM  the process that would be killed now, and how much that frees",
		"HISTORY   the level, a point for each refresh",
		"A scope has a risk only while it reclaims memory: only then is it watched.",
		"",
		"Up Down PgUp PgDn Home End   select      Enter   its processes and stalls",
		"F3 /     search; n: next                 F4 \\    filter",
		"F5 t     tree                            F6 > s  sort",
		"I        reverse order                   a       all scopes, or only those with a limit",
		"Ctrl-L   redraw                          F10 q   quit",
	};
	int y = draw_top(screen);

	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		put(screen, y++, text[i], A_NORMAL, 0);
}

void top_draw(struct screen *screen)
{
	top_layout(&screen->layout, (unsigned)COLS, screen->utf8);
	find_selected(screen);
	erase();
	switch (screen->mode) {
	case MODE_DETAIL:
		draw_detail(screen);
		break;
	case MODE_HELP:
		draw_help(screen);
		break;
	default:
		draw_list(screen);
	}
	draw_keys(screen);
	refresh();
}
