// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/trust.h"

#include <errno.h>
#include <stdio.h>

#include "base/trust.h"
#include "base/util.h"
#include "config/errors.h"
#include "config/files.h"
#include "judge/config.h"

/* Adds an error if others can change @path. Returns @err if that is set, or a new one. */
static int check(const char *path, const char *what, unsigned number, struct config_errors *errors,
		 int err)
{
	struct config_error error = {.file = number};
	struct trust trust;

	/* a path that cannot be followed cannot be read: config_read() reported it */
	if (trust_check(path, &trust) != -EPERM)
		return err;
	if (asprintf(&error.text, "%s: %s is not trusted: %s %s %s", path, what, trust.at,
		     trust.why, trust.at) < 0)
		return -ENOMEM;
	config_errors_add(errors, &error);
	return err ? err : -EPERM;
}

int config_check_trust(const char *path, const struct config *config, struct config_errors *errors)
{
	_cleanup_(config_files_free) struct config_files files;
	_cleanup_free_ char *folder = config_drop_in_folder(path);
	/* config_read() reported a file that cannot be read */
	int err = config_files_read(path, &files, NULL) == -ENOMEM || !folder ? -ENOMEM : 0;
	unsigned number = 0;

	for (size_t i = 0; i < files.count && err != -ENOMEM; i++)
		err = check(files.list[i].name, "the configuration", ++number, errors, err);
	/* others could add files to it, also with the sticky bit */
	if (err != -ENOMEM)
		err = check(folder, "the folder of drop-ins", ++number, errors, err);
	if (err != -ENOMEM && config->notify_program)
		err = check(config->notify_program, "the `notify` program", ++number, errors, err);
	return err;
}
