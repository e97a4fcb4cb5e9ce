// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/read.h"

#include <errno.h>

#include "base/util.h"
#include "config/config.h"
#include "config/file_keys.h"
#include "config/files.h"
#include "config/lint.h"
#include "config/parse.h"

static void yaml_error(unsigned line, unsigned column, const char *msg, void *userdata)
{
	parse_error(userdata, line, column, "yaml", "%s", msg);
}

static void ydoc_free_p(struct ydoc **doc)
{
	ydoc_free(*doc);
}

/* Nothing, or "---" and nothing: an empty file is valid and changes nothing. */
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

/* Adds one file to the configuration. False: out of memory. */
static bool parse_text(struct config_parser *p, const char *text, size_t len)
{
	_cleanup_(ydoc_free_p) struct ydoc *doc = NULL;
	int r = ydoc_parse(text, len, yaml_error, p, &doc);

	if (r == 0 && !is_empty(doc->root))
		parse_root(p, doc->root);
	return r != -ENOMEM && !p->no_memory;
}

/* After the last file. */
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

int config_parse(const struct config_file *files, size_t count, struct config **ret,
		 struct config_errors *errors)
{
	_cleanup_(config_free_p) struct config *config = config_new();
	struct config_parser p = {.errors = errors, .config = config};
	int r;

	if (!config)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		p.file = files[i].name;
		p.file_number++;
		if (files[i].text && !parse_text(&p, files[i].text, files[i].len))
			return -ENOMEM;
	}
	r = finish(&p);
	if (r == 0)
		*ret = TAKE_PTR(config);
	return r;
}

int config_read(const char *path, struct config **ret, struct config_errors *errors)
{
	_cleanup_(config_files_free) struct config_files files;
	_cleanup_(config_free_p) struct config *config = NULL;
	int unread = config_files_read(path, &files, errors), r = unread;

	/* the errors of the files that can be read are reported too */
	if (unread != -ENOMEM)
		r = config_parse(files.list, files.count, &config, errors);
	if (!r)
		r = unread;
	if (!r)
		*ret = TAKE_PTR(config);
	return r;
}
