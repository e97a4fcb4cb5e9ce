/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * notifier: has a program of the administrator's run, by a helper process that was forked
 * while there was memory. Telling the helper is one datagram that never waits.
 *
 * The program gets the record as JSON in its standard input, and nothing else; it is killed,
 * with its process group, when its time is over. One runs at a time.
 *
 * Purity:    processes.
 * Units:     ns.
 * Errors:    0 or -errno; -EAGAIN: the helper has its hands full.
 * Ownership: notifier_start() gives, notifier_stop() takes; the helper ends by itself when we do.
 */
#ifndef FASTOOM_ACT_NOTIFIER_H
#define FASTOOM_ACT_NOTIFIER_H

#include <stddef.h>
#include <stdint.h>

struct notifier;

int notifier_start(struct notifier **ret);
int notifier_send(struct notifier *notifier, const char *program, uint64_t timeout_ns,
		  const char *json, size_t len);
void notifier_stop(struct notifier *notifier);

#endif /* FASTOOM_ACT_NOTIFIER_H */
