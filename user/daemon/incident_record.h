/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * incident_record: the record of an action, as far as it has come, and its lines for the log.
 *
 * Purity:    memory only: the writer's thread writes.
 * Units:     *_ns CLOCK_MONOTONIC, *_bytes.
 * Errors:    0 or -errno; a record that finds no room is logged as lost.
 */
#ifndef FASTOOM_DAEMON_INCIDENT_RECORD_H
#define FASTOOM_DAEMON_INCIDENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct hot_scope;
struct incident;
struct reporter;

/* Notes that step @name was done at @now_ns. */
void incident_add_step(struct incident *incident, const char *name, uint64_t now_ns);
/* @outcome NULL: there is none yet. */
int incident_make_record(const struct incident *incident, const struct hot_scope *scope,
			 const struct reporter *reporter, const char *event, const char *outcome,
			 uint64_t freed_bytes, uint64_t now_ns, char *line, size_t size,
			 size_t *ret_len);
void incident_write_record(const struct incident *incident, const struct hot_scope *scope,
			   const struct reporter *reporter, const char *event, const char *outcome,
			   uint64_t freed_bytes, uint64_t now_ns);
/* Which process is killed, and why. */
void incident_log_begin(const struct incident *incident, const struct hot_scope *scope);
/* What became of it. */
void incident_log_end(const struct incident *incident, const struct hot_scope *scope,
		      uint64_t freed_bytes, uint64_t now_ns);

#endif /* FASTOOM_DAEMON_INCIDENT_RECORD_H */
