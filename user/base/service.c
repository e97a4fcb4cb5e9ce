// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "base/service.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"

/* $WATCHDOG_PID names the process that is to send the message: a child inherits the variables. */
static uint64_t watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return strtoull(usec, NULL, 10) * 1000;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	_cleanup_close_ int fd = -1;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') /* an abstract socket */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int service_open(struct service *ret)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int fd;

	*ret = (struct service){.fd = -1};
	if (!path)
		return 0;
	fd = connect_to(path);
	if (fd >= 0)
		*ret = (struct service){fd, watchdog_ns()};
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return fd < 0 ? fd : 0;
}

void service_tell(const struct service *service, const char *state)
{
	if (service->fd >= 0)
		(void)!send(service->fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void service_close(struct service *service)
{
	if (service->fd >= 0)
		close(service->fd);
	service->fd = -1;
}
