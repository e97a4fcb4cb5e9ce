/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * open: the stalls that tasks are in right now, in one table.
 *
 * An end may not be seen: the kernel skips a program while the same program runs on the same CPU.
 * The stall would then stay in its scope's sums. So the program that deletes the entry takes the
 * stall out of the sums. That is its end, the next begin of the same task, the task's exit, or
 * fo_open_check; the kernel lets only one of them delete it.
 */
#ifndef FASTOOM_OPEN_BPF_H
#define FASTOOM_OPEN_BPF_H

#include "scope.bpf.h"
#include "sums.bpf.h"

static __always_inline struct fo_open_key fo_open_key(enum fo_section section)
{
	return (struct fo_open_key){.pid = (__u32)bpf_get_current_pid_tgid(), .section = section};
}

static __always_inline struct fo_open *fo_open_find(enum fo_section section)
{
	struct fo_open_key key = fo_open_key(section);

	return bpf_map_lookup_elem(&fo_open, &key);
}

static __always_inline bool fo_open_insert(const struct fo_open_key *key,
					   const struct fo_open *open)
{
	if (bpf_map_update_elem(&fo_open, key, open, BPF_NOEXIST))
		return false;
	fo_add(fo_open_count, 1);
	return true;
}

/* False: another caller was first. */
static __always_inline bool fo_open_delete(const struct fo_open_key *key)
{
	if (bpf_map_delete_elem(&fo_open, key))
		return false;
	fo_add(fo_open_count, -1);
	return true;
}

/* Removes an entry. False: there is none, or another caller removed it. */
static __always_inline bool fo_open_take(const struct fo_open_key *key, struct fo_open *ret)
{
	struct fo_open *open = bpf_map_lookup_elem(&fo_open, key);

	if (!open)
		return false;
	*ret = *open;
	return fo_open_delete(key);
}

/* Takes a stall whose end was not seen out of the sums. How long it took is not known. */
static __always_inline void fo_open_forget(__u32 section, const struct fo_open *open)
{
	struct fo_scope_stat *stat;

	if (open->not_a_stall || section == FO_SECTION_COMPACTION)
		return;
	if (section == FO_SECTION_MEMSTALL) {
		fo_memstall_end(open->scope, open->start_ns, 0);
		return;
	}
	stat = fo_scope_stat(open->scope, false);
	if (!stat)
		return;
	if (section == FO_SECTION_SOFT)
		fo_stall_forget(&stat->soft, open->start_ns);
	else if (open->fragment)
		fo_stall_forget(&stat->fragment, open->start_ns);
	else
		fo_stall_forget(&stat->stall, open->start_ns);
}

/* False: no room, which is counted; the stall must not enter any sum. */
static __always_inline bool fo_open_begin(enum fo_section section, struct fo_open *open)
{
	struct fo_open_key key = fo_open_key(section);
	struct fo_open old;

	open->task = bpf_get_current_task();
	open->task_start_boot_ns = fo_current_start_boot_ns();
	if (fo_open_insert(&key, open))
		return true;
	if (fo_open_take(&key, &old)) {
		fo_count(ends_missed);
		fo_open_forget(section, &old);
		if (fo_open_insert(&key, open))
			return true;
	}
	fo_count(tasks_full);
	return false;
}

/* False: its begin was not seen. */
static __always_inline bool fo_open_end(enum fo_section section, struct fo_open *ret)
{
	struct fo_open_key key = fo_open_key(section);

	return fo_open_take(&key, ret);
}

#endif /* FASTOOM_OPEN_BPF_H */
