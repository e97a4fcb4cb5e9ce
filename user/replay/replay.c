// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/util.h"
#include "config/config.h"
#include "config/files.h"
#include "config/load.h"
#include "config/read.h"
#include "judge/config.h"
#include "replay/print.h"
#include "replay/replayed.h"
#include "tell/trace_read.h"

struct replay {
	const char *name;
	const struct replay_options *options;
	struct replayed replayed;
	struct replay_print print;
	bool no_memory;
};

/* ---- actions of the trace ---- */

/* The daemon acted and replay would not have: the later samples show the effect, so take it in. */
static void take_action(struct scope_case *state, const struct replayed_did *done)
{
	const struct trace_did *did = &done->did;

	if (did->what == TRACE_OPENED) {
		if (!did->dry_run)
			case_open(state, did->incident, did->dry_run);
		return;
	}
	if (did->dry_run)
		return;
	if (!state->pending || state->action_id != did->incident)
		case_open(state, did->incident, did->dry_run);
	case_signalled(state, done->comm, did->start_boot_ns, did->at_ns);
}

static void take_outcome(struct scope_case *state, const struct replayed_did *done)
{
	const struct trace_did *did = &done->did;
	enum case_outcome outcome = case_outcome_of_name(done->text);

	if (state->pending && state->action_id == did->incident && outcome != CASE_OUTCOMES_)
		case_close(state, outcome, did->pid, did->at_ns);
	else if (outcome == CASE_STUCK || outcome == CASE_REFUSED)
		case_back_off(state, did->pid, did->at_ns);
}

/*
 * An event between two samples of the scope is taken in at once: verdicts of other scopes depend on
 * it. An event that a sample caused is in the trace before that sample, and waits until the sample
 * has been judged.
 */
static bool is_taken_at_once(const struct replayed_scope *scope, const struct trace_did *did)
{
	const struct scope_case *state = &scope->state;

	if (did->what == TRACE_KERNEL_KILL)
		return true;
	if (did->what == TRACE_KILL)
		return state->pending && did->incident && state->action_id == did->incident;
	if (did->what != TRACE_SETTLED)
		return false;
	for (size_t i = 0; i < scope->pending_count; i++)
		if (scope->pending[i].did.incident == did->incident)
			return false;
	return true;
}

static void keep_real_kill(struct replay *r, struct replayed_scope *scope,
			   const struct trace_did *did, const char *comm)
{
	struct replayed_kill kill = {.at_ns = did->at_ns, .pid = did->pid, .real = !did->dry_run};

	snprintf(kill.comm, sizeof(kill.comm), "%s", comm);
	r->no_memory |= !replayed_keep_kill(&scope->did, &kill);
}

static void take_did(struct replay *r, struct replayed_scope *scope, const struct trace_did *did)
{
	struct replayed_did *kept;
	bool at_once;

	if (did->what == TRACE_VERDICT) {
		snprintf(scope->recorded, sizeof(scope->recorded), "%s", did->text);
		return;
	}
	at_once = is_taken_at_once(scope, did);
	if (!replayed_keep_did(scope, did)) {
		r->no_memory = true;
		return;
	}
	if (!at_once)
		return;
	kept = &scope->pending[scope->pending_count - 1];
	print_did(&r->print, scope, kept);
	if (did->what == TRACE_KERNEL_KILL && scope->policy)
		case_kernel_killed(&scope->state, scope->policy, did->bytes, did->at_ns);
	else if (did->what == TRACE_KERNEL_KILL)
		; /* a scope without a policy is not judged */
	else if (did->what == TRACE_SETTLED)
		take_outcome(&scope->state, kept);
	else
		case_signalled(&scope->state, kept->comm, did->start_boot_ns, did->at_ns);
	if (did->what == TRACE_KILL)
		keep_real_kill(r, scope, did, kept->comm);
	scope->pending_count--;
}

/* Takes in the waiting events, after their sample was judged. @acted: the verdict was to act. */
static void take_pending(struct replay *r, struct replayed_scope *scope, bool acted)
{
	struct scope_case *state = &scope->state;

	for (size_t i = 0; i < scope->pending_count; i++) {
		const struct replayed_did *done = &scope->pending[i];
		const struct trace_did *did = &done->did;

		print_did(&r->print, scope, done);
		switch (did->what) {
		case TRACE_SETTLED:
			take_outcome(state, done);
			break;
		case TRACE_STOOD_DOWN:
			if (acted && did->waits)
				case_stand_down(state, CASE_RECOVERED, did->at_ns);
			break;
		case TRACE_KILL:
			keep_real_kill(r, scope, did, done->comm);
			/* fallthrough */
		default:
			if (acted && did->what == TRACE_OPENED)
				case_open(state, did->incident, did->dry_run);
			else if (acted && state->action_id == did->incident)
				case_signalled(state, done->comm, did->start_boot_ns, did->at_ns);
			else if (acted && !state->pending) {
				/* version 1 has no TRACE_OPENED */
				case_open(state, did->incident, did->dry_run);
				case_signalled(state, done->comm, did->start_boot_ns, did->at_ns);
			} else {
				take_action(state, done);
			}
		}
	}
	scope->pending_count = 0;
}

static bool has_pending(const struct replayed_scope *scope, enum trace_what what)
{
	for (size_t i = 0; i < scope->pending_count; i++)
		if (scope->pending[i].did.what == what)
			return true;
	return false;
}

/* ---- actions of this replay ---- */

static void choose_members(struct replay *r, const struct replayed_scope *scope,
			   const struct evidence *e, struct replay_choice *choice)
{
	const struct victim *victim = &choice->victims[0];
	struct victim_group group = victim_group_of(scope->policy, victim);
	const struct replayed_list *list = &scope->list;
	struct victim_members members;

	case_widen_group(&scope->state, e->at_ns, r->replayed.ranking, list->count, &group);
	choice->unit = group.unit;
	choice->members = 1;
	if (victim_group_is_single(&group))
		return;
	if (group.unit == KILL_UNIT_POD && scope->members.count && !replayed_is_node(scope))
		list = &scope->members;
	if (!replayed_reserve(&r->replayed, list->count)) {
		r->no_memory = true;
		return;
	}
	members = case_rank_members(&scope->state, scope->policy, e->total_bytes, e->at_ns, &group,
				    list->candidates, list->count, r->replayed.ranking);
	if (members.dying > scope->policy->max_victims) {
		choice->unit = KILL_UNIT_PROCESS;
		choice->unit_refused = "it has more members than max_victims allows";
		choice->members = victim->sharers;
		return;
	}
	choice->members = members.dying;
	choice->spared_count = members.spared;
	for (size_t i = 0; i < members.spared && i < RECORD_SPARED; i++) {
		const struct victim *spared = &r->replayed.ranking[members.dying + i];

		choice->spared[i].pid = spared->candidate->pid;
		snprintf(choice->spared[i].comm, sizeof(choice->spared[i].comm), "%.15s",
			 spared->candidate->comm);
		choice->spared[i].why = victim_exclusion_name(spared->excluded);
	}
}

/* False: as the daemon, it waits for the names of the leading candidates. */
static bool choose(struct replay *r, const struct replayed_scope *scope, const struct evidence *e,
		   bool done, struct replay_choice *ret)
{
	const struct candidate *unread;
	size_t eligible;

	*ret = (struct replay_choice){0};
	if (!replayed_reserve(&r->replayed, scope->list.count)) {
		r->no_memory = true;
		return true;
	}
	eligible = case_rank(&scope->state, scope->policy, e->total_bytes, e->at_ns,
			     scope->list.candidates, scope->list.count, r->replayed.ranking);
	if (!done && case_unread(&scope->state, scope->policy, e->total_bytes, e->at_ns,
				 r->replayed.ranking, scope->list.count, eligible, &unread, 1))
		return false;
	while (ret->victim_count < ARRAY_SIZE(ret->victims) && ret->victim_count < eligible) {
		ret->victims[ret->victim_count] = r->replayed.ranking[ret->victim_count];
		ret->victim_count++;
	}
	if (eligible)
		choose_members(r, scope, e, ret);
	return true;
}

static void act(struct replay *r, struct replayed_scope *scope, const struct judgement *j)
{
	bool stood_down = has_pending(scope, TRACE_STOOD_DOWN);
	bool done = has_pending(scope, TRACE_KILL) || has_pending(scope, TRACE_OPENED);
	uint64_t at_ns = j->evidence.at_ns;
	struct replay_choice choice;

	if (!choose(r, scope, &j->evidence, done, &choice)) {
		(void)case_stand_down(&scope->state, CASE_UNREAD, at_ns);
		return;
	}
	print_would(&r->print, scope, j, &choice);
	if (choice.victim_count && !stood_down) {
		const struct candidate *victim = choice.victims[0].candidate;
		struct replayed_kill kill = {.at_ns = at_ns, .pid = victim->pid};

		snprintf(kill.comm, sizeof(kill.comm), "%s", victim->comm);
		r->no_memory |= !replayed_keep_kill(&scope->would, &kill);
	}
	if (done || stood_down)
		return;
	if (!choice.victim_count) {
		(void)case_stand_down(&scope->state, CASE_NONE_PERMITTED, at_ns);
		return;
	}
	/* the daemon did not act here: assume a kill that ends at the scope's next sample */
	case_open(&scope->state, 0, true);
	case_signalled(&scope->state, choice.victims[0].candidate->comm,
		       choice.victims[0].candidate->start_boot_ns, at_ns);
}

static bool is_pending_within(const struct replayed *r, const struct replayed_scope *outer)
{
	for (size_t i = 0; i < r->scope_count; i++) {
		const struct replayed_scope *inner = &r->scopes[i];

		if (inner == outer || !inner->hot || !inner->state.pending)
			continue;
		if (replayed_is_node(outer) ||
		    (!replayed_is_node(inner) && victim_path_is_within(inner->path, outer->path)))
			return true;
	}
	return false;
}

static void compare_verdict(struct replay *r, const struct replayed_scope *scope, const char *text)
{
	if (!scope->whole || !*scope->recorded)
		return;
	r->replayed.verdicts++;
	r->replayed.verdicts_same += !strcmp(scope->recorded, text);
}

static void begin_scope(struct replay *r, struct replayed_scope *scope, uint64_t at_ns, bool whole)
{
	struct verdict_kills kills = *case_kills(&scope->state);

	case_begin(&scope->state, replayed_is_node(scope), (int)r->replayed.head.self_pid, at_ns);
	case_take_kills(&scope->state, &kills);
	scope->hot = true;
	scope->whole = whole;
}

/* Its latest list, as the daemon did when it had just sampled the scope. */
static void take_list(struct replay *r, struct replayed_scope *scope)
{
	struct replayed_list *list = &scope->list;

	if (!scope->listed_ns || !scope->total_bytes || !scope->policy)
		return;
	if (replayed_reserve(&r->replayed, list->count))
		(void)case_list(&scope->state, scope->policy, scope->total_bytes, scope->listed_ns,
				list->candidates, list->count, r->replayed.ranking);
	else
		r->no_memory = true;
	scope->listed_ns = 0;
}

static void take_sample(struct replay *r, struct replayed_scope *scope,
			const struct trace_item *item)
{
	const struct sample *sample = &item->sample;
	bool explain = r->options->explain, recovered, acted;
	struct scope_case *state = &scope->state;
	struct judgement j;
	uint64_t mute_ns;
	char text[64];

	if (!scope->hot)
		begin_scope(r, scope, sample->at_ns, false);
	r->replayed.samples++;
	if (state->pending && !state->action_id)
		case_close(state, CASE_KILLED, 0, sample->at_ns);
	if (!scope->policy) {
		scope->pending_count = 0;
		return;
	}
	case_see(state, sample);
	if (sample->has & SAMPLE_HAS_LEVEL)
		scope->total_bytes = sample->total_bytes;
	/* a list that an action begins with is for its choice alone */
	if (has_pending(scope, TRACE_OPENED) || has_pending(scope, TRACE_STOOD_DOWN))
		scope->listed_ns = 0;
	take_list(r, scope);
	j = case_step(state, scope->policy, sample, item->spans, item->span_count,
		      is_pending_within(&r->replayed, scope));
	acted = j.judged && j.verdict.action == VERDICT_ACT;
	if (j.judged) {
		snprintf(text, sizeof(text), "%s %s", verdict_action_name(j.verdict.action),
			 verdict_reason_name(j.verdict.reason));
		compare_verdict(r, scope, text);
		if (explain || strcmp(text, scope->verdict))
			print_judgement(&r->print, scope, explain ? "tick" : "verdict", &j);
		snprintf(scope->verdict, sizeof(scope->verdict), "%s", text);
	}
	if (acted)
		act(r, scope, &j);
	take_pending(r, scope, acted);
	(void)case_end(state, sample->at_ns, &recovered, &mute_ns);
	if (recovered || j.recovered)
		print_recovered(&r->print, scope, sample->at_ns);
}

/* ---- the trace ---- */

static int parse_recorded_config(struct replay *r, const struct trace_head *head)
{
	_cleanup_free_ struct config_file *files = calloc(head->config_count, sizeof(*files));
	static struct config_errors errors;
	int err = -ENOMEM;

	for (size_t i = 0; files && i < head->config_count; i++)
		files[i] =
			(struct config_file){(char *)head->configs[i].name,
					     (char *)head->configs[i].text, head->configs[i].len};
	if (files)
		err = config_parse(files, head->config_count, &r->replayed.config, &errors);
	if (err)
		log_error("%s: the recorded configuration is not valid for this build (%s); pass "
			  "one with -c",
			  r->name, errors.count ? errors.list[0].text : strerror(-err));
	config_errors_free(&errors);
	return err;
}

/* "FILE", "FILE and 2 drop-ins"; returns buf. */
static const char *name_files(const struct trace_head *head, char *buf, size_t n)
{
	size_t drop_ins = head->config_count - 1;

	if (drop_ins)
		snprintf(buf, n, "%s and %zu drop-in%s", head->configs[0].name, drop_ins,
			 drop_ins > 1 ? "s" : "");
	else
		snprintf(buf, n, "%s", head->configs[0].name);
	return buf;
}

static int begin(struct replay *r, const struct trace_head *head)
{
	const char *config_name = r->options->config_path;
	char name[PATH_MAX + 32];

	print_end(&r->print);
	replayed_reset(&r->replayed);
	r->replayed.head = *head;
	if (config_name) {
		if (config_load(config_name, &r->replayed.config))
			return EXIT_USAGE;
	} else if (head->config_count) {
		if (parse_recorded_config(r, head))
			return EXIT_USAGE;
		config_name = name_files(head, name, sizeof(name));
	} else {
		r->replayed.config = config_default();
		if (!r->replayed.config) {
			log_error("out of memory");
			return EXIT_FAILED;
		}
		config_name = "the built-in configuration";
	}
	r->replayed.has_head = true;
	print_head(&r->print, config_name);
	return EXIT_OK;
}

static int take(struct replay *r, const struct trace_item *item)
{
	struct replayed_scope *scope;

	if (item->kind == TRACE_HEAD)
		return begin(r, item->head);
	if (!r->replayed.begin_ns)
		r->replayed.begin_ns = item->at_ns;
	if (item->kind != TRACE_NAMES)
		r->replayed.end_ns = item->at_ns;
	scope = replayed_scope_of(&r->replayed, &item->scope);
	if (!scope)
		r->no_memory = true;
	else if (item->kind == TRACE_BEGIN) {
		begin_scope(r, scope, item->at_ns, true);
		scope->verdict[0] = scope->recorded[0] = '\0';
	} else if (item->kind == TRACE_END) {
		scope->hot = false;
		case_drop(&scope->state);
	} else if (item->kind == TRACE_NAMES) {
		r->no_memory |= !replayed_take_names(&r->replayed, scope, &item->names);
	} else if (item->kind == TRACE_LIST) {
		if (!item->members)
			take_list(r, scope);
		r->no_memory |= !replayed_keep_list(item->members ? &scope->members : &scope->list,
						    item->candidates, item->count);
		if (!item->members)
			scope->listed_ns = item->at_ns;
	} else if (item->kind == TRACE_DID) {
		take_did(r, scope, &item->did);
	} else {
		take_sample(r, scope, item);
	}
	return r->no_memory ? EXIT_FAILED : EXIT_OK;
}

int replay(const char *name, const void *bytes, size_t len, const struct replay_options *options,
	   FILE *out)
{
	struct replay r = {.name = name, .options = options};
	struct trace_reader *reader;
	struct trace_item item;
	int found, code = EXIT_OK;

	r.print = (struct replay_print){&r.replayed, out, options->json, options->explain};
	if (trace_reader_new(&reader, bytes, len)) {
		log_error("out of memory");
		return EXIT_FAILED;
	}
	while (code == EXIT_OK && (found = trace_next(reader, &item)) > 0)
		code = take(&r, &item);
	if (code == EXIT_OK)
		print_end(&r.print);
	if (r.no_memory)
		log_error("out of memory");
	if (code == EXIT_OK && found < 0) {
		log_error("%s: %s", name, trace_reader_error(reader));
		code = EXIT_FAILED;
	} else if (trace_reader_lost(reader)) {
		log_warn("%s: %" PRIu64 " items are missing: they were dropped during recording",
			 name, trace_reader_lost(reader));
	}
	trace_reader_free(reader);
	replayed_free(&r.replayed);
	return code;
}
