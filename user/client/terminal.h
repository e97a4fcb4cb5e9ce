/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * terminal: restores the terminal when a signal ends the program, a crash included.
 *
 * Purity:    handles signals, writes to the terminal.
 * Errors:    none; without a terminal nothing is restored.
 * Ownership: one terminal for each process.
 */
#ifndef FASTOOM_CLIENT_TERMINAL_H
#define FASTOOM_CLIENT_TERMINAL_H

/* Before ncurses changes its settings. */
void terminal_save(void);
/* After ncurses has found out what it is: how to leave its modes. */
void terminal_learn(void);
/* ncurses has restored it. */
void terminal_forget(void);

#endif /* FASTOOM_CLIENT_TERMINAL_H */
