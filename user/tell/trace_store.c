// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "tell/trace_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "tell/trace_read.h"
#include "tell/trace_write.h"
#include "tell/writer.h"

#define CHUNK_BYTES 65536
#define CHUNKS	    (TRACE_STORE_RING_BYTES / CHUNK_BYTES)
#define KEPT_NS	    120000000000ULL
/* Of the head, with the configuration, of a trace that is kept in memory. */
#define PREAMBLE_MAX 131072
/* A larger file is not continued: replay could not read it. */
#define FILE_MOST_BYTES (1ULL << 31)
/* A frame waits at most this long before it is passed to the writer. */
#define FLUSH_NS 1000000000ULL

struct chunk {
	size_t len;
	uint64_t last_ns;
	char bytes[CHUNK_BYTES];
};

struct trace_store {
	struct writer *writer;
	struct trace_writer *trace;
	uint64_t now_ns;
	uint64_t refused; /* files: the previous one was still being written */

	/* with a file */
	int fd;
	uint64_t flushed_ns;
	uint64_t failed_told;
	size_t frames; /* in the buffer */
	struct piece *piece;

	/* for the thread of the writer only */
	bool broken; /* a piece was lost: the next one must begin with an ANEW */
	atomic_ullong failed;
	atomic_int last_errno;

	/* without a file */
	char folder[PATH_MAX - 64];
	struct chunk *ring;
	size_t newest;
	atomic_bool spare_busy;
	uint64_t spare_id;
	size_t spare_len;
	char *spare;
	char *preamble;
	size_t preamble_len;
};

struct piece {
	struct trace_store *trace_store;
	size_t len;
	char bytes[WRITER_LINE_MAX - 64];
};

static void keep_failure(struct trace_store *r, int err)
{
	atomic_store(&r->last_errno, -err);
	atomic_fetch_add(&r->failed, 1);
}

/* ---- with a file ---- */

/* All or nothing: after half a frame the rest could not be read. */
static void write_piece(void *argument, size_t len)
{
	struct piece *piece = argument;
	struct trace_store *r = piece->trace_store;
	off_t before = lseek(r->fd, 0, SEEK_END);
	int err;

	(void)len;
	if (r->broken && piece->bytes[0] != TRACE_ANEW) {
		keep_failure(r, -atomic_load(&r->last_errno));
		return;
	}
	err = file_write_all(r->fd, piece->bytes, piece->len);
	r->broken = err < 0;
	if (!err)
		return;
	if (before < 0 || ftruncate(r->fd, before) < 0)
		err = -errno;
	keep_failure(r, err);
}

static int flush(struct trace_store *r)
{
	int err = 0;

	if (r->piece->len)
		err = writer_give(r->writer, write_piece, r->piece,
				  offsetof(struct piece, bytes) + r->piece->len);
	if (err)
		trace_writer_lose(r->trace, r->frames);
	r->piece->len = r->frames = 0;
	r->flushed_ns = r->now_ns;
	return err;
}

static int out_to_file(void *userdata, const char *frame, size_t len)
{
	struct trace_store *r = userdata;

	/* only a piece that begins with an ANEW can follow a lost one */
	if ((frame[0] == TRACE_ANEW || len > sizeof(r->piece->bytes) - r->piece->len) && flush(r) &&
	    frame[0] != TRACE_ANEW)
		return -EAGAIN;
	memcpy(r->piece->bytes + r->piece->len, frame, len);
	r->piece->len += len;
	r->frames++;
	return 0;
}

static struct trace_store *trace_store_new(struct writer *writer, trace_out *out)
{
	struct trace_store *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->writer = writer;
	r->fd = -1;
	if (trace_writer_new(&r->trace, out, r)) {
		free(r);
		return NULL;
	}
	return r;
}

/* *ret_len: where the file can be continued; 0: it is empty. */
static int find_end(const char *path, char *why, size_t why_size, size_t *ret_len, size_t *ret_cut)
{
	_cleanup_free_ char *bytes = NULL;
	struct trace_reader *reader;
	struct trace_item item;
	size_t len;
	int err = file_read_all(path, FILE_MOST_BYTES, &bytes, &len);

	*ret_len = *ret_cut = 0;
	if (err == -ENOENT || (!err && len == 0))
		return 0;
	if (err == -ENODEV)
		snprintf(why, why_size, "not a regular file");
	if (!err)
		err = trace_reader_new(&reader, bytes, len);
	if (err)
		return err;
	while ((err = trace_next(reader, &item)) > 0)
		;
	*ret_len = trace_reader_offset(reader);
	if (err == -EBADMSG && trace_reader_cut(reader) && *ret_len &&
	    len - *ret_len <= TRACE_FRAME_MAX + 16) {
		*ret_cut = len - *ret_len;
		err = 0;
	}
	if (err)
		snprintf(why, why_size, "%s", trace_reader_error(reader));
	trace_reader_free(reader);
	return err == -EBADMSG ? -EINVAL : err;
}

int trace_store_open(struct trace_store **ret, struct writer *writer, const char *path,
		     const struct trace_head *head, char *why, size_t why_size, size_t *ret_cut)
{
	_cleanup_free_ char *preamble = NULL;
	struct trace_store *r;
	size_t end, len;
	int err;

	why[0] = '\0';
	err = find_end(path, why, why_size, &end, ret_cut);
	if (err)
		return err;
	r = trace_store_new(writer, out_to_file);
	if (!r)
		return -ENOMEM;
	r->piece = calloc(1, sizeof(*r->piece));
	err = r->piece ? trace_preamble(head, end == 0, &preamble, &len) : -ENOMEM;
	if (!err) {
		r->piece->trace_store = r;
		r->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_APPEND, 0640);
		if (r->fd < 0 || (*ret_cut && ftruncate(r->fd, (off_t)end) < 0))
			err = -errno;
	}
	if (!err)
		err = file_write_all(r->fd, preamble, len);
	if (err) {
		trace_store_close(r);
		return err;
	}
	*ret = r;
	return 0;
}

/* ---- without ---- */

static int out_to_ring(void *userdata, const char *frame, size_t len)
{
	struct trace_store *r = userdata;
	struct chunk *chunk = &r->ring[r->newest];

	/* the ring is full, or its frames are too old */
	if (len > sizeof(chunk->bytes) - chunk->len ||
	    (chunk->len && r->now_ns - chunk->last_ns > KEPT_NS)) {
		r->newest = (r->newest + 1) % CHUNKS;
		r->ring[r->newest].len = 0;
		return -EAGAIN;
	}
	memcpy(chunk->bytes + chunk->len, frame, len);
	chunk->len += len;
	chunk->last_ns = r->now_ns;
	return 0;
}

int trace_store_set_head(struct trace_store *r, const struct trace_head *head)
{
	char *preamble;
	size_t len;
	int err = trace_preamble(head, true, &preamble, &len);

	if (!err && len > PREAMBLE_MAX) {
		free(preamble);
		err = -E2BIG;
	}
	if (err)
		return err;
	free(r->preamble);
	r->preamble = preamble;
	r->preamble_len = len;
	return 0;
}

int trace_store_keep(struct trace_store **ret, struct writer *writer, const char *folder,
		     const struct trace_head *head)
{
	struct trace_store *r = trace_store_new(writer, out_to_ring);
	int err = 0;

	if (!r)
		return -ENOMEM;
	if ((size_t)snprintf(r->folder, sizeof(r->folder), "%s", folder) >= sizeof(r->folder))
		err = -ENAMETOOLONG;
	r->ring = calloc(CHUNKS, sizeof(*r->ring));
	r->spare = calloc(1, PREAMBLE_MAX + CHUNKS * CHUNK_BYTES);
	if (!err)
		err = r->ring && r->spare ? trace_store_set_head(r, head) : -ENOMEM;
	if (err)
		trace_store_close(r);
	else
		*ret = r;
	return err;
}

/* Whether the name is "kill-ID.fo". */
static bool parse_name(const char *name, uint64_t *ret_id)
{
	char again[64];

	if (sscanf(name, "kill-%" SCNu64 ".fo", ret_id) != 1)
		return false;
	snprintf(again, sizeof(again), "kill-%" PRIu64 ".fo", *ret_id);
	return !strcmp(name, again);
}

/* Removes the oldest files, those with the lowest ids, until there is room for one more. */
static void make_room(const char *folder)
{
	for (;;) {
		DIR *dir = opendir(folder);
		uint64_t id, oldest = UINT64_MAX;
		const struct dirent *entry;
		char path[PATH_MAX];
		size_t n = 0;

		if (!dir)
			return;
		while ((entry = readdir(dir))) {
			if (!parse_name(entry->d_name, &id))
				continue;
			n++;
			if (id < oldest)
				oldest = id;
		}
		closedir(dir);
		if (n < TRACE_STORE_FILES_KEPT)
			return;
		snprintf(path, sizeof(path), "%s/kill-%" PRIu64 ".fo", folder, oldest);
		if (unlink(path) < 0)
			return;
	}
}

struct spare_request {
	struct trace_store *trace_store;
};

static void write_spare(void *argument, size_t len)
{
	struct trace_store *r = ((struct spare_request *)argument)->trace_store;
	char path[PATH_MAX], part[PATH_MAX];
	int fd, err = 0;

	(void)len;
	make_room(r->folder);
	snprintf(path, sizeof(path), "%s/kill-%" PRIu64 ".fo", r->folder, r->spare_id);
	snprintf(part, sizeof(part), "%s/.kill.fo", r->folder);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		err = -errno;
	if (!err)
		err = file_write_all(fd, r->spare, r->spare_len);
	if (!err && fdatasync(fd) < 0 && errno != EINVAL)
		err = -errno;
	if (fd >= 0)
		close(fd);
	/* the buffer is free before the file has its name: a reader of it may cause the next one */
	atomic_store(&r->spare_busy, false);
	if (!err && rename(part, path) < 0)
		err = -errno;
	if (err) {
		(void)unlink(part);
		keep_failure(r, err);
	}
}

void trace_store_hand_over(struct trace_store *r, uint64_t id)
{
	struct spare_request request = {r};
	size_t len;

	if (!r || !r->ring)
		return;
	if (atomic_load(&r->spare_busy)) {
		r->refused++;
		return;
	}
	memcpy(r->spare, r->preamble, r->preamble_len);
	len = r->preamble_len;
	for (size_t i = 1; i <= CHUNKS; i++) {
		const struct chunk *chunk = &r->ring[(r->newest + i) % CHUNKS];

		if (!chunk->len || r->now_ns - chunk->last_ns > KEPT_NS)
			continue;
		memcpy(r->spare + len, chunk->bytes, chunk->len);
		len += chunk->len;
	}
	r->spare_len = len;
	r->spare_id = id;
	atomic_store(&r->spare_busy, true);
	if (writer_give(r->writer, write_spare, &request, sizeof(request))) {
		atomic_store(&r->spare_busy, false);
		r->refused++;
	}
}

/* ---- both ---- */

struct trace_writer *trace_store_trace(struct trace_store *r)
{
	return r ? r->trace : NULL;
}

void trace_store_tick(struct trace_store *r, uint64_t now_ns, bool end)
{
	uint64_t failed;

	if (!r)
		return;
	r->now_ns = now_ns;
	if (r->ring)
		return;
	failed = atomic_load(&r->failed);
	if (failed != r->failed_told) {
		trace_writer_lose(r->trace, failed - r->failed_told);
		trace_writer_anew(r->trace);
		r->failed_told = failed;
	}
	if (end || now_ns - r->flushed_ns >= FLUSH_NS)
		(void)flush(r);
}

uint64_t trace_store_lost(const struct trace_store *r, int *ret_error)
{
	*ret_error = 0;
	if (!r)
		return 0;
	*ret_error = atomic_load(&r->last_errno);
	return trace_writer_lost(r->trace) + r->refused + atomic_load(&r->failed) - r->failed_told;
}

void trace_store_close(struct trace_store *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	trace_writer_free(r->trace);
	free(r->piece);
	free(r->ring);
	free(r->spare);
	free(r->preamble);
	free(r);
}
