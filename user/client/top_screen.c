// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/top_screen.h"

#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/util.h"
#include "client/terminal.h"
#include "client/top_daemon.h"
#include "client/top_draw.h"
#include "client/top_model.h"

/* ncurses has function-like macros of common names */
#undef lines
#undef newline

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

/* Selects the next row whose name contains the text; after the last row comes the first. */
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
	snprintf(screen->message, sizeof(screen->message), "no scope is called %s", screen->sought);
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
	long page = top_draw_height(screen), at = (long)screen->at;

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
		screen->view->reverse = !screen->view->reverse;
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

static void loop(struct screen *screen, unsigned interval_ms)
{
	int64_t next_ms = 0;

	while (!screen->leave) {
		struct pollfd fds[] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = top_daemon_fd(screen->daemon), .events = POLLIN},
		};
		int64_t now = now_ms();
		int key;

		if (now >= next_ms) {
			top_model_refresh(screen->model, screen->view);
			next_ms = now + interval_ms;
		}
		top_draw(screen);
		if (poll(fds, ARRAY_SIZE(fds),
			 (int)(next_ms - now_ms() > 0 ? next_ms - now_ms() : 0)) < 0 &&
		    errno != EINTR)
			return;
		/* the terminal went away */
		if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return;
		if (fds[1].revents)
			top_daemon_hear(screen->daemon);
		while ((key = getch()) != ERR)
			on_key(screen, key);
	}
}

int top_screen_run(struct top_model *model, struct top_view *view,
		   const struct top_screen_options *options)
{
	struct screen screen = {.model = model,
				.daemon = top_model_daemon(model),
				.view = view,
				.utf8 = options->utf8};
	SCREEN *terminal;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		log_error(
			"top: stdin and stdout are not a terminal; use --once, --batch or --json");
		return EXIT_USAGE;
	}
	terminal_save();
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		log_error("top: unknown terminal %s; set TERM, or use --batch",
			  getenv("TERM") ? getenv("TERM") : "(TERM is not set)");
		return EXIT_USAGE;
	}
	terminal_learn();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	screen.color = options->color && top_draw_colors();
	loop(&screen, options->interval_ms);
	endwin();
	delscreen(terminal);
	terminal_forget();
	return EXIT_OK;
}
