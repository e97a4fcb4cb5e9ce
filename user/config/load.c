// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/load.h"

#include <errno.h>

#include "base/log.h"
#include "config/config.h"
#include "config/paths.h"
#include "config/read.h"

int config_load(const char *path, struct config **ret)
{
	static struct config_errors errors; /* 64 lines: too large for a stack that is locked */
	int err;

	path = paths_config(path);
	if (!path) {
		*ret = config_default();
		return *ret ? 0 : -ENOMEM;
	}
	err = config_read(path, ret, &errors);
	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.list[i].text);
	for (size_t i = 0; i < errors.warning_count; i++)
		log_warn("%s", errors.warnings[i].text);
	if (errors.more)
		log_error("%s: and %zu more", path, errors.more);
	config_errors_free(&errors);
	return err;
}
