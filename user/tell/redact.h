/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * redact: removes the names of other users' processes from a message of the control socket. In each
 * object whose "uid" is missing or not the reader's, the strings comm, cmdline, exe and cgroup
 * become null.
 *
 * Purity:    pure.
 * Units:     bytes.
 * Ranges:    objects nested at most 32 deep.
 * Errors:    0, -ENOSPC: @out is too small; -EBADMSG: not of the form that base/json.h writes.
 * Ownership: the caller's buffers; they do not overlap.
 */
#ifndef FASTOOM_TELL_REDACT_H
#define FASTOOM_TELL_REDACT_H

#include <stddef.h>
#include <stdint.h>

int redact(const char *text, size_t len, uint32_t reader_uid, char *out, size_t size,
	   size_t *ret_len);

#endif /* FASTOOM_TELL_REDACT_H */
