/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * trace: the format of recordings: what trace_write and trace_read share.
 *
 * A file is TRACE_MAGIC and then frames, each
 *
 *	kind (1 byte)  length (varint)  payload  crc32 of all that (4 bytes, little endian)
 *
 * so that whatever was cut off while it was appended costs the last frame only. Numbers are
 * LEB128 varints, signed ones zigzag, texts a length and bytes. The head names the fields of
 * the samples, with their widths, the presence bit each one needs, and how they are stored: a
 * reader of another build takes those that it knows, and what it does not find is missing.
 *
 *	HEAD	a recording begins, also a second one in the same file: see struct trace_head
 *	ANEW	everything below is encoded against nothing before; scopes and processes are
 *		named again. How many items found no place so far
 *	SCOPE	number (the next one), kind, id, path
 *	BEGIN	scope, at: it is hot
 *	END	scope, at: it is no longer watched
 *	SAMPLE	scope, mask of what is not as expected (bit 0: presence, bit n + 1: field n of the
 *		head), and by how much each is not. Expected is what the scope's last sample had;
 *		of a counter, that it goes on as it did before. Bytes: twice the difference, or
 *		twice the pages and 1. The last frame of a tick
 *	LIST	scope, at, TRACE_LIST_ bits, count, processes: number and mask of what changed; a
 *		new one (the next number) begins with pid and start; with TRACE_TEXT_BIT its
 *		comm, and its command line if that is known
 *		The parts of a long list may have an ANEW between them, and a file that begins in
 *		the middle of things may lack the first ones
 *	DID	see struct trace_did
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

#define TRACE_MAGIC	"fastoom\n"
#define TRACE_MAGIC_LEN 8
#define TRACE_VERSION	2 /* 1: processes without what follows TRACE_KTHREAD; no NAMES, no OPENED */

enum trace_kind { /* the numbers are the format: they stay */
	TRACE_HEAD = 1,
	TRACE_ANEW = 2,
	TRACE_SCOPE = 3,
	TRACE_BEGIN = 4,
	TRACE_END = 5,
	TRACE_SAMPLE = 6,
	TRACE_LIST = 7,
	TRACE_DID = 8,
	TRACE_NAMES = 9,
};

/* No frame but the head, which has the configuration, is longer. */
#define TRACE_FRAME_MAX 8192

#define TRACE_FIELDS_MAX 63 /* of a sample: the mask has 64 bits */

#define TRACE_PAGE_BYTES 4096 /* the unit of fields of bytes, whatever the host's pages are */

enum {
	TRACE_LIST_FIRST = 1 << 0,
	TRACE_LIST_LAST = 1 << 1,
	TRACE_LIST_MEMBERS = 1 << 2, /* not the scope's processes: those of a victim's group */
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
	TRACE_VALUES_1_, /* in version 1 the texts' bit is here */
	TRACE_GROUP = TRACE_VALUES_1_,
	TRACE_SESSION,
	TRACE_PLACE,
	TRACE_QOS,
	TRACE_POD_BYTES,
	TRACE_POD_REQUESTS,
	TRACE_FLAGS,
	TRACE_VALUES_,
	TRACE_TEXT_BIT = TRACE_VALUES_,
};

/* In TRACE_FLAGS. */
enum {
	TRACE_FLAG_INIT = 1 << 0,
	TRACE_FLAG_OOM_GROUP = 1 << 1,
};

/* Texts of a process that may be unknown, in this order; version 1 has the first alone. */
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
	uint64_t self_pid; /* who recorded: never a victim */
	bool dry_run;
	char release[128];		    /* of the kernel, NUL at its end */
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

enum trace_what {	       /* the numbers are the format: they stay */
	TRACE_VERDICT = 1,     /* text: "ACTION REASON", where it changed */
	TRACE_KILL = 2,	       /* a signal left (or would have: dry_run): who */
	TRACE_SETTLED = 3,     /* text: what became of it; given back */
	TRACE_STOOD_DOWN = 4,  /* the verdict was act, but nothing was sent; text: why */
	TRACE_KERNEL_KILL = 5, /* the kernel's own, which this scope felt */
	TRACE_OPENED = 6,      /* an action begins; its first signal is a TRACE_KILL */
};

#define TRACE_WHATS_ 7

struct trace_did {
	enum trace_what what;
	uint64_t at_ns;
	uint64_t incident; /* its id; 0: none */
	int pid;
	uint64_t start_boot_ns;
	uint64_t bytes; /* kills: what the victim gives back; settled: what the scope did */
	bool dry_run;
	bool waits; /* settled, stood down: the next verdict comes after a while */
	const char *comm;
	const char *text;
};

#endif /* FASTOOM_TELL_TRACE_H */
