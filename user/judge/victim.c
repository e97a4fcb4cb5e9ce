// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "judge/victim.h"

#include <string.h>

#include "judge/relief.h"

/*
 * A process that made all of the recent growth counts ten times as much as one of its size that
 * made none (scripts/show-blame; docs/judgement.md, choosing).
 */
#define BLAME_WEIGHT 9.0

/*
 * Blame counts in full from this growth of the whole scope on, and in proportion below: a service
 * that restarts or fills a cache moves by about 1 %.
 */
#define GROWTH_FULL_SHARE 0.05

/*
 * A kill that frees less than this part of the scope does not end a Near-OOM: reserves and batches
 * of the kernel (low to high watermark, 64 pages a CPU) are of that size. Bounded for large hosts.
 */
#define SMALL_SHARE	 0.01
#define SMALL_MOST_BYTES (32.0 * 1024 * 1024)

/* Deeper than shells, scripts and makes nest; a bomb with a session in each child ends there. */
#define KIN_GENERATIONS 32

/*
 * A kill that relieves less than this part of what the best permitted one does is for nothing:
 * design choice, docs/judgement.md, "Relief". Below the least nothing can be compared.
 */
#define LITTLE_PART  0.25
#define LEAST_RELIEF 0.10
/* A process that lost so much of its time suffers. */
#define SUFFERER_LOSS 0.50
/* A part of the freeable bytes that is new: a process that grows may be the cause of its loss. */
#define SUFFERER_NEW_PART 0.25

bool victim_is_small(const struct policy *policy, uint64_t scope_bytes, uint64_t freeable_bytes)
{
	double bytes = SMALL_SHARE * (double)scope_bytes;

	if (bytes > SMALL_MOST_BYTES)
		bytes = SMALL_MOST_BYTES;
	if (policy->min_free_bytes)
		bytes = (double)policy->min_free_bytes;
	return (double)freeable_bytes < bytes;
}

static bool is_backed_off(const struct victim_request *request, int pid)
{
	for (size_t i = 0; i < request->backoffs; i++)
		if (request->backoff_pids[i] == pid)
			return true;
	return false;
}

static enum victim_exclusion exclusion_of(const struct victim_request *request,
					  const struct victim *victim)
{
	const struct candidate *candidate = victim->candidate;
	enum standing standing = victim->standing;

	if (candidate->pid <= 1 || candidate->pid == request->self_pid || candidate->kernel_thread)
		return VICTIM_SELF;
	if (candidate->oom_score_adj <= -1000)
		return VICTIM_ADJ;
	/* without its sandbox a pod has no network; without its shim a container is not cleaned up
	 */
	if (candidate->place == PLACE_SANDBOX || candidate->place == PLACE_RUNTIME)
		return VICTIM_HOLDER;
	if (standing == STANDING_PROTECT)
		return VICTIM_PROTECTED;
	if (standing == STANDING_UNKNOWN)
		return VICTIM_UNKNOWN;
	if (request->policy->spare_pid1 && candidate->init)
		return VICTIM_INIT;
	if (is_backed_off(request, candidate->pid))
		return VICTIM_BACKOFF;
	if (standing != STANDING_PREFER &&
	    victim_is_small(request->policy, request->scope_bytes, victim->freeable_bytes))
		return VICTIM_SMALL;
	return VICTIM_ELIGIBLE;
}

static double score_of(const struct victim_request *request, const struct victim *victim,
		       double trust)
{
	const struct candidate *candidate = victim->candidate;
	double gives = (double)victim->freeable_bytes;
	double adj = (double)candidate->oom_score_adj / 1000 * (double)request->scope_bytes;

	switch (request->policy->rank) {
	case RANK_KERNEL:
		/* mm/oom_kill.c, oom_badness(): all resident pages, swap and page tables */
		return gives - (double)candidate->locked_file_bytes -
		       (double)candidate_sole_bytes(candidate) + (double)candidate->file_bytes +
		       (double)candidate->shmem_bytes + adj;
	case RANK_BLAME:
		return gives * (1 + BLAME_WEIGHT * victim->blame * trust) + adj;
	default:
		return gives + adj;
	}
}

/* The order in which the kubelet evicts, as far as it is known without its API. */
static enum victim_tier tier_of(const struct victim_request *request, const struct candidate *c)
{
	double asked = (double)c->pod_requests / 1000 * (double)request->scope_bytes;

	if (!request->node)
		return VICTIM_TIER_REST;
	if (c->qos == QOS_BESTEFFORT)
		return VICTIM_TIER_BESTEFFORT;
	if (c->qos == QOS_BURSTABLE && c->pod_requests && (double)c->pod_bytes > asked)
		return VICTIM_TIER_ABOVE;
	return VICTIM_TIER_REST;
}

static int class_of(const struct victim *victim)
{
	if (victim->excluded)
		return VICTIM_TIERS_ + 2;
	switch (victim->standing) {
	case STANDING_PREFER:
		return 0;
	case STANDING_AVOID:
		return VICTIM_TIERS_ + 1;
	default:
		return 1 + (int)victim->tier;
	}
}

/* Whether @a is killed before @b: a total order. */
static bool dies_before(const struct victim *a, const struct victim *b)
{
	uint64_t a_freeable = candidate_freeable_bytes(a->candidate);
	uint64_t b_freeable = candidate_freeable_bytes(b->candidate);

	if (class_of(a) != class_of(b))
		return class_of(a) < class_of(b);
	if (a->score != b->score)
		return a->score > b->score;
	if (a_freeable != b_freeable)
		return a_freeable > b_freeable;
	if (a->candidate->start_boot_ns != b->candidate->start_boot_ns)
		return a->candidate->start_boot_ns > b->candidate->start_boot_ns;
	return a->candidate->pid < b->candidate->pid;
}

/* 0: @a and @b are one process, or share their memory. Else the sign is any total order. */
static int compare_memory(const struct victim *a, const struct victim *b)
{
	uint64_t a_mm = a->sharers > 1 ? a->candidate->mm : 0;
	uint64_t b_mm = b->sharers > 1 ? b->candidate->mm : 0;

	if (a_mm || b_mm)
		return (a_mm > b_mm) - (a_mm < b_mm);
	return (a->candidate->pid > b->candidate->pid) - (a->candidate->pid < b->candidate->pid);
}

/* 0: @first and @second die together. Else they die apart; the sign is any total order of groups.
 */
static int compare_groups(enum kill_unit unit, const struct victim *first,
			  const struct victim *second)
{
	const struct candidate *a = first->candidate, *b = second->candidate;

	switch (unit) {
	case KILL_UNIT_GROUP:
		if (a->group > 0 && b->group > 0)
			return (a->group > b->group) - (a->group < b->group);
		break;
	case KILL_UNIT_CGROUP:
		return (a->memcg_id > b->memcg_id) - (a->memcg_id < b->memcg_id);
	case KILL_UNIT_POD:
		if (a->pod_uid && b->pod_uid)
			return strcmp(a->pod_uid, b->pod_uid);
		if (a->pod_uid || b->pod_uid)
			return a->pod_uid ? 1 : -1;
		break;
	default:
		break;
	}
	/* a process without a group: before those that have one, by its pid */
	if (unit == KILL_UNIT_GROUP && (a->group > 0) != (b->group > 0))
		return a->group > 0 ? 1 : -1;
	return compare_memory(first, second);
}

/* The orders of a sort: first to be killed, or which processes belong together. */
enum order {
	BY_DEATH,
	BY_MEMORY,
	BY_GROUP,
	BY_PID,
	BY_KIN,
};

static bool is_before(const struct victim_request *request, enum order order,
		      const struct victim *a, const struct victim *b)
{
	switch (order) {
	case BY_MEMORY:
		return a->candidate->mm != b->candidate->mm ? a->candidate->mm < b->candidate->mm
							    : a->candidate->pid < b->candidate->pid;
	case BY_GROUP:
		return compare_groups(request->policy->kill, a, b) < 0;
	case BY_PID:
		return a->candidate->pid < b->candidate->pid;
	case BY_KIN:
		return a->kin < b->kin;
	default:
		return dies_before(a, b);
	}
}

static void swap(struct victim *a, struct victim *b)
{
	struct victim kept = *a;

	*a = *b;
	*b = kept;
}

static void sift_down(const struct victim_request *request, enum order order, struct victim *heap,
		      size_t root, size_t n)
{
	for (size_t child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && is_before(request, order, &heap[child], &heap[child + 1]))
			child++;
		if (!is_before(request, order, &heap[root], &heap[child]))
			return;
		swap(&heap[root], &heap[child]);
	}
}

/* In place: qsort() may allocate. */
static void sort(const struct victim_request *request, enum order order, struct victim *victims,
		 size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(request, order, victims, i, n);
	while (n > 1) {
		swap(&victims[0], &victims[--n]);
		sift_down(request, order, victims, 0, n);
	}
}

/* The process of each memory that counts for it: the one with the lowest pid. False: none share. */
static bool find_sharers(const struct victim_request *request, struct victim *victims, size_t n)
{
	bool any = false;

	sort(request, BY_MEMORY, victims, n);
	for (size_t from = 0, to; from < n; from = to) {
		uint64_t mm = victims[from].candidate->mm;

		for (to = from + 1; to < n && mm && victims[to].candidate->mm == mm;)
			to++;
		for (size_t i = from; i < to; i++) {
			victims[i].counts = i == from;
			victims[i].sharers = (uint32_t)(to - from);
		}
		any |= to - from > 1;
	}
	return any;
}

/* A process cannot die without those that share its memory: all of them are spared with one. */
static void spare_sharers(const struct victim_request *request, struct victim *victims, size_t n)
{
	sort(request, BY_MEMORY, victims, n);
	for (size_t from = 0, to; from < n; from = to) {
		enum victim_exclusion spared = VICTIM_ELIGIBLE;

		to = from + victims[from].sharers;
		for (size_t i = from; i < to && !spared; i++)
			if (victims[i].excluded != VICTIM_SMALL)
				spared = victims[i].excluded;
		for (size_t i = from; i < to && spared; i++)
			if (!victims[i].excluded || victims[i].excluded == VICTIM_SMALL)
				victims[i].excluded = spared;
	}
}

/* Shared memory of which all holders are among @members. */
static uint64_t shares_of(const struct victim *members, size_t n)
{
	uint32_t seen[CANDIDATE_SETS_MAX] = {0};
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < CANDIDATE_SHARES; k++) {
			const struct candidate_share *share = &members[i].candidate->shares[k];

			if (share->holders && share->set < CANDIDATE_SETS_MAX &&
			    ++seen[share->set] == share->holders)
				bytes += share->bytes;
		}
	return bytes;
}

/* The freeable bytes and the growth of all that die with each one. */
static void add_groups(const struct victim_request *request, struct victim *victims, size_t n,
		       bool sharers)
{
	enum kill_unit unit = request->policy->kill;

	if (unit == KILL_UNIT_PROCESS && !sharers) {
		for (size_t i = 0; i < n; i++) {
			victims[i].freeable_bytes = candidate_freeable_bytes(victims[i].candidate);
			victims[i].growth_bytes = victims[i].candidate->growth_bytes;
		}
		return;
	}
	sort(request, BY_GROUP, victims, n);
	for (size_t from = 0, to; from < n; from = to) {
		uint64_t gives = 0, growth = 0;

		for (to = from; to < n && !compare_groups(unit, &victims[from], &victims[to]); to++)
			if (victims[to].counts) {
				gives += candidate_private_bytes(victims[to].candidate);
				growth += victims[to].candidate->growth_bytes;
			}
		gives += shares_of(&victims[from], to - from);
		for (size_t i = from; i < to; i++) {
			victims[i].freeable_bytes = gives;
			victims[i].growth_bytes = growth;
		}
	}
}

/* In @victims, which are sorted by pid. NULL: not in the scope. */
static const struct candidate *find_pid(const struct victim *victims, size_t n, int pid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (victims[middle].candidate->pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && victims[low].candidate->pid == pid ? victims[low].candidate : NULL;
}

/*
 * The kin of a process: its session, and the sessions above it in the same cgroup whose processes
 * began it, for a bomb may call setsid() in each child. A service manager's children have cgroups
 * of their own, so their kin ends there.
 */
static int kin_of(const struct victim *victims, size_t n, const struct candidate *candidate)
{
	int kin = candidate->session;

	/* bounded: a list that is not read in one moment may have a circle */
	for (int generation = 0; kin > 0 && generation < KIN_GENERATIONS; generation++) {
		const struct candidate *leader = find_pid(victims, n, kin), *parent;

		if (!leader || leader->memcg_id != candidate->memcg_id)
			break;
		parent = find_pid(victims, n, leader->parent_pid);
		if (!parent || parent->memcg_id != candidate->memcg_id || parent->session <= 0 ||
		    parent->start_boot_ns > leader->start_boot_ns)
			break;
		kin = parent->session;
	}
	return kin;
}

/*
 * A process answers for the growth of its kin, as far as it is new itself: each of many small
 * processes of one service made a small part of the growth, and a session may also hold an old and
 * steady process.
 */
static void add_kin(const struct victim_request *request, struct victim *victims, size_t n)
{
	sort(request, BY_PID, victims, n);
	for (size_t i = 0; i < n; i++)
		victims[i].kin = kin_of(victims, n, victims[i].candidate);
	sort(request, BY_KIN, victims, n);
	for (size_t from = 0, to; from < n; from = to) {
		int kin = victims[from].kin;
		double growth = 0;

		for (to = from; to < n && victims[to].kin == kin; to++)
			if (victims[to].counts)
				growth += (double)victims[to].growth_bytes;
		for (size_t i = from; i < to; i++) {
			double own = (double)victims[i].growth_bytes;
			double gives = (double)victims[i].freeable_bytes;
			double is_new = gives > own ? own / gives : own > 0;

			victims[i].blame = kin > 0 ? own + is_new * (growth - own) : own;
		}
	}
}

/* The place of @candidate among the processes of the relief, or -1. */
static int place_of(const struct relief_state *relief, const struct candidate *candidate)
{
	for (size_t i = 0; i < relief->count; i++)
		if (relief->list[i].pid == candidate->pid &&
		    relief->list[i].start_boot_ns == candidate->start_boot_ns)
			return (int)i;
	return -1;
}

/* What the kill of each would give back to the processes that it leaves alive. */
static void add_relief(const struct victim_request *request, struct victim *victims, size_t n)
{
	const struct relief_state *relief = request->relief;

	for (size_t i = 0; i < n; i++)
		victims[i].relief = -1;
	if (!relief)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct victim *sufferer = &victims[i];
		uint64_t mm = sufferer->candidate->mm;
		int place = place_of(relief, sufferer->candidate);

		for (size_t j = 0; place >= 0 && j < n; j++)
			if (!compare_groups(request->policy->kill, &victims[j], sufferer) ||
			    (mm && victims[j].candidate->mm == mm))
				victims[j].dying |= 1ULL << place;
	}
	for (size_t i = 0; i < n; i++) {
		double pages = (double)victims[i].freeable_bytes / (double)request->page_bytes;

		victims[i].relief = relief_of(relief, pages, victims[i].dying).share;
	}
}

static bool suffers(const struct victim_request *request, const struct victim *victim)
{
	double fresh = SUFFERER_NEW_PART * (double)victim->freeable_bytes;
	int place = place_of(request->relief, victim->candidate);

	return place >= 0 && relief_own_loss(request->relief, (size_t)place) >= SUFFERER_LOSS &&
	       (double)victim->growth_bytes <= fresh;
}

/* Excludes those whose kill is for nothing. Returns how many are left. */
static size_t exclude_useless(const struct victim_request *request, struct victim *victims,
			      size_t n)
{
	double best = LEAST_RELIEF;
	size_t eligible = 0;

	for (size_t i = 0; i < n; i++)
		if (!victims[i].excluded && victims[i].relief > best)
			best = victims[i].relief;
	for (size_t i = 0; i < n; i++) {
		struct victim *victim = &victims[i];

		if (!victim->excluded && victim->relief >= 0 &&
		    victim->relief < LITTLE_PART * best) {
			if (suffers(request, victim))
				victim->excluded = VICTIM_SUFFERER;
			else if (best > LEAST_RELIEF && victim->standing != STANDING_PREFER)
				victim->excluded = VICTIM_LITTLE;
		}
		eligible += !victim->excluded;
	}
	return eligible;
}

size_t victim_rank(const struct victim_request *request, const struct candidate *candidates,
		   size_t n, struct victim *ret)
{
	double growth = 0, trust;
	size_t eligible;
	bool sharers;

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct victim){.candidate = &candidates[i]};
	sharers = find_sharers(request, ret, n);
	for (size_t i = 0; i < n; i++)
		if (ret[i].counts)
			growth += (double)ret[i].candidate->growth_bytes;
	trust = growth / (GROWTH_FULL_SHARE * (double)(request->scope_bytes + 1));
	if (trust > 1)
		trust = 1;

	add_groups(request, ret, n, sharers);
	for (size_t i = 0; i < n; i++)
		ret[i].blame = (double)ret[i].growth_bytes;
	if (request->policy->kill == KILL_UNIT_PROCESS)
		add_kin(request, ret, n);
	for (size_t i = 0; i < n; i++) {
		struct victim *victim = &ret[i];

		victim->standing =
			rules_standing(request->policy, victim->candidate, &victim->rule);
		victim->tier = tier_of(request, victim->candidate);
		victim->excluded = exclusion_of(request, victim);
		victim->blame = growth > 0 ? victim->blame / growth : 0;
		victim->score = score_of(request, victim, trust);
	}
	if (sharers)
		spare_sharers(request, ret, n);
	add_relief(request, ret, n);
	eligible = exclude_useless(request, ret, n);
	sort(request, BY_DEATH, ret, n);
	return eligible;
}

bool victim_is_awaited(const struct victim_request *request, const struct victim *victim,
		       const struct victim *first)
{
	struct victim read = *victim;

	/* with a command line it is read; what else is missing will not come at once */
	if (victim->excluded != VICTIM_UNKNOWN || victim->candidate->cmdline ||
	    victim->candidate->exe)
		return false;
	read.standing = STANDING_NONE;
	read.excluded = exclusion_of(request, &read);
	return !read.excluded && (!first || dies_before(&read, first));
}

struct victim_group victim_group_of(const struct policy *policy, const struct victim *victim)
{
	const struct candidate *candidate = victim->candidate;
	struct victim_group group = {
		.unit = policy->kill,
		.comm = candidate->comm,
		.mm = victim->sharers > 1 ? candidate->mm : 0,
	};

	/* memory.oom.group: the owner of the cgroup wants it to die as one */
	if (group.unit == KILL_UNIT_PROCESS && candidate->oom_group && !policy->spare_pid1)
		group.unit = KILL_UNIT_CGROUP;
	switch (group.unit) {
	case KILL_UNIT_GROUP:
		if (candidate->group <= 0)
			group.unit = KILL_UNIT_PROCESS;
		group.process_group = candidate->group;
		break;
	case KILL_UNIT_CGROUP:
		group.memcg_id = candidate->memcg_id;
		group.cgroup = candidate->cgroup;
		break;
	case KILL_UNIT_POD:
		group.pod_uid = candidate->pod_uid;
		if (!group.pod_uid)
			group.unit = KILL_UNIT_PROCESS;
		break;
	default:
		break;
	}
	return group;
}

bool victim_path_is_within(const char *path, const char *above)
{
	size_t len = strlen(above);

	return !strncmp(path, above, len) && (path[len] == '\0' || path[len] == '/');
}

static bool is_in_group(const struct victim_group *group, const struct victim *victim)
{
	const struct candidate *candidate = victim->candidate;

	if (group->mm && candidate->mm == group->mm)
		return true;
	switch (group->unit) {
	case KILL_UNIT_KIN:
		return victim->kin == group->kin && !strcmp(candidate->comm, group->comm);
	case KILL_UNIT_GROUP:
		return candidate->group == group->process_group;
	case KILL_UNIT_CGROUP:
		return candidate->memcg_id == group->memcg_id ||
		       (group->cgroup && candidate->cgroup &&
			victim_path_is_within(candidate->cgroup, group->cgroup));
	case KILL_UNIT_POD:
		return candidate->pod_uid && !strcmp(candidate->pod_uid, group->pod_uid) &&
		       candidate->place == PLACE_POD;
	default:
		return false;
	}
}

/* What keeps a process from being chosen, but not from dying with a group that is. */
static bool dies_with_group(enum victim_exclusion excluded)
{
	return excluded == VICTIM_SMALL || excluded == VICTIM_LITTLE || excluded == VICTIM_SUFFERER;
}

struct victim_members victim_rank_members(const struct victim_request *request,
					  const struct victim_group *group,
					  const struct candidate *candidates, size_t n,
					  struct victim *ret)
{
	struct victim_members members = {0};

	victim_rank(request, candidates, n, ret);
	for (size_t i = 0; i < n; i++)
		if (is_in_group(group, &ret[i]) &&
		    (!ret[i].excluded || dies_with_group(ret[i].excluded)))
			swap(&ret[members.dying++], &ret[i]);
	for (size_t i = members.dying; i < n; i++)
		if (is_in_group(group, &ret[i]))
			swap(&ret[members.dying + members.spared++], &ret[i]);
	return members;
}

const char *victim_tier_name(enum victim_tier tier)
{
	static const char *const names[VICTIM_TIERS_] = {
		[VICTIM_TIER_BESTEFFORT] = "besteffort",
		[VICTIM_TIER_ABOVE] = "above its request",
		[VICTIM_TIER_REST] = "rest",
	};

	return names[tier];
}

const char *victim_exclusion_name(enum victim_exclusion exclusion)
{
	static const char *const names[VICTIM_EXCLUSIONS_] = {
		[VICTIM_ELIGIBLE] = "eligible",
		[VICTIM_SELF] = "never (pid 1, kernel thread or fastoom-bpf itself)",
		[VICTIM_ADJ] = "oom_score_adj is -1000",
		[VICTIM_PROTECTED] = "protected",
		[VICTIM_HOLDER] = "holds a pod together, or runs containers",
		[VICTIM_UNKNOWN] = "not known what a protect rule asks for",
		[VICTIM_INIT] = "first process of a container, spared",
		[VICTIM_SMALL] = "too small to matter",
		[VICTIM_LITTLE] = "its kill would relieve little",
		[VICTIM_SUFFERER] = "suffers itself, and its kill would relieve no other process",
		[VICTIM_BACKOFF] = "could not be killed a moment ago",
	};

	return names[exclusion];
}
