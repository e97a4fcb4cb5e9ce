// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "replay/replayed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/config.h"
#include "judge/rules.h"
#include "sense/pod_scope.h"

bool replayed_is_node(const struct replayed_scope *scope)
{
	return scope->about.kind == TRACE_SCOPE_NODE;
}

const char *replayed_name(const struct replayed_scope *scope)
{
	return replayed_is_node(scope) ? "node" : scope->path;
}

static void free_list(struct replayed_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct candidate *c = &list->candidates[i];

		free((char *)c->comm);
		free((char *)c->cmdline);
		free((char *)c->exe);
		free((char *)c->cgroup);
		free((char *)c->pod);
		free((char *)c->pod_uid);
		free((char *)c->namespace);
		free((char *)c->container);
	}
	free(list->candidates);
	*list = (struct replayed_list){0};
}

/* NULL stays NULL; false: out of memory. */
static bool copy_text(const char **text)
{
	if (*text)
		*text = strdup(*text);
	else
		return true;
	return *text != NULL;
}

bool replayed_keep_list(struct replayed_list *list, const struct candidate *candidates, size_t n)
{
	bool copied = true;

	free_list(list);
	list->candidates = calloc(n + 1, sizeof(*list->candidates));
	if (!list->candidates)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct candidate *c = &list->candidates[list->count++];

		*c = candidates[i];
		copied &= copy_text(&c->comm) & copy_text(&c->cmdline) & copy_text(&c->exe) &
			  copy_text(&c->cgroup) & copy_text(&c->pod) & copy_text(&c->pod_uid) &
			  copy_text(&c->namespace) & copy_text(&c->container);
	}
	return copied;
}

static void settle_policy(const struct replayed *r, struct replayed_scope *scope)
{
	struct scope_names names;

	if (replayed_is_node(scope)) {
		scope->policy = rules_policy_node(r->config);
		return;
	}
	names = scope_of_path(scope->path);
	names.pod = scope->names[0];
	names.namespace = scope->names[1];
	names.container = scope->names[2];
	scope->policy = rules_policy_cgroup(r->config, &names);
}

struct replayed_scope *replayed_scope_of(struct replayed *r, const struct trace_scope *about)
{
	struct replayed_scope *scope;
	void *fresh;

	for (size_t i = 0; i < r->scope_count; i++)
		if (r->scopes[i].about.id == about->id && r->scopes[i].about.kind == about->kind)
			return &r->scopes[i];
	fresh = reallocarray(r->scopes, r->scope_count + 1, sizeof(*scope));
	if (!fresh)
		return NULL;
	r->scopes = fresh;
	scope = &r->scopes[r->scope_count];
	*scope = (struct replayed_scope){.about = *about, .path = strdup(about->path)};
	if (!scope->path)
		return NULL;
	scope->about.path = scope->path;
	r->scope_count++;
	settle_policy(r, scope);
	return scope;
}

bool replayed_take_names(struct replayed *r, struct replayed_scope *scope,
			 const struct trace_names *names)
{
	const char *texts[] = {names->pod, names->namespace, names->container};
	bool copied = true;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		free(scope->names[i]);
		copied &= copy_text(&texts[i]);
		scope->names[i] = (char *)texts[i];
	}
	settle_policy(r, scope);
	return copied;
}

bool replayed_keep_did(struct replayed_scope *scope, const struct trace_did *did)
{
	struct replayed_did *fresh =
		reallocarray(scope->pending, scope->pending_count + 1, sizeof(*fresh));
	struct replayed_did *kept;

	if (!fresh)
		return false;
	scope->pending = fresh;
	kept = &fresh[scope->pending_count++];
	*kept = (struct replayed_did){.did = *did};
	snprintf(kept->comm, sizeof(kept->comm), "%s", did->comm);
	snprintf(kept->text, sizeof(kept->text), "%s", did->text);
	kept->did.comm = kept->did.text = NULL;
	return true;
}

bool replayed_keep_kill(struct replayed_kills *kills, const struct replayed_kill *kill)
{
	struct replayed_kill *fresh =
		reallocarray(kills->list, kills->count + 1, sizeof(*kills->list));

	if (!fresh)
		return false;
	kills->list = fresh;
	fresh[kills->count++] = *kill;
	return true;
}

bool replayed_reserve(struct replayed *r, size_t n)
{
	struct victim *fresh;

	if (n <= r->ranking_room)
		return true;
	fresh = reallocarray(r->ranking, n, sizeof(*fresh));
	if (!fresh)
		return false;
	r->ranking = fresh;
	r->ranking_room = n;
	return true;
}

void replayed_reset(struct replayed *r)
{
	for (size_t i = 0; i < r->scope_count; i++) {
		struct replayed_scope *scope = &r->scopes[i];

		free(scope->path);
		for (size_t n = 0; n < ARRAY_SIZE(scope->names); n++)
			free(scope->names[n]);
		free(scope->pending);
		free_list(&scope->list);
		free_list(&scope->members);
		free(scope->would.list);
		free(scope->did.list);
	}
	free(r->scopes);
	config_free(r->config);
	*r = (struct replayed){.ranking = r->ranking, .ranking_room = r->ranking_room};
}

void replayed_free(struct replayed *r)
{
	replayed_reset(r);
	free(r->ranking);
}
