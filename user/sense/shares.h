/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * shares: which processes of the host hold which shared memory, and how much of the files that a
 * process maps is mlocked. No counter of a process tells either: RssShmem has no owner, and memory
 * that is only open, not mapped, is in no RSS.
 *
 * A pass reads /proc/PID/fd and /proc/PID/maps of all processes, and /proc/PID/smaps_rollup of
 * those that lock memory. The last two take the mmap lock, which a stalled process may hold for
 * seconds. A thread of its own, with the caller's scheduling policy, does it while scopes are hot,
 * and listings use the last result.
 *
 * What is not counted: System V segments (they stay without a process), files with a name
 * (likewise), hugetlbfs, objects below SHARES_LEAST_BYTES, and references outside of processes (a
 * descriptor in flight through a socket, io_uring).
 *
 * Purity:    reads files; allocates only in shares_new().
 * Units:     bytes; *_ns CLOCK_BOOTTIME.
 * Errors:    0 or -errno. A pass that could not see every process has no result: shares are not
 *            known then.
 * Ownership: shares_new() gives, shares_free() takes. One thread calls all functions.
 */
#ifndef FASTOOM_SENSE_SHARES_H
#define FASTOOM_SENSE_SHARES_H

#include <stdint.h>

/* A smaller object matters to no ranking: min_free is larger on hosts of more than 100 MiB. */
#define SHARES_LEAST_BYTES (1ULL << 20)

struct candidate;
struct shares;

int shares_new(struct shares **ret);
void shares_free(struct shares *shares);

/* Before a listing: takes the result of a pass that has ended. */
void shares_take(struct shares *shares, uint64_t boot_ns);
/* After a listing: begins the next pass if it is due. */
void shares_begin(struct shares *shares);
/* Fills in what the last pass tells of the candidate. @locked_bytes: of its mlocked mappings. */
void shares_fill(struct shares *shares, struct candidate *candidate, uint64_t locked_bytes);

#endif /* FASTOOM_SENSE_SHARES_H */
