// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fo-trim IN OUT SCOPE NAME CONFIG [WITHOUT...]: trims the trace IN for the repository. OUT has the
 * node, if it was hot, and the cgroup SCOPE ("node": none), renamed to /NAME, with the text of the
 * file CONFIG as its configuration. What identifies the host (paths, the build of the kernel) is
 * removed. WITHOUT names inputs that are removed: waits, refaults, faults, memstall, swapins,
 * unproductive, processes; or "node": then the node is removed, too, with all other processes of
 * the host.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"
#include "judge/candidate.h"
#include "judge/sample.h"
#include "tell/trace_read.h"
#include "tell/trace_write.h"

static const struct {
	const char *name;
	uint32_t has;
} inputs[] = {
	{"waits", SAMPLE_HAS_WAITS},	     {"refaults", SAMPLE_HAS_REFAULTS},
	{"faults", SAMPLE_HAS_FAULTS},	     {"memstall", SAMPLE_HAS_MEMSTALL},
	{"swapins", SAMPLE_HAS_SWAPINS},     {"unproductive", SAMPLE_HAS_UNPRODUCTIVE},
	{"processes", SAMPLE_HAS_PROCESSES},
};

static _Noreturn void die(const char *name, const char *what)
{
	fprintf(stderr, "fo-trim: %s: %s\n", name, what);
	exit(1);
}

static int put(void *userdata, const char *bytes, size_t len)
{
	if (fwrite(bytes, 1, len, userdata) != len)
		die("output", "cannot be written");
	return 0;
}

static uint32_t input_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
		if (!strcmp(inputs[i].name, name))
			return inputs[i].has;
	die(name, "no such input");
}

/* Where the path in a word of @len bytes begins: at its start, or after = or :. NULL: nowhere. */
static char *path_in(char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (word[i] == '/' && (!i || word[i - 1] == '=' || word[i - 1] == ':'))
			return word + i;
	return NULL;
}

/* Replaces each path that is a word, or the end of one, by its last component. */
static size_t cut_paths(char *line)
{
	char *to = line;

	for (char *word = line; *word;) {
		size_t len = strcspn(word, " ");
		char *path = path_in(word, len), *end = word + len;
		char *from = path ? (char *)memrchr(path, '/', (size_t)(end - path)) + 1 : word;
		size_t before = path ? (size_t)(path - word) : 0;
		size_t n = (size_t)(end - from) + (*end == ' ');

		memmove(to, word, before);
		word = end + (*end == ' ');
		memmove(to + before, from, n);
		to += before + n;
	}
	*to = '\0';
	return (size_t)(to - line);
}

static struct trace_writer *begin(const struct trace_head *from, const char *name,
				  const char *config_path, FILE *out)
{
	struct trace_head head = *from;
	struct trace_writer *writer;
	struct trace_config file = {0};
	char *config, *preamble, title[64];
	size_t len;

	if (file_read_all(config_path, 1 << 20, &config, &file.len))
		die(config_path, "cannot be read");
	snprintf(title, sizeof(title), "%s.yaml", name);
	file.name = title;
	file.text = config;
	head.configs = &file;
	head.config_count = 1;
	head.release[strcspn(head.release, "-")] = '\0';
	if (trace_preamble(&head, true, &preamble, &len) || trace_writer_new(&writer, put, out))
		die(name, "out of memory");
	put(out, preamble, len);
	free(preamble);
	free(config);
	return writer;
}

/* @from: the path of the scope in the trace. */
static void put_list(struct trace_writer *writer, const struct trace_scope *scope,
		     const struct trace_item *item, const char *from)
{
	struct candidate *list = calloc(item->count + 1, sizeof(*list));

	for (size_t i = 0; list && i < item->count; i++) {
		list[i] = item->candidates[i];
		if (list[i].cmdline)
			/* the reader owns this copy until its next item */
			list[i].cmdline_len = cut_paths((char *)list[i].cmdline);
		if (list[i].exe)
			cut_paths((char *)list[i].exe);
		/* all that a cgroup lists is in it, whatever the host calls it */
		if (list[i].cgroup &&
		    (scope->kind == TRACE_SCOPE_CGROUP || !strcmp(list[i].cgroup, from)))
			list[i].cgroup = scope->path;
	}
	if (list)
		trace_put_list(writer, scope, item->at_ns, list, item->count);
	free(list);
}

int main(int argc, char **argv)
{
	struct trace_writer *writer = NULL;
	struct trace_reader *reader;
	struct trace_scope scope, box;
	struct trace_item item;
	char *bytes, path[64];
	size_t len;
	FILE *out;
	uint32_t without = 0;
	bool no_node = false;
	int found;

	if (argc < 6) {
		fputs("usage: fo-trim IN OUT SCOPE NAME CONFIG [WITHOUT...]\n", stderr);
		return 2;
	}
	for (int i = 6; i < argc; i++) {
		if (!strcmp(argv[i], "node"))
			no_node = true;
		else
			without |= input_named(argv[i]);
	}
	snprintf(path, sizeof(path), "/%s", argv[4]);
	box = (struct trace_scope){TRACE_SCOPE_CGROUP, 1000, path};
	if (file_read_all(argv[1], 1 << 30, &bytes, &len))
		die(argv[1], "cannot be read");
	out = fopen(argv[2], "we");
	if (!out || trace_reader_new(&reader, bytes, len))
		die(argv[2], "cannot be made");
	while ((found = trace_next(reader, &item)) > 0) {
		if (item.kind == TRACE_HEAD) {
			if (writer)
				die(argv[1], "more than one trace");
			writer = begin(item.head, argv[4], argv[5], out);
			continue;
		}
		scope = item.scope;
		if (scope.kind == TRACE_SCOPE_NODE && no_node)
			continue;
		if (scope.kind != TRACE_SCOPE_NODE) {
			if (strcmp(scope.path, argv[3]))
				continue;
			scope = box;
		}
		switch (item.kind) {
		case TRACE_BEGIN:
			trace_put_begin(writer, &scope, item.at_ns);
			break;
		case TRACE_END:
			trace_put_end(writer, &scope, item.at_ns);
			break;
		case TRACE_SAMPLE:
			item.sample.has &= ~without;
			if (without & SAMPLE_HAS_WAITS) {
				item.sample.has |= SAMPLE_HAS_TRACKING_ERROR;
				item.sample.tracking_error = ENOENT;
			}
			if (without & SAMPLE_HAS_WAITS)
				item.sample.has &= ~(uint32_t)SAMPLE_HAS_PROCESSES;
			if (item.sample.has & SAMPLE_HAS_PROCESSES)
				trace_put_spans(writer, &scope, item.spans, item.span_count);
			trace_put_sample(writer, &scope, &item.sample);
			break;
		case TRACE_LIST:
			put_list(writer, &scope, &item, argv[3]);
			break;
		case TRACE_DID:
			trace_put_did(writer, &scope, &item.did);
			break;
		default: /* the names of a pod identify the host */
			break;
		}
	}
	if (found < 0)
		die(argv[1], trace_reader_error(reader));
	if (fclose(out))
		die(argv[2], "cannot be written");
	trace_writer_free(writer);
	trace_reader_free(reader);
	free(bytes);
	return 0;
}
