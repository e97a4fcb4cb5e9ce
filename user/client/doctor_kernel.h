/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * doctor_kernel: the checks of the BPF programs and of the kernel that they run in.
 *
 * Purity:    loads and attaches the programs, and detaches them again.
 * Errors:    none, see doctor.h.
 * Ownership: the caller's.
 */
#ifndef FASTOOM_CLIENT_DOCTOR_KERNEL_H
#define FASTOOM_CLIENT_DOCTOR_KERNEL_H

struct doctor;

/* doctor->host is known: which version of cgroups it has. */
void doctor_check_kernel(struct doctor *doctor);

#endif /* FASTOOM_CLIENT_DOCTOR_KERNEL_H */
