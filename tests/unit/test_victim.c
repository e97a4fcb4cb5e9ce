/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "base/regex.h"
#include "base/util.h"
#include "judge/candidate.h"
#include "judge/config.h"
#include "judge/victim.h"
#include "unit/unit.h"

#define SCOPE (256 * MIB)
#define SELF  777

static struct regex *compiled[16];
static size_t compiled_count;

static struct regex *regex(const char *pattern)
{
	struct regex *ret = NULL;

	assert_int_equal(regex_compile(pattern, &ret, NULL, NULL, 0), 0);
	assert_true(compiled_count < ARRAY_SIZE(compiled));
	compiled[compiled_count++] = ret;
	return ret;
}

static int forget_regexes(void **state)
{
	(void)state;
	while (compiled_count)
		regex_free(compiled[--compiled_count]);
	return 0;
}

static struct candidate process(int pid, uint64_t anon_mib)
{
	return (struct candidate){
		.pid = pid,
		.start_boot_ns = 1000 * SEC + (uint64_t)pid * MS,
		.anon_bytes = anon_mib * MIB,
		.comm = "x",
		.cmdline = "x",
		.cmdline_len = 1,
	};
}

static size_t rank_of(const struct policy *policy, const struct candidate *candidates, size_t n,
		      struct victim *victims)
{
	const struct victim_request request = {
		.policy = policy, .scope_bytes = SCOPE, .self_pid = SELF};

	return victim_rank(&request, candidates, n, victims);
}

/* The pid that dies first, 0: nobody. */
static int first_of(enum rank rank, const struct candidate *candidates, size_t n)
{
	const struct policy policy = {.rank = rank};
	struct victim victims[16];

	assert_true(n <= ARRAY_SIZE(victims));
	return rank_of(&policy, candidates, n, victims) ? victims[0].candidate->pid : 0;
}

static void shuffle(struct candidate *candidates, size_t n, uint64_t *random)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = next_random(random) % i;
		struct candidate swap = candidates[i - 1];

		candidates[i - 1] = candidates[j];
		candidates[j] = swap;
	}
}

/*
 * A fork bomb under `kill: process`: each of it is small and has a small part of the growth, but
 * its session has all of it. An old and steady process of the same session is not blamed for it,
 * nor is a bigger one of another session; without sessions the biggest would die.
 */
static void test_bomb_by_session(void **state)
{
	enum {
		BOMB = 8,
		STEADY = BOMB, /* of the bomb's own session */
		OTHER,
		N,
	};
	const struct policy policy = {.rank = RANK_BLAME, .kill = KILL_UNIT_PROCESS};
	struct candidate candidates[N];
	struct victim victims[N];
	uint64_t random = 7;

	(void)state;
	for (int i = 0; i < BOMB; i++) {
		candidates[i] = process(100 + i, 12);
		candidates[i].growth_bytes = 12 * MIB;
		candidates[i].session = 100;
	}
	candidates[STEADY] = process(50, 60);
	candidates[STEADY].session = 100;
	candidates[STEADY].growth_bytes = MIB;
	candidates[OTHER] = process(60, 90);
	candidates[OTHER].session = 60;
	for (int round = 0; round < 20; round++) {
		struct candidate input[N];

		memcpy(input, candidates, sizeof(input));
		shuffle(input, N, &random);
		assert_int_equal(rank_of(&policy, input, N, victims), N);
		for (int i = 0; i < BOMB; i++) {
			assert_int_equal(victims[i].candidate->session, 100);
			assert_true(victims[i].candidate->pid >= 100);
			assert_true(victims[i].blame > 0.99 && victims[i].blame < 1.01);
		}
		assert_int_equal(victims[BOMB].candidate->pid, 60);
		for (int i = 0; i < N; i++)
			input[i].session = 0;
		(void)rank_of(&policy, input, N, victims);
		assert_int_equal(victims[0].candidate->pid, 60);
	}
}

/*
 * A bomb whose processes each begin a session, from a shell or one from another: their common
 * ancestor makes them one. Not across cgroups, where a service manager is everybody's ancestor; nor
 * beyond a parent that is gone, or that is younger than its child.
 */
static void test_bomb_by_ancestor(void **state)
{
	enum {
		BOMB = 8,
		SHELL = BOMB,
		OTHER,
		N,
	};
	static const struct {
		const char *name;
		bool chain, apart, orphans, reused, found;
	} rows[] = {
		{"from a shell", .found = true},
		{"one from another", .chain = true, .found = true},
		{"each in a cgroup of its own", .apart = true},
		{"orphans", .orphans = true},
		{"a parent's pid that was given again", .reused = true},
	};
	const struct policy policy = {.rank = RANK_BLAME, .kill = KILL_UNIT_PROCESS};
	uint64_t random = 11;

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct candidate candidates[N];
		struct victim victims[N];

		for (int i = 0; i < BOMB; i++) {
			candidates[i] = process(100 + i, 12);
			candidates[i].growth_bytes = 12 * MIB;
			candidates[i].session = 100 + i;
			candidates[i].parent_pid = rows[row].orphans	      ? 1
						   : rows[row].chain && i > 0 ? 99 + i
									      : 50;
			candidates[i].memcg_id = rows[row].apart ? 1000 + (uint64_t)i : 7;
			candidates[i].start_boot_ns = (10 + (uint64_t)i) * SEC;
		}
		candidates[SHELL] = process(50, 2);
		candidates[SHELL].session = 50;
		candidates[SHELL].memcg_id = 7;
		candidates[SHELL].start_boot_ns = rows[row].reused ? 60 * SEC : SEC;
		candidates[OTHER] = process(60, 90);
		candidates[OTHER].session = 60;
		candidates[OTHER].memcg_id = 7;
		for (int round = 0; round < 20; round++) {
			shuffle(candidates, N, &random);
			(void)rank_of(&policy, candidates, N, victims);
			if ((victims[0].candidate->pid >= 100) != rows[row].found)
				fail_msg("%s: pid %d first", rows[row].name,
					 victims[0].candidate->pid);
		}
	}
	/* pids and parents that make no sense end somewhere */
	for (int round = 0; round < 2000; round++) {
		struct candidate candidates[N];
		struct victim victims[N];

		for (int i = 0; i < N; i++) {
			candidates[i] = process(100 + (int)(next_random(&random) % N), 12);
			candidates[i].growth_bytes = 12 * MIB;
			candidates[i].session = 99 + (int)(next_random(&random) % N);
			candidates[i].parent_pid = 99 + (int)(next_random(&random) % N);
		}
		(void)rank_of(&policy, candidates, N, victims);
		for (int i = 0; i < N; i++)
			assert_true(victims[i].blame >= 0 && victims[i].blame < 1.01);
	}
}

/* Equal input gives equal order, however it is listed: a thousand times, with many ties. */
static void test_total_order(void **state)
{
	enum {
		N = 97
	};
	struct rule avoid = {.comm = regex("^a"), .text = (char *)"comm: ^a"};
	struct rule prefer = {.comm = regex("^p"), .text = (char *)"comm: ^p"};
	struct candidate candidates[N], input[N];
	struct victim first[N], victims[N];
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < N; i++) {
		candidates[i] = process(100 + i, 10 + (uint64_t)(i % 3));
		candidates[i].start_boot_ns = (uint64_t)(i % 5) * SEC; /* ties down to the pid */
		candidates[i].comm = i % 7 == 0 ? "a" : i % 7 == 1 ? "p" : "x";
		candidates[i].oom_score_adj = i % 11 == 0 ? -1000 : 0;
		candidates[i].growth_bytes = i % 13 == 0 ? 5 * MIB : 0;
	}
	for (int rank = 0; rank < RANK_MAX_; rank++) {
		struct policy policy = {
			.rank = (enum rank)rank, .avoid = {&avoid, 1}, .prefer = {&prefer, 1}};
		size_t eligible = rank_of(&policy, candidates, N, first);

		assert_int_equal(eligible, N - 9);
		for (int round = 0; round < 1000; round++) {
			memcpy(input, candidates, sizeof(input));
			shuffle(input, N, &random);
			assert_int_equal(rank_of(&policy, input, N, victims), eligible);
			for (size_t i = 0; i < N; i++) {
				if (victims[i].candidate->pid == first[i].candidate->pid)
					continue;
				fail_msg("rank %d, place %zu: %d, not %d", rank, i,
					 victims[i].candidate->pid, first[i].candidate->pid);
			}
		}
	}
}

/* Every length up to some: each candidate is there once, and in order. */
static void test_lengths(void **state)
{
	enum {
		N = 64
	};
	const struct policy policy = {.rank = RANK_SIZE};
	struct candidate candidates[N];
	struct victim victims[N];
	uint64_t random = 7;

	(void)state;
	for (size_t n = 0; n <= N; n++) {
		for (size_t i = 0; i < n; i++)
			candidates[i] = process(100 + (int)i, 3 + i);
		shuffle(candidates, n, &random);
		assert_int_equal(rank_of(&policy, candidates, n, victims), n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(victims[i].candidate->pid, 100 + (int)(n - 1 - i));
	}
}

/* Ties: what gives back more, then the younger, then the lower pid. */
static void test_ties(void **state)
{
	struct candidate c[4];

	(void)state;
	/* 64 MiB and a quarter of the scope by adj: the same score as 128 MiB */
	c[0] = process(10, 64);
	c[1] = process(11, 128);
	c[0].oom_score_adj = 250;
	c[0].start_boot_ns = c[1].start_boot_ns + SEC;
	assert_int_equal(first_of(RANK_SIZE, c, 2), 11);

	c[0] = process(20, 50);
	c[1] = process(21, 50);
	c[2] = process(22, 50);
	c[0].start_boot_ns = c[2].start_boot_ns = 5 * SEC;
	c[1].start_boot_ns = 6 * SEC;
	assert_int_equal(first_of(RANK_SIZE, c, 3), 21);
	c[1].start_boot_ns = 5 * SEC;
	assert_int_equal(first_of(RANK_SIZE, c, 3), 20);
}

/* Each of those that never die, alone and as by far the fattest of all, under every rank. */
static void test_never(void **state)
{
	static const int backoffs[] = {31, 32};
	struct rule protect = {.comm = regex("^vault$"), .text = (char *)"comm: ^vault$"};
	struct rule by_line = {.cmdline = regex("--keep"), .text = (char *)"cmdline: --keep"};
	struct rule rules[] = {protect, by_line};
	struct {
		enum victim_exclusion excluded;
		struct candidate candidate;
	} rows[9];
	size_t n = 0;

	(void)state;
#define ROW(why, pid, ...)                                                                         \
	do {                                                                                       \
		rows[n].excluded = (why);                                                          \
		rows[n].candidate = process(pid, 200);                                             \
		__VA_ARGS__;                                                                       \
		n++;                                                                               \
	} while (0)
	ROW(VICTIM_SELF, 1, (void)0);
	ROW(VICTIM_SELF, 0, (void)0);
	ROW(VICTIM_SELF, SELF, (void)0);
	ROW(VICTIM_SELF, 50, rows[n].candidate.kernel_thread = true);
	ROW(VICTIM_ADJ, 51, rows[n].candidate.oom_score_adj = -1000);
	ROW(VICTIM_PROTECTED, 52, rows[n].candidate.comm = "vault");
	ROW(VICTIM_UNKNOWN, 53, rows[n].candidate.cmdline = NULL);
	ROW(VICTIM_BACKOFF, 32, (void)0);
	ROW(VICTIM_SMALL, 54, rows[n].candidate.anon_bytes = SCOPE / 100);
#undef ROW
	assert_int_equal(n, ARRAY_SIZE(rows));

	for (int rank = 0; rank < RANK_MAX_; rank++) {
		struct policy policy = {.rank = (enum rank)rank,
					.protect = {rules, ARRAY_SIZE(rules)}};
		const struct victim_request request = {
			.policy = &policy,
			.scope_bytes = SCOPE,
			.self_pid = SELF,
			.backoff_pids = backoffs,
			.backoffs = ARRAY_SIZE(backoffs),
		};

		for (size_t i = 0; i < n; i++) {
			struct candidate pair[2] = {rows[i].candidate, process(99, 3)};
			struct victim victims[2];

			if (rows[i].excluded != VICTIM_ADJ)
				pair[0].oom_score_adj = 999;
			pair[0].growth_bytes = 100 * MIB;
			assert_int_equal(victim_rank(&request, pair, 1, victims), 0);
			if (victims[0].excluded != rows[i].excluded)
				fail_msg("row %zu: %s", i,
					 victim_exclusion_name(victims[0].excluded));
			/* a thin one that may die goes before it */
			assert_int_equal(victim_rank(&request, pair, 2, victims), 1);
			assert_int_equal(victims[0].candidate->pid, 99);
			assert_int_equal(victims[1].excluded, rows[i].excluded);
		}
	}
}

/* A process is spared for what is not known of it only when a rule asks for that. */
static void test_unknown_line(void **state)
{
	struct rule by_comm = {.comm = regex("^sshd$"), .text = (char *)"comm: ^sshd$"};
	struct rule by_both = {
		.comm = regex("^java$"), .cmdline = regex("Vault"), .text = (char *)"both"};
	struct rule rules[] = {by_comm, by_both};
	struct policy policy = {.protect = {rules, 1}};
	struct candidate c = process(10, 100);
	struct victim victim;

	(void)state;
	c.cmdline = NULL;
	assert_int_equal(rank_of(&policy, &c, 1, &victim), 1);
	policy.protect.count = 2;
	assert_int_equal(rank_of(&policy, &c, 1, &victim), 1); /* no java */
	c.comm = "java";
	assert_int_equal(rank_of(&policy, &c, 1, &victim), 0);
	assert_int_equal(victim.excluded, VICTIM_UNKNOWN);
	assert_ptr_equal(victim.rule, &rules[1]);
	c.cmdline = "java Web";
	c.cmdline_len = 8;
	assert_int_equal(rank_of(&policy, &c, 1, &victim), 1);
	c.cmdline = "java Vault";
	c.cmdline_len = 10;
	assert_int_equal(rank_of(&policy, &c, 1, &victim), 0);
	assert_int_equal(victim.excluded, VICTIM_PROTECTED);
}

/* A dwarf that a rule prefers may die; adj -999 makes late, not immortal. */
static void test_small_and_preferred(void **state)
{
	struct rule prefer = {.comm = regex("^logcollect"), .text = (char *)"comm: ^logcollect"};
	struct policy policy = {.prefer = {&prefer, 1}};
	struct candidate c[3] = {process(10, 100), process(11, 0), process(12, 90)};
	struct victim victims[3];

	(void)state;
	c[1].comm = "logcollector";
	c[1].anon_bytes = 64 * KIB;
	c[2].oom_score_adj = -999;
	assert_int_equal(rank_of(&policy, c, 3, victims), 3);
	assert_int_equal(victims[0].candidate->pid, 11);
	assert_int_equal(victims[0].standing, STANDING_PREFER);
	assert_ptr_equal(victims[0].rule, &prefer);
	assert_int_equal(victims[1].candidate->pid, 10);
	assert_null(victims[1].rule);
	assert_int_equal(victims[2].candidate->pid, 12);
	assert_true(victims[2].score < 0);
}

/* Size is what it gives back: a hundredth of the scope, no byte less. */
static void test_small_edge(void **state)
{
	const struct policy policy = {0};
	const struct victim_request request = {.policy = &policy, .scope_bytes = 100 * MIB};
	struct candidate c = process(10, 0);
	struct victim victim;

	(void)state;
	c.file_bytes = c.shmem_bytes = 90 * MIB; /* not given back for sure */
	c.anon_bytes = MIB / 2;
	c.swap_bytes = MIB / 4;
	c.pgtables_bytes = MIB / 4;
	assert_int_equal(victim_rank(&request, &c, 1, &victim), 1);
	c.pgtables_bytes--;
	assert_int_equal(victim_rank(&request, &c, 1, &victim), 0);
	assert_int_equal(victim.excluded, VICTIM_SMALL);
}

/* prefer before the others before avoid, whatever their size, growth and adj. */
static void test_classes(void **state)
{
	struct rule avoid = {.comm = regex("^a"), .text = (char *)"comm: ^a"};
	struct rule prefer = {.comm = regex("^p"), .text = (char *)"comm: ^p"};

	(void)state;
	for (int rank = 0; rank < RANK_MAX_; rank++) {
		const struct policy policy = {
			.rank = (enum rank)rank, .avoid = {&avoid, 1}, .prefer = {&prefer, 1}};
		struct candidate c[] = {process(10, 200), process(11, 5), process(12, 100),
					process(13, 6),	  process(14, 3), process(15, 4)};
		static const int order[] = {15, 14, 12, 13, 10, 11};
		struct victim victims[6];

		c[0].comm = c[1].comm = "a";
		c[0].oom_score_adj = 999;
		c[0].growth_bytes = 200 * MIB;
		c[4].comm = c[5].comm = "p";
		c[4].oom_score_adj = -10;
		assert_int_equal(rank_of(&policy, c, 6, victims), 6);
		for (size_t i = 0; i < 6; i++)
			if (victims[i].candidate->pid != order[i])
				fail_msg("rank %d, place %zu: %d", rank, i,
					 victims[i].candidate->pid);
	}
}

/* A steady database of 128 MiB is innocent; the leaker of 40 MiB dies. Size would not see it. */
static void test_blame(void **state)
{
	struct candidate c[] = {process(10, 128), process(11, 40), process(12, 20)};
	const struct policy policy = {.rank = RANK_BLAME};
	struct victim victims[3];

	(void)state;
	c[1].growth_bytes = 40 * MIB;
	assert_int_equal(first_of(RANK_BLAME, c, 3), 11);
	assert_int_equal(first_of(RANK_SIZE, c, 3), 10);
	assert_int_equal(first_of(RANK_KERNEL, c, 3), 10);

	assert_int_equal(rank_of(&policy, c, 3, victims), 3);
	assert_near(victims[0].blame, 1);
	assert_near(victims[0].score, 400.0 * MIB);
	assert_int_equal(victims[1].candidate->pid, 10);
	assert_near(victims[1].blame, 0);
	assert_near(victims[1].score, 128.0 * MIB);

	/* half of the blame is the database's own: it dies for its size */
	c[0].growth_bytes = 40 * MIB;
	assert_int_equal(first_of(RANK_BLAME, c, 3), 10);
}

/* When nobody grew, size decides; growth below a twentieth of the scope counts in part. */
static void test_blame_noise(void **state)
{
	static const struct {
		uint64_t growth_kib;
		int first;
		double score_mib;
	} rows[] = {
		{0, 10, 40},
		{1, 10, 40 * (1 + 9 * (1 / 13107.2))},
		{2000, 10, 40 * (1 + 9 * (2000 / 13107.2))},
		{4000, 11, 40 * (1 + 9 * (4000 / 13107.2))},
		{20000, 11, 400},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct candidate c[] = {process(10, 128), process(11, 40)};
		const struct policy policy = {.rank = RANK_BLAME};
		struct victim victims[2];
		double score;

		c[1].growth_bytes = rows[i].growth_kib * KIB;
		(void)rank_of(&policy, c, 2, victims);
		if (victims[0].candidate->pid != rows[i].first)
			fail_msg("row %zu: %d", i, victims[0].candidate->pid);
		score = victims[victims[0].candidate->pid != 11].score / (double)MIB;
		/* the scope's own byte more against a division by nought */
		assert_true(score > rows[i].score_mib * 0.999999 &&
			    score < rows[i].score_mib * 1.000001);
	}
}

/* size counts what is given back for sure; kernel all that is resident, as oom_badness(). */
static void test_size_and_kernel(void **state)
{
	struct candidate c[] = {process(10, 60), process(11, 20)};

	(void)state;
	c[1].file_bytes = 50 * MIB;
	assert_int_equal(first_of(RANK_SIZE, c, 2), 10);
	assert_int_equal(first_of(RANK_BLAME, c, 2), 10);
	assert_int_equal(first_of(RANK_KERNEL, c, 2), 11);
	c[1].file_bytes = 0;
	c[1].shmem_bytes = 50 * MIB;
	assert_int_equal(first_of(RANK_SIZE, c, 2), 10);
	assert_int_equal(first_of(RANK_KERNEL, c, 2), 11);
	/* swap and page tables count for all of them */
	c[1].shmem_bytes = 0;
	c[1].swap_bytes = 30 * MIB;
	c[1].pgtables_bytes = 11 * MIB;
	for (int rank = 0; rank < RANK_MAX_; rank++)
		assert_int_equal(first_of((enum rank)rank, c, 2), 11);
}

/* adj is in thousandths of the scope, for all ranks: 999 goes early, -999 late. */
static void test_adj(void **state)
{
	static const struct {
		int adj;
		uint64_t mib;
		int first; /* 10 has 100 MiB and adj 0 */
	} rows[] = {
		{0, 99, 10},   {0, 101, 11},	{999, 5, 11},	 {500, 5, 11},	  {300, 5, 10},
		{300, 30, 11}, {-100, 120, 10}, {-100, 130, 11}, {-999, 200, 10},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int rank = 0; rank < RANK_MAX_; rank++) {
			struct candidate c[] = {process(10, 100), process(11, rows[i].mib)};

			c[1].oom_score_adj = rows[i].adj;
			if (first_of((enum rank)rank, c, 2) != rows[i].first)
				fail_msg("row %zu, rank %d", i, rank);
		}
	}
}

/* Nothing to choose from, nothing to measure by. */
static void test_nothing(void **state)
{
	const struct policy policy = {.rank = RANK_BLAME};
	const struct victim_request request = {.policy = &policy};
	struct candidate c = process(10, 0);
	struct victim victim;

	(void)state;
	assert_int_equal(victim_rank(&request, NULL, 0, NULL), 0);
	/* a scope of no size: no score is not a number */
	assert_int_equal(victim_rank(&request, &c, 1, &victim), 1);
	assert_true(victim.score == 0);
	assert_true(victim.blame == 0);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < VICTIM_EXCLUSIONS_; i++)
		assert_non_null(victim_exclusion_name((enum victim_exclusion)i));
}

static struct candidate in_pod(int pid, uint64_t anon_mib, enum qos qos, uint64_t pod_mib,
			       uint32_t requests)
{
	struct candidate candidate = process(pid, anon_mib);

	candidate.place = PLACE_POD;
	candidate.pod_uid = "u";
	candidate.qos = qos;
	candidate.pod_bytes = pod_mib * MIB;
	candidate.pod_requests = requests;
	return candidate;
}

/* When the node suffers: BestEffort, Burstable above its request, the rest; elsewhere the score. */
static void test_tiers(void **state)
{
	const struct candidate candidates[] = {
		process(10, 200),
		in_pod(11, 190, QOS_GUARANTEED, 190, 0),
		in_pod(12, 150, QOS_BURSTABLE, 150, 600), /* 153.6 MiB of 256: not above */
		in_pod(13, 100, QOS_BURSTABLE, 155, 600), /* with its pod's others above */
		in_pod(14, 120, QOS_BURSTABLE, 155, 0),	  /* its request is not known */
		in_pod(15, 20, QOS_BESTEFFORT, 20, 0),
	};
	static const int node[] = {15, 13, 10, 11, 12, 14}, scope[] = {10, 11, 12, 14, 13, 15};
	const struct policy policy = {.rank = RANK_SIZE};
	struct victim_request request = {.policy = &policy, .scope_bytes = SCOPE};
	struct victim victims[6];

	(void)state;
	assert_int_equal(victim_rank(&request, candidates, 6, victims), 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(victims[i].candidate->pid, scope[i]);
	request.node = true;
	assert_int_equal(victim_rank(&request, candidates, 6, victims), 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(victims[i].candidate->pid, node[i]);
	assert_int_equal(victims[0].tier, VICTIM_TIER_BESTEFFORT);
	assert_int_equal(victims[1].tier, VICTIM_TIER_ABOVE);
}

/* Sandboxes, runtimes, the first process where it is spared; whatever prefers them. */
static void test_holders(void **state)
{
	struct rule all = {.comm = regex(""), .text = (char *)"comm: "};
	struct policy policy = {.prefer = {&all, 1}};
	struct candidate candidates[] = {process(10, 50), process(11, 50), process(12, 50),
					 process(13, 50)};
	struct victim victims[4];

	(void)state;
	candidates[0].place = PLACE_SANDBOX;
	candidates[1].place = PLACE_RUNTIME;
	candidates[2].init = true;
	assert_int_equal(rank_of(&policy, candidates, 4, victims), 2);
	policy.spare_pid1 = true;
	assert_int_equal(rank_of(&policy, candidates, 4, victims), 1);
	assert_int_equal(victims[0].candidate->pid, 13);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(victims[i].excluded,
				 victims[i].candidate->pid == 12 ? VICTIM_INIT : VICTIM_HOLDER);
}

/* Forty small ones of one process group beside a steady big one: together they are the culprit. */
static void test_families(void **state)
{
	enum {
		BOMB = 40,
		N = BOMB + 2
	};
	struct policy policy = {.kill = KILL_UNIT_GROUP};
	struct candidate candidates[N];
	struct victim victims[N];
	uint64_t random = 5;

	(void)state;
	for (int i = 0; i < BOMB; i++) {
		candidates[i] = process(1000 + i, 1);
		candidates[i].anon_bytes = MIB;
		candidates[i].growth_bytes = MIB;
		candidates[i].group = 1000;
		candidates[i].memcg_id = 7;
		candidates[i].pod_uid = "bomb";
	}
	candidates[BOMB] = process(10, 100);
	candidates[BOMB].group = 10;
	candidates[BOMB].memcg_id = 8;
	candidates[BOMB + 1] = process(11, 1);
	shuffle(candidates, N, &random);
	/* by itself each of them is too small to matter */
	policy.kill = KILL_UNIT_PROCESS;
	assert_int_equal(rank_of(&policy, candidates, N, victims), 1);
	assert_int_equal(victims[0].candidate->pid, 10);
	for (int unit = KILL_UNIT_GROUP; unit <= KILL_UNIT_POD; unit++) {
		policy.kill = (enum kill_unit)unit;
		assert_int_equal(rank_of(&policy, candidates, N, victims), BOMB + 1);
		assert_true(victims[0].candidate->pid >= 1000);
		assert_int_equal(victims[0].freeable_bytes, BOMB * MIB);
		assert_int_equal(victims[0].growth_bytes, BOMB * MIB);
		assert_near(victims[0].blame, 1);
		assert_int_equal(victims[BOMB].candidate->pid, 10);
		assert_int_equal(victims[BOMB].freeable_bytes, 100 * MIB);
		assert_int_equal(victims[BOMB + 1].candidate->pid, 11);
		assert_int_equal(victims[BOMB + 1].freeable_bytes, MIB);
	}
}

static void test_min_free(void **state)
{
	struct policy policy = {.min_free_bytes = 50 * MIB};
	const struct candidate candidates[] = {process(10, 49), process(11, 50)};
	struct victim victims[2];

	(void)state;
	assert_int_equal(rank_of(&policy, candidates, 2, victims), 1);
	assert_int_equal(victims[0].candidate->pid, 11);
	assert_int_equal(victims[1].excluded, VICTIM_SMALL);
	policy.min_free_bytes = 0;
	assert_int_equal(rank_of(&policy, candidates, 2, victims), 2);
}

static struct victim_group group_of(const struct policy *policy, const struct candidate *chosen)
{
	const struct victim victim = {.candidate = chosen, .sharers = 1};

	return victim_group_of(policy, &victim);
}

/* Whether @other, listed beside @chosen, dies with it. */
static bool dies_with(const struct policy *policy, const struct candidate *chosen,
		      const struct candidate *other)
{
	const struct candidate list[] = {*chosen, *other};
	const struct victim_request request = {
		.policy = policy, .scope_bytes = 1024 * MIB, .self_pid = 9999};
	struct victim_group group = group_of(policy, chosen);
	struct victim ret[2];
	struct victim_members members = victim_rank_members(&request, &group, list, 2, ret);

	assert_int_equal(members.spared, 0);
	for (size_t i = 0; i < members.dying; i++)
		if (ret[i].candidate->pid == other->pid)
			return true;
	return false;
}

static void test_groups(void **state)
{
	struct policy policy = {.kill = KILL_UNIT_POD};
	struct candidate chosen = in_pod(10, 50, QOS_BURSTABLE, 50, 0), other = chosen;
	struct victim_group group = group_of(&policy, &chosen);

	(void)state;
	other.pid = 11;
	assert_int_equal(group.unit, KILL_UNIT_POD);
	assert_true(dies_with(&policy, &chosen, &other));
	other.pod_uid = "v";
	assert_false(dies_with(&policy, &chosen, &other));
	other.pod_uid = NULL;
	assert_false(dies_with(&policy, &chosen, &other));
	/* not in a pod: itself */
	chosen.pod_uid = NULL;
	assert_int_equal(group_of(&policy, &chosen).unit, KILL_UNIT_PROCESS);

	policy.kill = KILL_UNIT_GROUP;
	assert_int_equal(group_of(&policy, &chosen).unit, KILL_UNIT_PROCESS);
	chosen.group = 77;
	group = group_of(&policy, &chosen);
	assert_int_equal(group.unit, KILL_UNIT_GROUP);
	assert_false(dies_with(&policy, &chosen, &other));
	other.group = 77;
	assert_true(dies_with(&policy, &chosen, &other));

	/* a cgroup dies with what is below it, but not with a neighbour of a similar name */
	policy.kill = KILL_UNIT_CGROUP;
	chosen.memcg_id = 5;
	chosen.cgroup = "/a/b";
	other.memcg_id = 6;
	other.cgroup = "/a/b/c";
	assert_true(dies_with(&policy, &chosen, &other));
	other.cgroup = "/a/bc";
	assert_false(dies_with(&policy, &chosen, &other));
	other.cgroup = NULL; /* removed: its id alone tells */
	assert_false(dies_with(&policy, &chosen, &other));
	other.memcg_id = 5;
	assert_true(dies_with(&policy, &chosen, &other));

	/* the owner of the cgroup wants it to die as one; not where PID 1 is to live */
	policy.kill = KILL_UNIT_PROCESS;
	chosen.oom_group = true;
	group = group_of(&policy, &chosen);
	assert_int_equal(group.unit, KILL_UNIT_CGROUP);
	assert_int_equal(group.memcg_id, 5);
	policy.spare_pid1 = true;
	assert_int_equal(group_of(&policy, &chosen).unit, KILL_UNIT_PROCESS);
}

/*
 * A culprit whose memory is a memfd or a shared mapping: it counts where all holders die, and
 * nowhere else. So do mlocked pages of files.
 */
static void test_shared_memory(void **state)
{
	enum {
		HOLDER,
		SECOND,
		INNOCENT,
		N,
	};
	struct policy policy = {.rank = RANK_SIZE, .kill = KILL_UNIT_PROCESS};
	struct candidate c[N] = {process(10, 2), process(11, 3), process(12, 30)};
	struct victim victims[N];

	(void)state;
	c[HOLDER].shmem_bytes = 190 * MIB;
	c[HOLDER].shares[0] = (struct candidate_share){190 * MIB, 7, 1};
	assert_int_equal(rank_of(&policy, c, N, victims), N);
	assert_int_equal(victims[0].candidate->pid, 10);
	assert_int_equal(victims[0].freeable_bytes, 192 * MIB);

	/* a second holder: neither gives it back alone */
	c[HOLDER].shares[0].holders = 2;
	c[SECOND].shares[1] = c[HOLDER].shares[0];
	rank_of(&policy, c, N, victims);
	assert_int_equal(victims[0].candidate->pid, 12);
	assert_int_equal(victims[2].freeable_bytes, 2 * MIB);

	/* both in one group give it back, once */
	policy.kill = KILL_UNIT_GROUP;
	c[HOLDER].group = c[SECOND].group = 10;
	rank_of(&policy, c, N, victims);
	assert_int_equal(victims[0].candidate->group, 10);
	assert_int_equal(victims[0].freeable_bytes, 195 * MIB);
	assert_int_equal(victims[1].freeable_bytes, 195 * MIB);
	assert_int_equal(victims[2].freeable_bytes, 30 * MIB);

	/* a third one is elsewhere on the host */
	c[HOLDER].shares[0].holders = c[SECOND].shares[1].holders = 3;
	rank_of(&policy, c, N, victims);
	assert_int_equal(victims[0].candidate->pid, 12);

	c[SECOND].locked_file_bytes = 165 * MIB;
	policy.kill = KILL_UNIT_PROCESS;
	rank_of(&policy, c, N, victims);
	assert_int_equal(victims[0].candidate->pid, 11);
	assert_int_equal(victims[0].freeable_bytes, 168 * MIB);
}

/* Of the kernel's rank each page counts once: shared and locked ones are resident pages. */
static void test_kernel_rank_counts_once(void **state)
{
	const struct policy policy = {.rank = RANK_KERNEL};
	struct candidate c = process(10, 10);
	struct victim victim;

	(void)state;
	c.shmem_bytes = 50 * MIB;
	c.shares[0] = (struct candidate_share){50 * MIB, 0, 1};
	c.file_bytes = 30 * MIB;
	c.locked_file_bytes = 20 * MIB;
	assert_int_equal(rank_of(&policy, &c, 1, &victim), 1);
	assert_true(victim.score == 90.0 * MIB);
}

/* Processes that share all memory (CLONE_VM): it counts once, and they die together or not at all.
 */
static void test_clone_vm(void **state)
{
	enum {
		FIRST,
		SECOND,
		OTHER,
		N,
	};
	struct policy policy = {.rank = RANK_SIZE, .kill = KILL_UNIT_PROCESS};
	struct candidate c[N] = {process(10, 100), process(11, 100), process(12, 150)};
	const struct victim_request request = {
		.policy = &policy, .scope_bytes = SCOPE, .self_pid = SELF};
	struct victim_members members;
	struct victim_group group;
	struct victim victims[N], chosen;

	(void)state;
	c[FIRST].mm = c[SECOND].mm = 5;
	c[OTHER].mm = 6;
	c[FIRST].growth_bytes = c[SECOND].growth_bytes = c[OTHER].growth_bytes = 60 * MIB;
	assert_int_equal(rank_of(&policy, c, N, victims), N);
	assert_int_equal(victims[0].candidate->pid, 12);
	assert_int_equal(victims[0].sharers, 1);
	assert_int_equal(victims[1].sharers, 2);
	assert_int_equal(victims[1].freeable_bytes, 100 * MIB);
	assert_int_equal(victims[2].freeable_bytes, 100 * MIB);
	for (int i = 0; i < N; i++)
		assert_true(victims[i].blame > 0.49 && victims[i].blame < 0.51);

	/* the unit of the victim: both, also where the policy kills process groups */
	chosen = victims[1];
	for (int kill = 0; kill < 2; kill++) {
		policy.kill = kill ? KILL_UNIT_GROUP : KILL_UNIT_PROCESS;
		group = victim_group_of(&policy, &chosen);
		assert_false(victim_group_is_single(&group));
		members = victim_rank_members(&request, &group, c, N, victims);
		assert_int_equal(members.dying, 2);
		assert_int_equal(members.spared, 0);
		assert_int_equal(victims[0].candidate->pid + victims[1].candidate->pid, 21);
	}
	policy.kill = KILL_UNIT_PROCESS;

	/* one of them must not die: neither may the other */
	c[SECOND].oom_score_adj = -1000;
	assert_int_equal(rank_of(&policy, c, N, victims), 1);
	assert_int_equal(victims[0].candidate->pid, 12);
	assert_int_equal(victims[1].excluded, VICTIM_ADJ);
	assert_int_equal(victims[2].excluded, VICTIM_ADJ);
	c[SECOND].oom_score_adj = 0;
	c[FIRST].pid = SELF;
	assert_int_equal(rank_of(&policy, c, N, victims), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_memory),
		cmocka_unit_test(test_kernel_rank_counts_once),
		cmocka_unit_test(test_clone_vm),
		cmocka_unit_test(test_bomb_by_session),
		cmocka_unit_test(test_bomb_by_ancestor),
		cmocka_unit_test(test_tiers),
		cmocka_unit_test_teardown(test_holders, forget_regexes),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_min_free),
		cmocka_unit_test(test_groups),
		cmocka_unit_test_teardown(test_total_order, forget_regexes),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_ties),
		cmocka_unit_test_teardown(test_never, forget_regexes),
		cmocka_unit_test_teardown(test_unknown_line, forget_regexes),
		cmocka_unit_test_teardown(test_small_and_preferred, forget_regexes),
		cmocka_unit_test(test_small_edge),
		cmocka_unit_test_teardown(test_classes, forget_regexes),
		cmocka_unit_test(test_blame),
		cmocka_unit_test(test_blame_noise),
		cmocka_unit_test(test_size_and_kernel),
		cmocka_unit_test(test_adj),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
