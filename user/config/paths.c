// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "config/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "sense/host.h"

#define DEFAULT_CONFIG "/etc/fastoom-bpf/config.yaml"
#define DEFAULT_RUN    "/run/fastoom-bpf"

const char paths_default_events[] = "/var/log/fastoom-bpf/events.jsonl";

const char *paths_config(const char *path)
{
	return !path && access(DEFAULT_CONFIG, F_OK) == 0 ? DEFAULT_CONFIG : path;
}

const char *paths_runtime_dir(void)
{
	/* set by systemd's RuntimeDirectory=, and by tests */
	const char *dir = getenv("RUNTIME_DIRECTORY");

	return dir && *dir ? dir : DEFAULT_RUN;
}

void paths_socket(char *ret, size_t size)
{
	snprintf(ret, size, "%s/control.sock", paths_runtime_dir());
}

void paths_pid_file(char *ret, size_t size)
{
	snprintf(ret, size, "%s/pid", paths_runtime_dir());
}

int paths_running_pid(void)
{
	char path[4096], text[32];
	_cleanup_close_ int fd = -1;
	ssize_t len;
	int pid;

	paths_pid_file(path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	pid = atoi(text);
	/* taking the lock to find out could keep out a daemon that is starting */
	return host_is("", pid, program_invocation_short_name) ? pid : 0;
}
