// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/load.h"

#include <errno.h>

#include "base/log.h"
#include "config/config.h"
#include "config/paths.h"
#include "config/read.h"
#include "config/trust.h"

static void tell(bool warning, const char *line)
{
	log_line(warning ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "%s", line);
}

static int load(const char *path, bool trusted, struct config **ret)
{
	static struct config_errors errors; /* 3 KiB: too large for a locked stack */
	int err;

	path = paths_config(path);
	if (!path) {
		*ret = config_default();
		if (*ret)
			return 0;
		log_error("the built-in configuration: out of memory");
		return -ENOMEM;
	}
	err = config_read(path, ret, &errors);
	if (!err && trusted) {
		err = config_check_trust(path, *ret, &errors);
		if (err) {
			config_free(*ret);
			*ret = NULL;
		}
	}
	config_errors_tell(&errors, path, tell);
	config_errors_free(&errors);
	if (err == -ENOMEM)
		log_error("%s: out of memory", path);
	return err;
}

int config_load(const char *path, struct config **ret)
{
	return load(path, false, ret);
}

int config_load_trusted(const char *path, struct config **ret)
{
	return load(path, true, ret);
}
