/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * host: settings of the host that influence memory shortage. `doctor` reads them; the daemon reads
 * them only when it starts.
 *
 * Purity:    reads files below @root ("" for the host's own; tests pass a directory of fixtures).
 * Units:     *_bytes, *_kb kibibytes.
 * Errors:    0 or -errno. -ENOENT: no such file; -EACCES: not permitted; -EINVAL: not understood.
 * Ownership: the caller owns all structs and buffers.
 */
#ifndef FASTOOM_SENSE_HOST_H
#define FASTOOM_SENSE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_TEXT_MAX	256 /* bytes; fits every text below */
#define HOST_RIVALS_MAX 8   /* chosen: more than there are such programs */

/* Reads a file with one number, such as those in /proc/sys. */
int host_number(const char *root, const char *path, uint64_t *ret_value);

/* The effective capabilities of this process, a bit each: capabilities(7). */
int host_capabilities(const char *root, uint64_t *ret_bits);

/* 0: the kernel reports PSI. -ENOENT, -EOPNOTSUPP: it does not. */
int host_psi(const char *root);

/* "none", "integrity" or "confidentiality"; "none" also without the lockdown module. */
int host_lockdown(const char *root, char *ret, size_t size);

struct host_swap {
	uint64_t disk_bytes; /* partitions and files */
	uint64_t zram_bytes;
	uint64_t used_bytes;
};

int host_swap(const char *root, struct host_swap *ret);

struct host_rival {
	int pid;
	char comm[16];
};

/*
 * Running programs that also kill when memory is short: by name, and by a system user, so that no
 * other user keeps the daemon from starting. Returns how many, at most @max.
 */
size_t host_rivals(const char *root, struct host_rival *ret, size_t max);

/* Whether @pid exists and its name is @comm. */
bool host_is(const char *root, int pid, const char *comm);

/*
 * cgroup v1: counts the memory cgroups below @mount with oom_kill_disable. @ret_path: the path of
 * the first one below @mount; unchanged if there is none.
 */
int host_oom_disabled(const char *mount, size_t *ret_count, char *ret_path, size_t size);

/* The kernel's default of vm.min_free_kbytes: calculate_min_free_kbytes() in mm/page_alloc.c. */
uint64_t host_min_free_default_kb(uint64_t total_kb);

#endif /* FASTOOM_SENSE_HOST_H */
