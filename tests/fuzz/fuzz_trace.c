/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * libFuzzer target: any bytes as a trace. Besides the sanitizers, checks the contract of
 * trace_read.h. The checksums of the input are corrected first, or few inputs would pass them;
 * every eighth input is used as it is.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "judge/candidate.h"
#include "judge/fields.h"
#include "tell/trace_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void fix_checksums(uint8_t *data, size_t size)
{
	size_t at = TRACE_MAGIC_LEN;

	while (at + 2 < size) {
		size_t start = at++, len = 0;
		uint32_t crc;

		for (int shift = 0; at < size && shift < 28; shift += 7) {
			len |= (size_t)(data[at] & 0x7f) << shift;
			if (!(data[at++] & 0x80))
				break;
		}
		if (len + 4 > size - at)
			return;
		at += len;
		crc = (uint32_t)crc32(0, data + start, (unsigned)(at - start));
		for (int i = 0; i < 4; i++)
			data[at++] = (uint8_t)(crc >> 8 * i);
	}
}

static uint64_t sum; /* keeps the compiler from removing the reads */

static void use_item(const struct trace_reader *reader, const struct trace_item *item)
{
	switch (item->kind) {
	case TRACE_HEAD:
		require(memchr(item->head->release, '\0', sizeof(item->head->release)) != NULL);
		for (size_t i = 0; i < item->head->config_count; i++)
			sum += crc32(0, (const unsigned char *)item->head->configs[i].text,
				     (unsigned)item->head->configs[i].len);
		return;
	case TRACE_SAMPLE:
		require(!(item->sample.has & ~trace_reader_has(reader)));
		for (size_t i = 0; i < SAMPLE_FIELDS_COUNT; i++)
			if (sample_fields[i].need & ~item->sample.has)
				require(sample_get(&item->sample, &sample_fields[i]) == 0);
		break;
	case TRACE_LIST:
		for (size_t i = 0; i < item->count; i++) {
			const struct candidate *c = &item->candidates[i];

			sum += strlen(c->comm) + (uint64_t)c->pid;
			require(!c->cmdline || strlen(c->cmdline) == c->cmdline_len);
		}
		break;
	case TRACE_DID:
		require(item->did.what > 0 && item->did.what < TRACE_WHATS_);
		sum += strlen(item->did.comm) + strlen(item->did.text);
		break;
	default:
		require(item->kind == TRACE_BEGIN || item->kind == TRACE_END);
	}
	sum += strlen(item->scope.path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of the exact size, so that a read beyond it is found */
	uint8_t *bytes = malloc(size ? size : 1);
	struct trace_reader *reader;
	struct trace_item item;
	size_t before = 0;
	int found;

	if (!bytes || trace_reader_new(&reader, bytes, size))
		abort();
	if (size)
		memcpy(bytes, data, size);
	if (size % 8)
		fix_checksums(bytes, size);
	while ((found = trace_next(reader, &item)) > 0) {
		use_item(reader, &item);
		require(trace_reader_offset(reader) > before);
		before = trace_reader_offset(reader);
	}
	require(trace_reader_offset(reader) <= size);
	require(found == 0 || found == -EBADMSG || found == -ENOMEM);
	require((found == 0) == !*trace_reader_error(reader));
	require(found || trace_reader_offset(reader) == size);
	require(trace_next(reader, &item) == found);
	trace_reader_free(reader);
	free(bytes);
	return 0;
}
