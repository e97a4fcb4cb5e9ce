// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/top_screen.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "base/util.h"
#include "base/exit.h"
#include "client/top_model.h"
#include "client/top_text.h"

/* ncurses has function-like macros of common names */
#undef lines
#undef newline

#define DETAIL_PROCESSES 40
#define KILLS_SHOWN	 5

enum mode {
	MODE_LIST,
	MODE_DETAIL,
	MODE_HELP,
	MODE_SORT,
	MODE_SEARCH,
	MODE_FILTER,
};

enum {
	COLOR_HOT = 1, /* pairs */
	COLOR_DANGER,
	COLOR_HEAD,
	COLOR_TROUBLE,
};

struct screen {
	struct top_model *model;
	struct top_view *view;
	const struct top_screen_options *options;
	struct top_layout layout;
	enum mode mode;
	char selected[512]; /* the path of the row; "" is the node */
	size_t at, top;	    /* the row, and the first that is seen */
	char typed[64];
	char sought[64];
	char message[100];
	bool leave;
	bool moved; /* or else the first row stays selected, whoever it is */
};

/* ---- giving the terminal back --------------------------------------------------------- */

static struct termios saved_termios;
static volatile sig_atomic_t is_saved;
static char restore_text[256];
static size_t restore_len;

static void add_capability(const char *name)
{
	const char *text = tigetstr((char *)name);

	if (!text || text == (char *)-1 || restore_len + strlen(text) >= sizeof(restore_text))
		return;
	memcpy(restore_text + restore_len, text, strlen(text));
	restore_len += strlen(text);
}

/* endwin() may not be called from a signal's handler; these may. */
static void on_fatal(int number)
{
	if (is_saved) {
		if (write(STDOUT_FILENO, restore_text, restore_len) < 0)
			is_saved = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	}
	/* SA_RESETHAND: now it does what it would have done */
	raise(number);
}

static void save_terminal(void)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL,  SIGFPE, SIGABRT,
				    SIGTERM, SIGHUP, SIGQUIT, SIGINT};
	const struct sigaction action = {.sa_handler = on_fatal,
					 .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

	is_saved = tcgetattr(STDIN_FILENO, &saved_termios) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &action, NULL);
}

static void learn_terminal(void)
{
	static const char *const names[] = {"rmkx", "sgr0", "cnorm", "rmcup"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_capability(names[i]);
}

/* ---- drawing ---------------------------------------------------------------------------- */

static void put(const struct screen *screen, int y, const char *text, attr_t attributes, short pair)
{
	char line[TOP_LINE_MAX];

	if (y < 0 || y >= LINES)
		return;
	top_fit(line, sizeof(line), text, (unsigned)COLS, false, screen->options->utf8);
	attr_set(attributes, screen->options->color ? pair : 0, NULL);
	mvaddstr(y, 0, line);
	attr_set(A_NORMAL, 0, NULL);
}

static int kills_height(const struct screen *screen)
{
	size_t n = 0;

	while (n < KILLS_SHOWN && top_model_kill(screen->model, n))
		n++;
	if (LINES < 16)
		return LINES < 10 ? 0 : 2;
	return (int)(n ? n : 1) + 1;
}

static int list_top(const struct screen *screen)
{
	return *top_model_trouble(screen->model) ? 4 : 3;
}

static int list_height(const struct screen *screen)
{
	int height = LINES - list_top(screen) - kills_height(screen) - 1;

	return height < 1 ? 1 : height;
}

static int draw_top(const struct screen *screen)
{
	const char *trouble = top_model_trouble(screen->model);
	char line[TOP_LINE_MAX], host[65] = "", clock[16];
	time_t now = time(NULL);
	struct tm tm;
	int y = 0;

	gethostname(host, sizeof(host) - 1);
	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	snprintf(line, sizeof(line), "fastoom-bpf top  %s  %s  %s", host, clock,
		 *trouble && !*top_model_daemon(screen->model) ? "no daemon"
							       : top_model_daemon(screen->model));
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
	if (!top_model_kill(screen->model, 0))
		put(screen, y, "none that is known of", A_DIM, 0);
	for (size_t i = 0; (int)i < height - 1 && top_model_kill(screen->model, i); i++) {
		top_kill_line(line, sizeof(line), &screen->layout,
			      top_model_kill(screen->model, i));
		put(screen, y++, line, A_NORMAL, 0);
	}
}

static void draw_keys(const struct screen *screen)
{
	char line[TOP_LINE_MAX];

	switch (screen->mode) {
	case MODE_SEARCH:
		snprintf(line, sizeof(line), "Search: %s_   (Enter keeps, Esc leaves)",
			 screen->typed);
		break;
	case MODE_FILTER:
		snprintf(line, sizeof(line), "Filter: %s_   (Enter keeps, Esc clears)",
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
		snprintf(line, sizeof(line), "any key goes back");
		break;
	default:
		snprintf(
			line, sizeof(line),
			"F1 help  F3 search  F4 filter%s%s  F5 tree%s  F6 sort: %s%s  Enter detail  q quit",
			*screen->view->filter ? ": " : "", screen->view->filter,
			screen->view->tree ? " (on)" : "", top_sort_name(screen->view->sort),
			screen->view->inverted ? " (inverted)" : "");
	}
	if (*screen->message)
		snprintf(line, sizeof(line), "%s", screen->message);
	put(screen, LINES - 1, line, A_REVERSE, COLOR_HEAD);
}

/* Finds the selected row again after the rows were made anew. */
static void find_selected(struct screen *screen)
{
	size_t n;
	const struct top_row *rows = top_model_rows(screen->model, &n);
	size_t height = (size_t)list_height(screen);

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
	size_t n, height = (size_t)list_height(screen);
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
		put(screen, y, "no scope whose name has this", A_DIM, 0);
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
	put(screen, y++, "STALLS, by how long a reclaim took", A_REVERSE, COLOR_HEAD);
	if (!most) {
		put(screen, y++, row->hot ? "none" : "not known while it does not reclaim", A_DIM,
		    0);
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
		 *row->policy ? row->policy : "-", row->hot && !row->acts ? " (warns only)" : "",
		 row->hot ? "; " : "", row->verdict,
		 units_format_bytes(a, sizeof(a), row->usage_bytes),
		 row->limit_bytes == UINT64_MAX ? "" : " of ",
		 row->limit_bytes == UINT64_MAX
			 ? ""
			 : units_format_bytes(b, sizeof(b), row->limit_bytes));
	put(screen, y++, line, A_NORMAL, 0);
	if (row->hot) {
		snprintf(
			line, sizeof(line),
			"risk %.2f; %.0f %% of its tasks' time lost; stall %.2f tasks; thrash %.2f "
			"tasks; level %.0f %%",
			row->risk, row->lost * 100, row->stall, row->thrash, row->level * 100);
		put(screen, y++, line, A_NORMAL, 0);
		snprintf(line, sizeof(line), "next to die: %s",
			 *row->next ? row->next : "not known");
		put(screen, y++, line, A_NORMAL, 0);
	}
	top_spark(spark, sizeof(spark), row->history,
		  screen->layout.width > 20 ? screen->layout.width - 8 : 12, screen->options->utf8);
	snprintf(line, sizeof(line), "history %s", spark);
	put(screen, y++, line, A_NORMAL, 0);
	y = draw_histogram(screen, row, y);
	draw_processes(screen, row, y);
}

static void draw_help(const struct screen *screen)
{
	static const char *const text[] = {
		"RISK     how probable it is that the scope is in Near-OOM, or is about to be: 0 to 1",
		"STALL    tasks that stand still in reclaim (2.00: two tasks, all of the time)",
		"THRASH   tasks that wait for pages which were taken from them a moment ago",
		"LEVEL    of its memory, what reclaim cannot give back",
		"GROW/s   how fast that grows; LEFT: until it is all, at this rate",
		"POLICY   of the configuration; NEXT VICTIM: who would die now",
		"HISTORY  the level (or use), a point a refresh",
		"A scope that does not reclaim is not watched: it has no risk.",
		"",
		"Up Down PgUp PgDn Home End   move        Enter   its processes and stalls",
		"F3 /     search, n next                  F4 \\    filter",
		"F5 t     tree                            F6 > s  sort",
		"I        inverted                        a       all, or only those with a limit",
		"Ctrl-L   draw anew                       F10 q   quit",
	};
	int y = draw_top(screen);

	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		put(screen, y++, text[i], A_NORMAL, 0);
}

static void draw(struct screen *screen)
{
	top_layout(&screen->layout, (unsigned)COLS, screen->options->utf8);
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

/* ---- keys ------------------------------------------------------------------------------- */

static void select_row(struct screen *screen, long at)
{
	size_t n;
	const struct top_row *rows = top_model_rows(screen->model, &n);

	if (!n)
		return;
	if (at < 0)
		at = 0;
	if ((size_t)at >= n)
		at = (long)n - 1;
	screen->at = (size_t)at;
	screen->moved = true;
	snprintf(screen->selected, sizeof(screen->selected), "%s", rows[at].path);
}

/* The next row, behind the selected one and around, whose name has the text that was typed. */
static void search(struct screen *screen, bool next)
{
	size_t n;
	const struct top_row *rows = top_model_rows(screen->model, &n);

	for (size_t i = next; i < n + next; i++) {
		size_t at = (screen->at + i) % n;

		if (top_row_is_called(&rows[at], screen->sought)) {
			select_row(screen, (long)at);
			return;
		}
	}
	snprintf(screen->message, sizeof(screen->message), "nothing is called %s", screen->sought);
}

static void on_typing(struct screen *screen, int key)
{
	size_t len = strlen(screen->typed);
	bool filter = screen->mode == MODE_FILTER;

	if (key == 27) {
		screen->typed[0] = '\0';
		screen->mode = MODE_LIST;
	} else if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		screen->mode = MODE_LIST;
		return;
	} else if (key == KEY_BACKSPACE || key == 127 || key == 8) {
		if (len)
			screen->typed[len - 1] = '\0';
	} else if (key >= 0x20 && key < 0x100 && key != 127 && len + 1 < sizeof(screen->typed)) {
		screen->typed[len] = (char)key;
		screen->typed[len + 1] = '\0';
	}
	if (filter) {
		snprintf(screen->view->filter, sizeof(screen->view->filter), "%s", screen->typed);
		top_model_arrange(screen->model, screen->view);
	} else if (*screen->typed) {
		snprintf(screen->sought, sizeof(screen->sought), "%s", screen->typed);
		search(screen, false);
	}
}

static void on_list_key(struct screen *screen, int key)
{
	long page = list_height(screen), at = (long)screen->at;

	switch (key) {
	case KEY_UP:
	case 'k':
		select_row(screen, at - 1);
		break;
	case KEY_DOWN:
	case 'j':
		select_row(screen, at + 1);
		break;
	case KEY_PPAGE:
		select_row(screen, at - page);
		break;
	case KEY_NPAGE:
		select_row(screen, at + page);
		break;
	case KEY_HOME:
	case 'g':
		select_row(screen, 0);
		break;
	case KEY_END:
	case 'G':
		select_row(screen, 1000000);
		break;
	case KEY_F(1):
	case 'h':
	case '?':
		screen->mode = MODE_HELP;
		break;
	case KEY_F(3):
	case '/':
		screen->typed[0] = '\0';
		screen->mode = MODE_SEARCH;
		break;
	case 'n':
		if (*screen->sought)
			search(screen, true);
		break;
	case KEY_F(4):
	case '\\':
		snprintf(screen->typed, sizeof(screen->typed), "%s", screen->view->filter);
		screen->mode = MODE_FILTER;
		break;
	case KEY_F(5):
	case 't':
		screen->view->tree = !screen->view->tree;
		break;
	case KEY_F(6):
	case '>':
	case 's':
		screen->mode = MODE_SORT;
		break;
	case 'I':
		screen->view->inverted = !screen->view->inverted;
		break;
	case 'a':
		screen->view->limited = !screen->view->limited;
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
		screen->moved = true;
		screen->mode = screen->mode == MODE_DETAIL ? MODE_LIST : MODE_DETAIL;
		break;
	case 27:
		screen->mode = MODE_LIST;
		break;
	case KEY_F(10):
	case 'q':
		screen->leave = true;
		break;
	case 'L' & 0x1f:
		clearok(stdscr, TRUE);
		break;
	default:
		return;
	}
	top_model_arrange(screen->model, screen->view);
}

static void on_key(struct screen *screen, int key)
{
	screen->message[0] = '\0';
	if (key == KEY_RESIZE)
		return;
	switch (screen->mode) {
	case MODE_SEARCH:
	case MODE_FILTER:
		on_typing(screen, key);
		break;
	case MODE_HELP:
		screen->mode = MODE_LIST;
		if (key == 'q')
			screen->leave = true;
		break;
	case MODE_SORT:
		if (key >= '1' && key < '1' + TOP_SORTS_)
			screen->view->sort = (enum top_sort)(key - '1');
		screen->mode = MODE_LIST;
		top_model_arrange(screen->model, screen->view);
		break;
	default:
		on_list_key(screen, key);
	}
}

/* ---- the loop ------------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
	return (int64_t)(clock_mono_ns() / 1000000);
}

static void loop(struct screen *screen)
{
	int64_t next_ms = 0;

	while (!screen->leave) {
		struct pollfd fds[] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = top_model_fd(screen->model), .events = POLLIN},
		};
		int64_t now = now_ms();
		int key;

		if (now >= next_ms) {
			top_model_refresh(screen->model, screen->view);
			next_ms = now + screen->options->interval_ms;
		}
		draw(screen);
		if (poll(fds, ARRAY_SIZE(fds),
			 (int)(next_ms - now_ms() > 0 ? next_ms - now_ms() : 0)) < 0 &&
		    errno != EINTR)
			return;
		/* the terminal went away */
		if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return;
		if (fds[1].revents)
			top_model_hear(screen->model);
		while ((key = getch()) != ERR)
			on_key(screen, key);
	}
}

int top_screen_run(struct top_model *model, struct top_view *view,
		   const struct top_screen_options *options)
{
	struct screen screen = {.model = model, .view = view, .options = options};
	struct top_screen_options chosen = *options;
	SCREEN *terminal;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		log_error("top: this is no terminal; use --once, --batch or --json");
		return EXIT_USAGE;
	}
	save_terminal();
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		log_error("top: the terminal %s is not known; set TERM, or use --batch",
			  getenv("TERM") ? getenv("TERM") : "(TERM is not set)");
		return EXIT_USAGE;
	}
	learn_terminal();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	chosen.color = options->color && has_colors() && start_color() == OK;
	if (chosen.color) {
		use_default_colors();
		init_pair(COLOR_HOT, COLOR_YELLOW, -1);
		init_pair(COLOR_DANGER, COLOR_RED, -1);
		init_pair(COLOR_HEAD, COLOR_CYAN, -1);
		init_pair(COLOR_TROUBLE, COLOR_WHITE, COLOR_RED);
	}
	screen.options = &chosen;
	loop(&screen);
	endwin();
	delscreen(terminal);
	is_saved = 0;
	return EXIT_OK;
}
