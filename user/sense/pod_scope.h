/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * scope: what a cgroup's path alone says of it, where nothing is there to ask for pods' names.
 *
 * Purity:    pure.
 * Errors:    none; names of pods are not known: policies for such do not match.
 * Ownership: the result points to @path.
 */
#ifndef FASTOOM_SENSE_POD_SCOPE_H
#define FASTOOM_SENSE_POD_SCOPE_H

#include "judge/rules.h"

struct scope_names scope_of_path(const char *path);

#endif /* FASTOOM_SENSE_POD_SCOPE_H */
