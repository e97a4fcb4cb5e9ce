// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "tell/snapshot.h"

#include "base/json.h"
#include "tell/record.h"

/* Room for what follows the last scope. */
#define TAIL_BYTES 64

static void put_scope(struct json *json, const struct snapshot_scope *scope)
{
	json_open_map(json, NULL);
	json_text(json, "kind", scope->node ? "node" : scope->in_pod ? "pod" : "cgroup");
	if (!scope->node)
		json_text(json, "path", scope->path);
	json_u64(json, "id", scope->id);
	if (*scope->namespace)
		json_text(json, "namespace", scope->namespace);
	if (*scope->pod)
		json_text(json, "pod", scope->pod);
	if (*scope->container)
		json_text(json, "container", scope->container);
	json_text(json, "policy", scope->policy);
	json_bool(json, "acts", scope->acts);
	json_bool(json, "dry_run", scope->dry_run);
	json_bool(json, "incident", scope->incident);
	record_put_verdict(json, &scope->verdict);
	record_put_evidence(json, &scope->evidence);
	if (scope->next.pid) {
		json_open_map(json, "next_victim");
		json_i64(json, "pid", scope->next.pid);
		json_u64(json, "uid", scope->next.uid);
		json_text(json, "comm", scope->next.comm);
		json_u64(json, "freeable_bytes", scope->next.freeable_bytes);
		json_u64(json, "gives_bytes", scope->next.freeable_bytes); /* renamed */
		json_text(json, "rule", *scope->next.rule ? scope->next.rule : NULL);
		json_close_map(json);
	}
	json_open_list(json, "stall_slots");
	for (size_t i = 0; i < SNAPSHOT_SLOTS; i++)
		json_u64(json, NULL, scope->slots[i]);
	json_close_list(json);
	json_close_map(json);
}

static void put_proactive(struct json *json, const char *key,
			  const struct snapshot_proactive *proactive)
{
	json_open_map(json, key);
	json_u64(json, "scopes", proactive->scopes);
	json_u64(json, "reclaimed_bytes", proactive->reclaimed_bytes);
	json_u64(json, "stops", proactive->stops);
	json_close_map(json);
}

static const char *tracking_name(enum tracking_state tracking, bool old)
{
	static const char *const names[TRACKING_STATES_][2] = {
		[TRACKING_OFF] = {"off", "shut"},
		[TRACKING_STARTING] = {"starting", "opening"},
		[TRACKING_ON] = {"on", "open"},
		[TRACKING_FAILED] = {"failed", "failed"},
	};

	return names[tracking][old];
}

static void put_not_watched(struct json *json, const struct snapshot_not_watched *n)
{
	if (!n->refused && !n->displaced && !n->table_full)
		return;
	json_open_map(json, "not_watched");
	json_u64(json, "refused", n->refused);
	json_u64(json, "displaced", n->displaced);
	json_u64(json, "table_full", n->table_full);
	json_text(json, "latest", *n->path ? n->path : NULL);
	json_close_map(json);
}

int snapshot_json(char *buf, size_t size, const struct snapshot *snapshot, size_t *ret_len)
{
	size_t i;
	struct json json;

	json_begin(&json, buf, size);
	json_u64(&json, "schema", RECORD_SCHEMA);
	record_put_time(&json, "time", snapshot->wall_ns);
	json_u64(&json, "mono_ns", snapshot->mono_ns);
	json_open_map(&json, "daemon");
	json_i64(&json, "pid", snapshot->pid);
	json_u64(&json, "started_mono_ns", snapshot->started_ns);
	json_i64(&json, "cgroup_version", snapshot->cgroup_version);
	json_bool(&json, "dry_run", snapshot->dry_run);
	json_bool(&json, "hot", snapshot->hot);
	json_text(&json, "page_tracking", tracking_name(snapshot->tracking, false));
	json_text(&json, "eyes", tracking_name(snapshot->tracking, true)); /* renamed */
	json_text(&json, "config", *snapshot->config_path ? snapshot->config_path : NULL);
	json_text(&json, "events", *snapshot->events_path ? snapshot->events_path : NULL);
	json_u64(&json, "lost", snapshot->lost);
	json_u64(&json, "maps_bytes", snapshot->maps_bytes);
	if (snapshot->proactive.on) {
		put_proactive(&json, "proactive_reclaim", &snapshot->proactive);
		put_proactive(&json, "background_reclaim", &snapshot->proactive); /* renamed */
	}
	put_not_watched(&json, &snapshot->not_watched);
	json_close_map(&json);
	json_open_list(&json, "scopes");
	for (i = 0; i < snapshot->scope_count; i++) {
		struct json before = json;

		put_scope(&json, &snapshot->scopes[i]);
		if (json.full || json.len + TAIL_BYTES > size) {
			json = before;
			break;
		}
	}
	json_close_list(&json);
	json_u64(&json, "scopes_omitted", snapshot->scope_count - i);
	return json_end(&json, ret_len);
}
