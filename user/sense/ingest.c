// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/ingest.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

struct ingest {
	struct ring_buffer *ring;
	ingest_event *callback;
	void *userdata;
	uint64_t malformed;
};

int ingest_check(const void *bytes, size_t len)
{
	const struct fo_event *event = bytes;
	size_t wanted;

	if (len < sizeof(*event))
		return -EBADMSG;
	switch (event->type) {
	case FO_EVENT_HOT:
		wanted = sizeof(struct fo_event_hot);
		break;
	case FO_EVENT_KERNEL_KILL:
		wanted = sizeof(struct fo_event_kill);
		break;
	case FO_EVENT_SCOPE_REMOVED:
		wanted = sizeof(struct fo_event);
		break;
	default:
		return -EBADMSG;
	}
	return event->size == wanted && len >= wanted ? 0 : -EBADMSG;
}

static int on_bytes(void *context, void *bytes, size_t len)
{
	struct ingest *ingest = context;

	if (ingest_check(bytes, len))
		ingest->malformed++;
	else
		ingest->callback(bytes, ingest->userdata);
	return 0;
}

int ingest_new(struct ingest **ret, int ring_map_fd, ingest_event *callback, void *userdata)
{
	struct ingest *ingest = calloc(1, sizeof(*ingest));
	int err;

	if (!ingest)
		return -ENOMEM;
	ingest->callback = callback;
	ingest->userdata = userdata;
	ingest->ring = ring_buffer__new(ring_map_fd, on_bytes, ingest, NULL);
	if (!ingest->ring) {
		err = -errno;
		free(ingest);
		return err;
	}
	*ret = ingest;
	return 0;
}

void ingest_free(struct ingest *ingest)
{
	if (!ingest)
		return;
	ring_buffer__free(ingest->ring);
	free(ingest);
}

int ingest_fd(const struct ingest *ingest)
{
	return ring_buffer__epoll_fd(ingest->ring);
}

int ingest_drain(struct ingest *ingest)
{
	int n = ring_buffer__consume(ingest->ring);

	return n < 0 ? n : 0;
}

uint64_t ingest_malformed(const struct ingest *ingest)
{
	return ingest->malformed;
}
