/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trace: the format of a trace file, for trace_write and trace_read.
 *
 * A file is TRACE_MAGIC and then frames, each
 *
 *	kind (1 byte)  length (varint)  payload  crc32 of all that (4 bytes, little endian)
 *
 * A file that was cut off loses its last frame only. Numbers are LEB128 varints, signed ones
 * zigzag; a text is a length and bytes. The head names the fields of the samples, with their
 * widths, the presence bit of each, and how it is stored. A reader of another build takes the
 * fields that it knows; a field that it does not find is missing.
 *
 *	HEAD	begin of a trace, also of a second one in the same file: see struct trace_head
 *	ANEW	nothing below refers to a frame before; scopes and processes are defined again. Has
 *		the number of items that were lost so far
 *	SCOPE	number (the next one), kind, id, path
 *	BEGIN	scope, at: it is hot
 *	END	scope, at: it is no longer watched
 *	SAMPLE	scope, mask of the values that differ from the expected ones (bit 0: presence, bit
 *		n + 1: field n of the head), and the differences. Expected is the value of the last
 *		sample of the scope; for a counter, the same step as before. Bytes: twice the
 *		difference, or twice the pages plus 1. The last frame of a tick
 *	LIST	scope, at, TRACE_LIST_ bits, count, processes: number and mask of what changed. A
 *		new process (the next number) begins with pid and start. With TRACE_TEXT_BIT: comm,
 *		and the texts that are known
 *		A long list has several parts, with an ANEW between them possibly; a file that does
 *		not begin with the first part has the others only
 *	DID	see struct trace_did
 *	SPANS	scope, count, processes: number (a new process begins as in LIST), mask of the
 *		values that are not 0, and these values, see struct process_span. Part of the next
 *		SAMPLE of the scope; there may be several
 *	NAMES	scope, flags, and of a pod its name, namespace and container, where known. Before
 *		the first BEGIN, and when they change
 *
 * "at" is the difference to that of the last frame that had one.
 *
 * Purity:    data only.
 * Units:     *_ns CLOCK_MONOTONIC unless they say otherwise, *_bytes.
 */
#ifndef FASTOOM_TELL_TRACE_H
#define FASTOOM_TELL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/candidate.h"

#define TRACE_MAGIC	"fastoom\n"
#define TRACE_MAGIC_LEN 8
/*
 * 1: processes without what follows TRACE_KTHREAD; no NAMES, no OPENED.
 * 2: processes without what follows TRACE_FLAGS; no SPANS.
 * 3: processes as in 2.
 */
#define TRACE_VERSION 4

enum trace_kind { /* the numbers are the format: never change them */
	TRACE_HEAD = 1,
	TRACE_ANEW = 2,
	TRACE_SCOPE = 3,
	TRACE_BEGIN = 4,
	TRACE_END = 5,
	TRACE_SAMPLE = 6,
	TRACE_LIST = 7,
	TRACE_DID = 8,
	TRACE_NAMES = 9,
	TRACE_SPANS = 10,
};

/* The longest frame, but for the head: that has the configuration. */
#define TRACE_FRAME_MAX 8192

#define TRACE_FIELDS_MAX 63 /* of a sample: the mask has 64 bits */

#define TRACE_PAGE_BYTES 4096 /* the unit of fields of bytes, whatever the host's pages are */

enum {
	TRACE_LIST_FIRST = 1 << 0,
	TRACE_LIST_LAST = 1 << 1,
	TRACE_LIST_MEMBERS = 1 << 2, /* of the victim's group, not of the scope */
};

/* What of a process changes, in the order of its mask. */
enum {
	TRACE_MEMCG,
	TRACE_ANON,
	TRACE_SHMEM,
	TRACE_FILE,
	TRACE_SWAP,
	TRACE_PGTABLES,
	TRACE_GROWTH,
	TRACE_ADJ,
	TRACE_UID,
	TRACE_PARENT,
	TRACE_THREADS,
	TRACE_KTHREAD,
	TRACE_VALUES_1_, /* version 1 has the bit of the texts here */
	TRACE_GROUP = TRACE_VALUES_1_,
	TRACE_SESSION,
	TRACE_PLACE,
	TRACE_QOS,
	TRACE_POD_BYTES,
	TRACE_POD_REQUESTS,
	TRACE_FLAGS,
	TRACE_VALUES_2_, /* versions 2 and 3 have the bit of the texts here */
	TRACE_MM = TRACE_VALUES_2_,
	TRACE_LOCKED_FILE,
	TRACE_SHARES, /* for each share: bytes, then holders << 8 | set */
	TRACE_VALUES_ = TRACE_SHARES + 2 * CANDIDATE_SHARES,
	TRACE_TEXT_BIT = TRACE_VALUES_,
};

/* Of a span, in the order of its mask; then those of each distance. */
enum {
	TRACE_SPAN_LOST,
	TRACE_SPAN_RUN,
	TRACE_SPAN_FAULT_SYS,
	TRACE_SPAN_UNPRODUCTIVE,
	TRACE_SPAN_BLOCKED,
	TRACE_SPAN_ADDED,
	TRACE_SPAN_SWAPINS,
	TRACE_SPAN_SAMPLES,
	TRACE_SPAN_REFAULTS,
	TRACE_SPAN_WORKINGSET = TRACE_SPAN_REFAULTS + 12, /* PROCESS_DISTANCES of the format */
	TRACE_SPAN_VALUES_ = TRACE_SPAN_WORKINGSET + 12,
};

/* In TRACE_FLAGS. */
enum {
	TRACE_FLAG_INIT = 1 << 0,
	TRACE_FLAG_OOM_GROUP = 1 << 1,
	TRACE_FLAG_SHARES_KNOWN = 1 << 2,
};

/* Texts of a process that may be unknown, in this order; version 1 has the first only. */
enum {
	TRACE_CMDLINE,
	TRACE_EXE,
	TRACE_CGROUP,
	TRACE_POD,
	TRACE_POD_UID,
	TRACE_NAMESPACE,
	TRACE_CONTAINER,
	TRACE_TEXTS_,
};

/* A file of the configuration, in the order in which they are read. */
struct trace_config {
	const char *name;
	const char *text;
	size_t len;
};

#define TRACE_CONFIGS_MAX 1024

struct trace_head {
	uint32_t version;
	uint32_t abi;	  /* FO_ABI of the kernel side */
	uint64_t wall_ns; /* CLOCK_REALTIME and CLOCK_MONOTONIC at one moment */
	uint64_t mono_ns;
	uint64_t ram_bytes;
	uint32_t cpus;
	uint32_t cgroup_version; /* 0: no memory controller */
	uint64_t page_bytes;
	uint64_t self_pid; /* the process that wrote the trace: never a victim */
	bool dry_run;
	char release[128];		    /* of the kernel, with a NUL */
	const struct trace_config *configs; /* of the configuration; none: the built-in one */
	size_t config_count;
};

enum trace_scope_kind {
	TRACE_SCOPE_NODE = 0,
	TRACE_SCOPE_CGROUP = 1,
};

struct trace_scope {
	enum trace_scope_kind kind;
	uint64_t id;
	const char *path; /* of a cgroup; "" for the node */
};

/* A cgroup's pod; NULL: not known, or it is in none. */
struct trace_names {
	const char *pod;
	const char *namespace;
	const char *container;
};

enum trace_what {	       /* the numbers are the format: never change them */
	TRACE_VERDICT = 1,     /* text: "ACTION REASON", where it changed */
	TRACE_KILL = 2,	       /* the first signal to the victim (dry_run: not sent) */
	TRACE_SETTLED = 3,     /* text: the outcome; bytes: freed */
	TRACE_STOOD_DOWN = 4,  /* the verdict was act, but nothing was sent; text: why */
	TRACE_KERNEL_KILL = 5, /* the kernel's OOM killer chose a victim in this scope */
	TRACE_OPENED = 6,      /* an action begins; its first signal is a TRACE_KILL */
};

#define TRACE_WHATS_ 7

struct trace_did {
	enum trace_what what;
	uint64_t at_ns;
	uint64_t incident; /* its id; 0: none */
	int pid;
	uint64_t start_boot_ns;
	uint64_t bytes; /* kill: freeable by it; settled: freed in the scope */
	bool dry_run;
	bool waits; /* settled, stood down: no verdict for a while */
	const char *comm;
	const char *text;
};

#endif /* FASTOOM_TELL_TRACE_H */
