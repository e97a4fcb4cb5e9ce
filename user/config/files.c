// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"
#include "base/yaml.h"

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

/* Adds why a file or folder is not read. Returns @err, or -ENOMEM. */
static int error_unread(struct config_errors *errors, size_t number, const char *path, int err)
{
	const char *why = err == -ENODEV ? "Not a regular file" : strerror(-err);
	struct config_error error = {.file = (unsigned)number};

	if (!errors)
		return err;
	if (err == -EINVAL) {
		error.line = error.column = 1;
		if (asprintf(&error.text, "%s:1:1: yaml: " YDOC_TOO_LARGE, path) < 0)
			return -ENOMEM;
	} else if (asprintf(&error.text, "%s: cannot be read: %s", path, why) < 0) {
		return -ENOMEM;
	}
	config_errors_add(errors, &error);
	return err;
}

static int select_drop_in(const struct dirent *entry)
{
	return config_is_drop_in(entry->d_name);
}

/* Not alphasort(): it depends on the locale, which top sets and the daemon does not. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Sets the names. 0, -ENOMEM, or why the folder of drop-ins cannot be read. */
static int list_files(const char *path, struct config_files *ret, struct config_errors *errors)
{
	_cleanup_free_ char *folder = config_drop_in_folder(path);
	struct dirent **entries = NULL;
	int n = folder ? scandir(folder, &entries, select_drop_in, by_name) : 0;
	int err = n < 0 && errno != ENOENT ? -errno : 0;
	bool complete = true;

	*ret = (struct config_files){
		.list = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof(*ret->list))};
	if (ret->list) {
		ret->count = 1;
		ret->list[0].name = strdup(path);
		complete = ret->list[0].name;
	}
	for (int i = 0; i < n; i++) {
		char *name;

		if (ret->list && asprintf(&name, "%s/%s", folder, entries[i]->d_name) >= 0)
			ret->list[ret->count++].name = name;
		else
			complete = false;
		free(entries[i]);
	}
	free(entries);
	if (!folder || !ret->list || !complete)
		return -ENOMEM;
	return err ? error_unread(errors, 2, folder, err) : 0;
}

int config_files_read(const char *path, struct config_files *ret, struct config_errors *errors)
{
	int first = list_files(path, ret, errors);

	for (size_t i = 0; i < ret->count && first != -ENOMEM; i++) {
		struct config_file *file = &ret->list[i];
		int err = file_read_all(file->name, YDOC_SIZE_MAX, &file->text, &file->len);

		if (err == -EFBIG)
			err = -EINVAL;
		if (err)
			err = error_unread(errors, i + 1, file->name, err);
		if (!first || err == -ENOMEM)
			first = err;
	}
	return first;
}

void config_files_free(struct config_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->list[i].name);
		free(files->list[i].text);
	}
	free(files->list);
	*files = (struct config_files){0};
}
