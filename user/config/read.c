// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/read.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"
#include "config/config.h"
#include "config/file_keys.h"
#include "config/lint.h"
#include "config/parse.h"

static void yaml_complain(unsigned line, unsigned column, const char *msg, void *userdata)
{
	parse_error(userdata, line, column, "yaml", "%s", msg);
}

static void ydoc_free_p(struct ydoc **doc)
{
	ydoc_free(*doc);
}

/* Nothing, or "---" and nothing: an empty file is one that changes nothing. */
static bool is_empty(const struct ynode *root)
{
	return !root || (root->kind == YNODE_SCALAR && root->plain && root->len == 0);
}

static void parse_root(struct config_parser *p, const struct ynode *root)
{
	char is[224], names[256];

	if (root->kind == YNODE_MAP)
		parse_map(p, &file_table, "the file", root, p->config);
	else if (root->kind != YNODE_BAD)
		parse_error(p, root->line, root->column, "yaml",
			    "the file is %s; allowed: a mapping with any of %s",
			    parse_describe(root, is, sizeof(is)),
			    parse_key_names(&file_table, names, sizeof(names)));
}

/* Adds what a file says. False: no use going on (no memory). */
static bool parse_text(struct config_parser *p, const char *text, size_t len)
{
	_cleanup_(ydoc_free_p) struct ydoc *doc = NULL;
	int r = ydoc_parse(text, len, yaml_complain, p, &doc);

	if (r == 0 && !is_empty(doc->root))
		parse_root(p, doc->root);
	return r != -ENOMEM && !p->no_memory;
}

/* All that is left once every file was read. */
static int finish(struct config_parser *p)
{
	int r;

	if (p->no_memory)
		return -ENOMEM;
	if (p->error_count > 0)
		return -EINVAL;
	lint(p);
	if (!p->has_policies) {
		r = config_append_node(p->config);
		if (r < 0)
			return r;
	}
	return config_complete(p->config);
}

int config_parse(const char *name, const char *text, size_t len, struct config **ret,
		 struct config_errors *errors)
{
	_cleanup_(config_free_p) struct config *config = config_new();
	struct config_parser p = {.file = name, .errors = errors, .config = config};
	int r;

	if (!config || !parse_text(&p, text, len))
		return -ENOMEM;
	r = finish(&p);
	if (r == 0)
		*ret = TAKE_PTR(config);
	return r;
}

/* Why a file or folder is not read, as an error without a line. */
static void error_unread(struct config_parser *p, const char *path, int err)
{
	const char *why = err == -ENODEV ? "Not a regular file" : strerror(-err);
	struct config_error error = {.file = p->file_number};

	if (!p->errors)
		return;
	if (asprintf(&error.text, "%s: cannot be read: %s", path, why) < 0)
		p->no_memory = true;
	else
		config_errors_add(p->errors, &error);
}

/* 0, although it may have errors; or why the file cannot be read, which is an error too. */
static int parse_file(struct config_parser *p, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = file_read_all(path, YDOC_SIZE_MAX, &text, &len);

	p->file = path;
	p->file_number++;
	if (r == -EFBIG) {
		yaml_complain(1, 1, YDOC_TOO_LARGE, p);
		return 0;
	}
	if (r < 0) {
		error_unread(p, path, r);
		return r;
	}
	return parse_text(p, text, len) ? 0 : -ENOMEM;
}

bool config_is_drop_in(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && name[0] != '.' && !strcmp(name + len - 5, ".yaml");
}

char *config_drop_in_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (asprintf(&folder, "%.*s" CONFIG_DROP_INS, slash ? (int)(slash - path + 1) : 0, path) <
	    0)
		return NULL;
	return folder;
}

static int select_drop_in(const struct dirent *entry)
{
	return config_is_drop_in(entry->d_name);
}

/* alphasort() follows the locale, and top has another one than the daemon. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Parses them in order; *ret_paths, which later messages name, is freed with paths_free(). */
static int parse_drop_ins(struct config_parser *p, const char *folder, char ***ret_paths)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, select_drop_in, by_name);
	int first = n < 0 && errno != ENOENT ? -errno : 0;
	char **paths = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof(*paths));

	if (first) {
		p->file_number++;
		error_unread(p, folder, first);
	}
	for (int i = 0; i < n; i++) {
		if (paths && asprintf(&paths[i], "%s/%s", folder, entries[i]->d_name) < 0)
			paths[i] = NULL;
		if (paths && paths[i]) {
			int r = parse_file(p, paths[i]);

			if (!first)
				first = r;
		} else {
			p->no_memory = true;
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	*ret_paths = paths;
	return paths ? first : -ENOMEM;
}

static void paths_free(char ***paths)
{
	for (char **path = *paths; path && *path; path++)
		free(*path);
	free(*paths);
}

int config_read(const char *path, struct config **ret, struct config_errors *errors)
{
	_cleanup_(config_free_p) struct config *config = config_new();
	_cleanup_free_ char *folder = config_drop_in_folder(path);
	_cleanup_(paths_free) char **paths = NULL;
	struct config_parser p = {.errors = errors, .config = config};
	int unread, drop_ins_unread, r;

	if (!config || !folder)
		return -ENOMEM;
	unread = parse_file(&p, path);
	drop_ins_unread = parse_drop_ins(&p, folder, &paths);
	r = finish(&p);
	if (!r)
		r = unread ? unread : drop_ins_unread;
	if (!r)
		*ret = TAKE_PTR(config);
	return r;
}
