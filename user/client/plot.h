/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * plot: the minute before, drawn: as text or as SVG.
 *
 * Units:     seconds before the event; shares 0..1; tasks.
 * Errors:    plot_svg(): 0 or -errno. A record without its minute has no plot.
 * Ownership: none.
 */
#ifndef FASTOOM_CLIENT_PLOT_H
#define FASTOOM_CLIENT_PLOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* False: the record has no minute. */
bool plot_text(FILE *to, const json_t *record, bool utf8);
int plot_svg(const char *path, const json_t *record, const char *title);

/* How much the level rose between the first and the last point; negative: not known. */
double plot_growth(const json_t *record);

#endif /* FASTOOM_CLIENT_PLOT_H */
