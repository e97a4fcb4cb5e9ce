/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * doctor_host: the checks of cgroups, capabilities, swap, other killers and settings.
 *
 * Purity:    reads files; tries to lock this process's memory and to raise its priority.
 * Errors:    none, see doctor.h.
 * Ownership: the caller's.
 */
#ifndef FASTOOM_CLIENT_DOCTOR_HOST_H
#define FASTOOM_CLIENT_DOCTOR_HOST_H

struct doctor;

/* @cgroup_err: why doctor->host is not known; 0: it is. */
void doctor_check_host(struct doctor *doctor, int cgroup_err);

#endif /* FASTOOM_CLIENT_DOCTOR_HOST_H */
