// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/terminal.h"

#include <ncurses.h>
#include <signal.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/util.h"

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

/* endwin() is not async-signal-safe, these calls are. */
static void on_fatal(int number)
{
	if (is_saved) {
		if (write(STDOUT_FILENO, restore_text, restore_len) < 0)
			is_saved = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	}
	/* SA_RESETHAND: the default action follows */
	raise(number);
}

void terminal_save(void)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL,  SIGFPE, SIGABRT,
				    SIGTERM, SIGHUP, SIGQUIT, SIGINT};
	const struct sigaction action = {.sa_handler = on_fatal,
					 .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

	is_saved = tcgetattr(STDIN_FILENO, &saved_termios) == 0;
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &action, NULL);
}

void terminal_learn(void)
{
	static const char *const names[] = {"rmkx", "sgr0", "cnorm", "rmcup"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_capability(names[i]);
}

void terminal_forget(void)
{
	is_saved = 0;
}
