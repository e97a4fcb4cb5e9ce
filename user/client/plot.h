/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * plot: draws the history of a record, as text or as SVG.
 *
 * Purity:    writes to a stream or to a file.
 * Units:     seconds before the event; shares 0..1; tasks.
 * Errors:    plot_svg(): 0 or -errno, -ENODATA: the record has no history.
 * Ownership: the caller's.
 */
#ifndef FASTOOM_CLIENT_PLOT_H
#define FASTOOM_CLIENT_PLOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* False: the record has no history. */
bool plot_text(FILE *to, const json_t *record, bool utf8);
int plot_svg(const char *path, const json_t *record, const char *title);

/* By how much the level rose from the first to the last point; negative: not known. */
double plot_growth(const json_t *record);

#endif /* FASTOOM_CLIENT_PLOT_H */
