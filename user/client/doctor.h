/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * doctor: checks whether this host has what the daemon needs; the effect and the fix of what is
 * missing.
 *
 * Purity:    reads files; as root it loads and attaches the BPF programs and detaches them again,
 *            and tries to lock its memory and to raise its priority.
 * Units:     none.
 * Errors:    none: what cannot be found out is a check with the state unknown.
 * Ownership: the caller's struct.
 */
#ifndef FASTOOM_CLIENT_DOCTOR_H
#define FASTOOM_CLIENT_DOCTOR_H

#include "client/doctor_check.h"

/* Runs all checks. @ret is large: allocate it. */
void doctor_examine(struct doctor *ret);

/* EXIT_OK: all checks are ok; EXIT_HOST: the daemon cannot run; EXIT_FAILED: something less. */
int doctor_verdict(const struct doctor *doctor);

#endif /* FASTOOM_CLIENT_DOCTOR_H */
