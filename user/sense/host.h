/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * host: the settings of this machine that decide how a shortage of memory goes. For `doctor`:
 * nothing here is read by the daemon while it runs.
 *
 * Purity:    reads files below @root ("" for the host's own; tests give a tree).
 * Units:     as named.
 * Errors:    0 or -errno: what is not there is -ENOENT, what may not be read -EACCES.
 * Ownership: the caller's structs are filled.
 */
#ifndef FASTOOM_SENSE_HOST_H
#define FASTOOM_SENSE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_TEXT_MAX	256
#define HOST_RIVALS_MAX 8

/* A file with one number, such as those of /proc/sys. */
int host_number(const char *root, const char *path, uint64_t *ret_value);

/* The effective capabilities of this process, one bit each. */
int host_capabilities(const char *root, uint64_t *ret_bits);

/* Whether the kernel keeps PSI: -ENOENT or -EOPNOTSUPP where it does not. */
int host_psi(const char *root);

/* "none", "integrity" or "confidentiality"; "none" also without that security module. */
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

/* Other programs that kill when memory is short and run now. Returns how many, at most @max. */
size_t host_rivals(const char *root, struct host_rival *ret, size_t max);

/* Whether @pid is a process of the name @comm. */
bool host_is(const char *root, int pid, const char *comm);

/*
 * cgroup v1: memory cgroups below @mount whose OOM killer is switched off; the path of one, below
 * the mount, in @ret_path. -errno: the tree cannot be read.
 */
int host_oom_disabled(const char *mount, size_t *ret_count, char *ret_path, size_t size);

/* What the kernel sets vm.min_free_kbytes to by itself on a machine of so much memory. */
uint64_t host_min_free_default_kb(uint64_t total_kb);

#endif /* FASTOOM_SENSE_HOST_H */
