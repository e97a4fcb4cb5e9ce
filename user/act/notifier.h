/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * notifier: runs the administrator's program through a helper process, which is forked at start,
 * while there is memory. A request to the helper is one datagram and never blocks.
 *
 * The program gets the record as JSON on its standard input, PATH as its only variable, and a
 * session of its own. At its timeout it is killed with its process group. One runs at a time.
 *
 * Purity:    forks; sends datagrams.
 * Units:     *_ns durations, rounded up to ms.
 * Errors:    0 or -errno. notifier_send() -EMSGSIZE: path or JSON too long; -EAGAIN: too many
 *            requests wait. A program that cannot be run is not reported.
 * Ownership: notifier_start() gives, notifier_stop() takes. The helper ends with the daemon.
 */
#ifndef FASTOOM_ACT_NOTIFIER_H
#define FASTOOM_ACT_NOTIFIER_H

#include <stddef.h>
#include <stdint.h>

/* Bytes; the capacity of a pipe: pipe(7). A record has at most RECORD_LINE_MAX (tell/record.h). */
#define NOTIFIER_JSON_MAX 65536

struct notifier;

int notifier_start(struct notifier **ret);
int notifier_send(struct notifier *notifier, const char *program, uint64_t timeout_ns,
		  const char *json, size_t len);
/* Ends the helper, after 500 ms with SIGKILL; a program that runs then goes on. NULL is accepted.
 */
void notifier_stop(struct notifier *notifier);

#endif /* FASTOOM_ACT_NOTIFIER_H */
