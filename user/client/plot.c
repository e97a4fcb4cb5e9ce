// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/plot.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "client/top_text.h"

#define SECONDS 60
#define HEIGHT	8

enum {
	RISK,
	LEVEL,
	LOST,
	STALL,
	SERIES_
};

static const struct {
	const char *key, *name, *color;
} series[SERIES_] = {
	[RISK] = {"risk", "risk", "#c0392b"},
	[LEVEL] = {"level", "level", "#2c3e50"},
	[LOST] = {"lost_share", "time lost", "#d68910"},
	[STALL] = {"stall_tasks", "stall", "#2471a3"},
};

struct history_data {
	double values[SERIES_][SECONDS]; /* [SECONDS - 1] is the newest; NAN: none */
	double stall_most;
};

static bool read_history(const json_t *record, struct history_data *ret)
{
	const json_t *history = json_object_get(record, "history"), *age;
	size_t i;

	for (int s = 0; s < SERIES_; s++)
		for (i = 0; i < SECONDS; i++)
			ret->values[s][i] = NAN;
	ret->stall_most = 0;
	if (!history)
		return false;
	json_array_foreach(json_object_get(history, "age_s"), i, age)
	{
		json_int_t back = json_integer_value(age);

		if (back < 0 || back >= SECONDS)
			continue;
		for (int s = 0; s < SERIES_; s++) {
			const json_t *value =
				json_array_get(json_object_get(history, series[s].key), i);

			if (json_is_number(value))
				ret->values[s][SECONDS - 1 - back] = json_number_value(value);
		}
		if (ret->values[STALL][SECONDS - 1 - back] > ret->stall_most)
			ret->stall_most = ret->values[STALL][SECONDS - 1 - back];
	}
	return true;
}

double plot_growth(const json_t *record)
{
	struct history_data data;
	double first = NAN, last = NAN;
	unsigned points = 0;

	if (!read_history(record, &data))
		return -1;
	for (size_t i = 0; i < SECONDS; i++) {
		if (isnan(data.values[LEVEL][i]))
			continue;
		if (isnan(first))
			first = data.values[LEVEL][i];
		last = data.values[LEVEL][i];
		points++;
	}
	if (points < 2)
		return -1;
	return last > first ? last - first : 0;
}

/* A column for each second; the blocks of this row are filled up to the value. */
static void print_series(FILE *to, const char *name, const double *values, double most, bool utf8)
{
	for (int row = HEIGHT - 1; row >= 0; row--) {
		fprintf(to, "  %-9s %4.2f ", row == HEIGHT - 1 ? name : "",
			most * (row + 1) / HEIGHT);
		fputs(utf8 ? "│" : "|", to);
		for (size_t i = 0; i < SECONDS; i++) {
			double part = most > 0 ? values[i] / most * HEIGHT - row : 0;

			if (isnan(part) || part <= 0.01)
				fputc(' ', to);
			else
				fputs(utf8 ? top_block(part >= 1 ? 100 : (unsigned)(part * 100),
						       true)
					   : "#",
				      to);
		}
		fputc('\n', to);
	}
}

static void print_line(FILE *to, const char *name, const double *values, double most, bool utf8)
{
	fprintf(to, "  %-9s %4.2f ", name, most);
	fputs(utf8 ? "│" : "|", to);
	for (size_t i = 0; i < SECONDS; i++)
		fputs(isnan(values[i])
			      ? " "
			      : top_block(most > 0 ? (unsigned)(values[i] / most * 100) : 0, utf8),
		      to);
	fputc('\n', to);
}

bool plot_text(FILE *to, const json_t *record, bool utf8)
{
	struct history_data data;

	if (!read_history(record, &data))
		return false;
	print_series(to, series[RISK].name, data.values[RISK], 1, utf8);
	print_line(to, series[LEVEL].name, data.values[LEVEL], 1, utf8);
	print_line(to, series[LOST].name, data.values[LOST], 1, utf8);
	print_line(to, series[STALL].name, data.values[STALL], data.stall_most, utf8);
	fprintf(to, "  %-15s%s-60 s%23s-30 s%22snow\n", "", utf8 ? "└" : "+", "", "");
	return true;
}

/* ---- SVG --------------------------------------------------------------------------- */

#define WIDTH_PX  640
#define HEIGHT_PX 220
#define LEFT_PX	  50
#define TOP_PX	  50

static void put_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			/* XML has no control characters */
			if ((unsigned char)*text >= 0x20)
				fputc(*text, to);
		}
	}
}

static void put_polyline(FILE *to, int s, const double *values, double most)
{
	bool open = false;

	for (size_t i = 0; i < SECONDS; i++) {
		if (isnan(values[i])) {
			/* what is not known is a gap */
			if (open)
				fputs("\"/>\n", to);
			open = false;
			continue;
		}
		if (!open)
			fprintf(to,
				"<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" "
				"stroke-linecap=\"round\" points=\"",
				series[s].color);
		open = true;
		fprintf(to, "%.1f,%.1f ", LEFT_PX + (double)i * WIDTH_PX / (SECONDS - 1),
			TOP_PX + HEIGHT_PX * (1 - (most > 0 ? values[i] / most : 0)));
	}
	if (open)
		fputs("\"/>\n", to);
}

int plot_svg(const char *path, const json_t *record, const char *title)
{
	struct history_data data;
	FILE *to;

	if (!read_history(record, &data))
		return -ENODATA;
	to = fopen(path, "we");
	if (!to)
		return -errno;
	fprintf(to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"%d\" y=\"20\" "
		"font-size=\"14\">",
		LEFT_PX + WIDTH_PX + 20, TOP_PX + HEIGHT_PX + 40, LEFT_PX);
	put_escaped(to, title);
	fputs("</text>\n", to);
	for (int i = 0; i <= 4; i++) {
		double y = TOP_PX + HEIGHT_PX * (1 - i / 4.0);

		fprintf(to,
			"<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>\n",
			LEFT_PX, LEFT_PX + WIDTH_PX, y, y, LEFT_PX - 6, y + 4, i / 4.0);
	}
	for (int s = 0; s <= SECONDS; s += 10)
		fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">-%d s</text>\n",
			LEFT_PX + (double)(SECONDS - s) * WIDTH_PX / SECONDS,
			TOP_PX + HEIGHT_PX + 18, s);
	for (int s = 0; s < SERIES_; s++) {
		put_polyline(to, s, data.values[s], s == STALL ? data.stall_most : 1);
		fprintf(to, "<text x=\"%d\" y=\"40\" fill=\"%s\">%s", LEFT_PX + s * 140,
			series[s].color, series[s].name);
		if (s == STALL)
			fprintf(to, " (1.00 = %.2f tasks)", data.stall_most);
		fputs("</text>\n", to);
	}
	fputs("</svg>\n", to);
	return fclose(to) ? -errno : 0;
}
