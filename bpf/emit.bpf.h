/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * emit: the only place that reserves space in the ring buffer. It zeroes the record and fills its
 * head, or counts a dropped event.
 */
#ifndef FASTOOM_EMIT_BPF_H
#define FASTOOM_EMIT_BPF_H

#include "maps.bpf.h"

static __always_inline void *fo_emit_begin(__u32 type, __u32 size, __u64 scope_id)
{
	struct fo_event *event = bpf_ringbuf_reserve(&fo_events, size, 0);

	if (!event) {
		fo_count(events_dropped);
		return NULL;
	}
	__builtin_memset(event, 0, size);
	event->type = type;
	event->size = size;
	event->mono_ns = bpf_ktime_get_ns();
	event->scope_id = scope_id;
	return event;
}

static __always_inline void fo_emit_end(void *event)
{
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
	fo_count(events_sent);
}

#endif /* FASTOOM_EMIT_BPF_H */
