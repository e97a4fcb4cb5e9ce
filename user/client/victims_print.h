/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * victims_print: a ranking on stdout.
 *
 * Purity:    writes to stdout.
 * Units:     none.
 * Errors:    victims_print_json(): 0 or -errno.
 * Ownership: the caller's.
 */
#ifndef FASTOOM_CLIENT_VICTIMS_PRINT_H
#define FASTOOM_CLIENT_VICTIMS_PRINT_H

struct victims_ranking;

void victims_print(const struct victims_ranking *ranking);
int victims_print_json(const struct victims_ranking *ranking);

#endif /* FASTOOM_CLIENT_VICTIMS_PRINT_H */
