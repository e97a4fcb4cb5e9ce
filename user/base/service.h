/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * service: tells the service manager about the daemon's state: the datagrams of sd_notify(3), whose
 * section "Notes" documents the protocol. Without $NOTIFY_SOCKET every function does nothing.
 *
 * Purity:    a socket and the environment; service_tell() never waits and allocates nothing.
 * Units:     ns.
 * Errors:    0 or -errno from service_open(); a message that cannot be sent is lost.
 * Ownership: service_open() makes a struct service, service_close() takes it.
 */
#ifndef FASTOOM_BASE_SERVICE_H
#define FASTOOM_BASE_SERVICE_H

#include <stdint.h>

struct service {
	int fd;		      /* -1: there is no service manager */
	uint64_t watchdog_ns; /* it expects "WATCHDOG=1" at least this often; 0: never */
};

/* Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID, and removes them from the environment. */
int service_open(struct service *ret);
/* @state: lines such as "READY=1"; the text of "STATUS=" must have no newline. */
void service_tell(const struct service *service, const char *state);
void service_close(struct service *service);

#endif /* FASTOOM_BASE_SERVICE_H */
