/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * pod_scope: the names of a scope from its cgroup path alone, without the index of pod names.
 *
 * Purity:    pure.
 * Units:     none.
 * Errors:    none. Names of pods stay NULL, so policies that ask for them do not match.
 * Ownership: the result points to @path.
 */
#ifndef FASTOOM_SENSE_POD_SCOPE_H
#define FASTOOM_SENSE_POD_SCOPE_H

#include "judge/rules.h"

struct scope_names scope_of_path(const char *path);

#endif /* FASTOOM_SENSE_POD_SCOPE_H */
