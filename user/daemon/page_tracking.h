/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * page_tracking: attaches the page-tracking programs while a hot scope needs them, by a thread
 * of its own: attaching takes tens of milliseconds and may wait for memory.
 *
 * Purity:    a thread, the loader.
 * Units:     *_ns CLOCK_MONOTONIC.
 * Errors:    0 or -errno; what attaching says is page_tracking_error().
 * Ownership: page_tracking_start() gives, page_tracking_stop() takes; the loader is borrowed.
 */
#ifndef FASTOOM_DAEMON_PAGE_TRACKING_H
#define FASTOOM_DAEMON_PAGE_TRACKING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tell/snapshot.h"

struct loader;
struct worker;

struct page_tracking {
	struct loader *loader;
	struct worker *worker;
	atomic_int state; /* enum tracking_state */
	atomic_int error; /* -errno of the latest attempt, or 0 */
	uint64_t needed_ns;
	uint64_t tried_ns;
};

int page_tracking_start(struct page_tracking *tracking, struct loader *loader);
/* False: its thread did not end within @timeout_ns and still uses the loader. */
bool page_tracking_stop(struct page_tracking *tracking, uint64_t timeout_ns);
/* Once a tick: whether a hot scope needs it. */
void page_tracking_manage(struct page_tracking *tracking, bool needed, uint64_t now_ns);
/* Whether programs are attached or being attached. */
bool page_tracking_is_active(const struct page_tracking *tracking);
enum tracking_state page_tracking_state(const struct page_tracking *tracking);
int page_tracking_error(const struct page_tracking *tracking);

#endif /* FASTOOM_DAEMON_PAGE_TRACKING_H */
