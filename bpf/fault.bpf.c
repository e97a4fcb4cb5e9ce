// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fault: the wide eyes. Attached only while a scope is in trouble.
 *
 * The commonest livelock loses its time not in reclaim but in reading back
 * what reclaim took (docs/measurements.md). Three tracepoints measure that without
 * fentry and whatever the disk's speed: a page that reclaim takes out of the
 * page cache is remembered with the scope's clock (pages read in so far); when
 * it comes back, the clock's difference is its refault distance, that is by
 * how many pages the cache was too small for it. A task whose reads are
 * refaults at a distance that a kill could have given back is thrashing; one
 * whose reads are new, or farther away than any kill reaches, is streaming.
 * The task's waits for IO and its time on a CPU, the kernel's share apart, are summed.
 *
 * A process that has only just begun has no work yet that could suffer: what it reads back is its
 * own start, and a service that is restarted where its files have just left memory would look like
 * a livelock for a second or two. It counts once it is older; one that is stuck at its start will
 * be.
 *
 * One page in 2^fo_sample_shift is followed: the one whose index has that many
 * low bits clear, so that folios of every size are sampled alike.
 */
#include "rss.bpf.h"
#include "scope.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A task's ratio of near refaults is over about its last 32 samples. */
#define FO_SAMPLES_KEPT 32

/*
 * As long as a start may take before people call it a hang, and as nobody may be killed later than
 * that (three seconds after the harm began, docs/judge-report.md).
 */
#define FO_ESTABLISHED_NS 3000000000ULL

static __always_inline __u64 folio_pages(struct folio *folio)
{
	struct folio___before615 *before615 = (void *)folio;
	struct folio___flags_struct *flags_struct = (void *)folio;
	struct folio___flags_word *flags_word = (void *)folio;
	__u64 flags;

	if (bpf_core_field_exists(flags_struct->flags.f))
		flags = flags_struct->flags.f;
	else
		flags = flags_word->flags;
	if (!(flags & (1ULL << bpf_core_enum_value(enum pageflags, PG_head))))
		return 1;
	if (bpf_core_field_exists(folio->_nr_pages))
		return folio->_nr_pages;
	if (bpf_core_field_exists(before615->_folio_nr_pages))
		return before615->_folio_nr_pages;
	/* 5.17 to 6.0 count a large folio as one page: the clock runs slower, alike for all */
	return 1;
}

/* A folio's place: the sampled pages of it are first, first + 2^shift, ... below end. */
struct span {
	__u64 inode;
	__u64 first;
	__u64 end;
	__u64 pages;
};

/* Sampled pages of one folio at a shift of 4: as many as a 2 MiB one has. */
#define FO_SPAN_SAMPLES 32

static __always_inline void span_of(u64 *ctx, struct span *span)
{
	struct address_space *mapping;
	struct inode *inode;
	__u64 index, mask = (1ULL << fo_sample_shift) - 1;

	if (fo_cache_has_folio) {
		struct folio *folio = (struct folio *)ctx[0];

		mapping = folio->mapping;
		index = folio->index;
		span->pages = folio_pages(folio);
	} else {
		struct page *page = (struct page *)ctx[0];

		mapping = page->mapping;
		index = page->index;
		span->pages = 1;
	}
	inode = mapping->host;
	span->first = (index + mask) & ~mask;
	span->end = index + span->pages;
	if (span->first < span->end)
		span->inode = inode->i_ino ^ ((__u64)inode->i_sb->s_dev << 32);
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int fo_page_evicted(u64 *ctx)
{
	struct fo_task_state *state;
	struct fo_shadow shadow = {};
	struct fo_page_key key;
	struct fo_hot *hot;
	struct span span = {};

	/* only reclaim evicts; truncation and unlink delete */
	state = fo_current_state(false);
	if (state && state->stall_start_ns)
		shadow.scope = state->stall_scope;
	else if (!fo_tracking_node || !(fo_current_flags() & PF_KSWAPD))
		return 0;

	hot = bpf_map_lookup_elem(&fo_hot, &shadow.scope);
	if (!hot)
		return 0;
	span_of(ctx, &span);
	shadow.added_pages = hot->added_pages;
	shadow.generation = fo_tracking_generation;
	key.inode = span.inode;
	key.index = span.first;
	for (int i = 0; i < FO_SPAN_SAMPLES; i++) {
		if (key.index >= span.end)
			break;
		bpf_map_update_elem(&fo_shadows, &key, &shadow, BPF_ANY);
		key.index += 1ULL << fo_sample_shift;
	}
	return 0;
}

static __always_inline void count_sample(struct fo_task_state *state)
{
	if (state->samples >= FO_SAMPLES_KEPT) {
		state->samples /= 2;
		state->within_reach /= 2;
	}
	state->samples++;
}

static __always_inline void sample_refault(struct fo_task_state *state, struct fo_wait_stat *stat,
					   struct fo_hot *hot, __u64 scope, struct fo_page_key *key)
{
	struct fo_shadow *shadow = bpf_map_lookup_elem(&fo_shadows, key);
	__u64 distance, *within_reach;
	__u32 slot;

	if (!state->is_new) {
		fo_add(stat->samples, 1);
		count_sample(state);
	}
	if (!shadow)
		return;
	if (!state->is_new && shadow->scope == scope &&
	    shadow->generation == fo_tracking_generation &&
	    hot->added_pages >= shadow->added_pages) {
		distance = hot->added_pages - shadow->added_pages;
		within_reach = bpf_map_lookup_elem(&fo_reach, &scope);
		if (within_reach && distance <= *within_reach) {
			state->within_reach++;
			fo_add(stat->within_reach, 1);
		}
		slot = fo_log2(distance);
		if (slot >= FO_DISTANCE_SLOTS)
			slot = FO_DISTANCE_SLOTS - 1;
		fo_add(stat->refaults, 1);
		fo_add(stat->distance[slot], 1);
	}
	bpf_map_delete_elem(&fo_shadows, key);
}

/* A muted scope whose time is over reclaims no more. */
static __always_inline struct fo_hot *live(struct fo_hot *hot)
{
	if (hot && hot->muted_until_ns && hot->muted_until_ns < bpf_ktime_get_ns())
		return NULL;
	return hot;
}

/* ---- who stands still --------------------------------------------------- */

/*
 * Time lost says little of work lost: a service with time to spare waits for most of it and still
 * answers everybody, while another that is no busier answers nobody. So a task is held against
 * itself: it stands still when, for a fifth of a second, it has worked less than a sixth of what it
 * usually does, has lost three quarters of that time, and to pages of its own that were taken; from
 * a sixth to a half it does in part: docs/measurements.md.
 *
 * What is left tells whether they were. What comes back tells it only of who is not known, as when
 * the eyes open on a livelock. Where another reads in at full speed, that one's clock runs so fast
 * that nothing comes back from near: a service that such a newcomer had brought to 0.03 of its work
 * had 0 of 23 samples near in one span and 30 of 32 in the next, but of the 104 MiB of files it had
 * mapped, 2 were left. And a database that turns from reading through to reading at
 * random is slower for it and meets many pages again, but has as much in memory as before.
 */

/* Two samples, and a few hundred faults where a disk is fast. */
#define FO_SPAN_NS 200000000ULL
/*
 * In 1/1024 of what is usual. Harm is less than a tenth of the work (scripts/corpus.py), and who
 * comes out of a fault finds cold caches: what is left of his work takes him longer. Seen here: a
 * service whose pages a leaker takes and that answers 11 %, 5 % and 2 % of its requests works 0.39,
 * 0.30 and 0.12 of what is usual; one that reads at random and answers 55 to 70 %, over a half.
 */
#define FO_UNPRODUCTIVE_FROM  512
#define FO_UNPRODUCTIVE_WHOLE 171
/* Beside much that is new, some of what comes back has been away too long to be near. */
#define FO_UNPRODUCTIVE_REACH_PART 8
/*
 * In 1/1024: who usually does less than 3 % of a processor is taken to do that. From one fault to
 * the next are 5 to 6 us, a request or not: a service that answers 5000 requests of 1 us a second,
 * and then 50, seems to do a third of its work.
 */
#define FO_USUAL_LEAST 32

static __always_inline void span_begin(struct fo_task_state *state, __u64 min_flt, __u64 now)
{
	state->span_start_ns = now;
	state->span_min_flt = min_flt;
	state->span_worked_ns = 0;
	state->span_lost_ns = 0;
	state->undecided_ns = 0;
}

/*
 * Whether less is left of what it had since it last lost little: half of the files that it maps,
 * which go first, or, where there is swap, three quarters of all. Those hurt here had a sixth to a
 * fiftieth of their files left.
 */
static __always_inline bool lost_working_set(struct fo_task_state *state, struct mm_struct *mm)
{
	__u64 file_pages = fo_rss_pages(mm, FO_RSS_FILE);
	__u64 pages = file_pages + fo_rss_pages(mm, FO_RSS_ANON) + fo_rss_pages(mm, FO_RSS_SHMEM);

	if (file_pages > state->most_file_pages)
		state->most_file_pages = file_pages;
	if (pages > state->most_pages)
		state->most_pages = pages;
	return file_pages < state->most_file_pages / 2 || pages < state->most_pages / 4 * 3;
}

/*
 * The first page that it reads: until now, if the eyes were in time, nothing hindered it. What it
 * held at most is told by the kernel: the eyes open when something was taken already.
 */
static __always_inline void follow(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns(), usual = fo_current_util();
	struct mm_struct *mm = fo_current_mm();

	span_begin(state, fo_current_min_flt(), now);
	state->doing = FO_WORKS;
	state->doing_since_ns = now;
	state->usual = usual < 1024 ? usual : 1024;
	state->most_file_pages = 0;
	state->most_pages = fo_rss_most_pages(mm);
	(void)lost_working_set(state, mm);
}

static __always_inline void span_end(struct fo_task_state *state, struct fo_wait_stat *stat,
				     struct task_struct *task, __u64 now)
{
	__u64 span = now - state->span_start_ns, usual = state->usual, min_flt = task->min_flt;
	__u64 worked, minor;
	bool taken;

	if (!state->span_start_ns || span < FO_SPAN_NS)
		return;
	if (usual < FO_USUAL_LEAST)
		usual = FO_USUAL_LEAST;
	taken = lost_working_set(state, task->mm) ||
		(!state->known && state->samples &&
		 state->within_reach * FO_UNPRODUCTIVE_REACH_PART >= state->samples);
	/* where none begins or ends is not seen, and neither work nor lost is what they took */
	minor = (min_flt - state->span_min_flt) * fo_fault_ns;
	if (minor > state->span_worked_ns)
		minor = state->span_worked_ns;
	state->span_worked_ns -= minor;
	worked = state->span_worked_ns * 1024 / (span * usual / 1024);
	/* where faults are dear, coming out of them looks like work, which then says nothing */
	if (worked < FO_UNPRODUCTIVE_WHOLE || !fo_fault_ns)
		worked = FO_UNPRODUCTIVE_WHOLE;
	if (taken && state->span_lost_ns > (span - minor) / 4 * 3 &&
	    worked < FO_UNPRODUCTIVE_FROM) {
		fo_add(stat->unproductive_ns,
		       span * (FO_UNPRODUCTIVE_FROM - worked) /
			       (FO_UNPRODUCTIVE_FROM - FO_UNPRODUCTIVE_WHOLE));
	} else if (state->span_lost_ns < span / 4) {
		state->usual = (3 * state->usual + state->span_worked_ns * 1024 / span) / 4;
		state->most_file_pages = 0;
		state->most_pages = 0;
	}
	if (fo_fault_ns ? worked >= FO_UNPRODUCTIVE_FROM : state->span_lost_ns < span / 4)
		state->known = 1;
	span_begin(state, min_flt, now);
}

/* What comes in is another page of the same fault, or the first of the next. */
static __always_inline void reads(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns();

	if (state->doing == FO_READS && now < state->doing_since_ns + FO_READ_NS)
		fo_does(state, FO_LOSES, now);
	fo_does(state, FO_READS, now);
}

/* A major fault is over: all since it began, or since its first page, was lost to it. */
static __always_inline void faulted(struct fo_task_state *state)
{
	__u64 now = bpf_ktime_get_ns();

	if (state->doing == FO_RETURNS)
		state->doing = FO_LOSES;
	fo_does(state, FO_LOSES, now);
	fo_does(state, FO_WORKS, now);
}

/* ---- who reads ---------------------------------------------------------- */

/* Who reads something back right now, and for which hot scope. */
struct reader {
	__u64 scope;
	struct fo_hot *hot;
	struct fo_task_state *state;
	struct fo_wait_stat *stat;
};

/* False: current is in no hot scope, or there is no room, which is counted. */
static __always_inline bool find_reader(struct reader *ret)
{
	__u64 leaf = fo_current_memcg(), scope = FO_SCOPE_NODE, *limited;
	struct fo_task_state *state;
	struct fo_wait_stat *stat;
	struct fo_hot *hot = NULL;

	limited = bpf_map_lookup_elem(&fo_limit_of, &leaf);
	if (limited) {
		scope = *limited;
		hot = live(bpf_map_lookup_elem(&fo_hot, &scope));
	}
	/* its limit was hit once, but not now: then it is one of the node's */
	if (!hot && fo_tracking_node) {
		scope = FO_SCOPE_NODE;
		hot = live(bpf_map_lookup_elem(&fo_hot, &scope));
	}
	if (!hot)
		return false;

	state = fo_current_state(true);
	stat = fo_wait_stat(scope, true);
	if (!state || !stat) {
		fo_count(waits_full);
		return false;
	}
	if (state->generation != fo_tracking_generation) {
		state->generation = fo_tracking_generation;
		state->samples = 0;
		state->within_reach = 0;
		state->wait_start_ns = 0;
		state->fault_sys_ns = 0;
		state->run_start_ns = 0; /* counted from its next turn on a CPU */
		state->span_start_ns = 0;
		state->known = 0;
	}
	state->scope = scope;
	state->is_new = fo_current_age_ns() < FO_ESTABLISHED_NS;
	if (state->is_new)
		state->known = 1;
	if (!state->is_new && !state->span_start_ns)
		follow(state);
	ret->scope = scope;
	ret->hot = hot;
	ret->state = state;
	ret->stat = stat;
	return true;
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int fo_page_added(u64 *ctx)
{
	struct reader reader;
	struct fo_page_key key;
	struct span span = {};

	if (!find_reader(&reader))
		return 0;
	reader.state->read_in = 1;
	reads(reader.state);
	span_of(ctx, &span);
	fo_add(reader.stat->added_pages, span.pages);
	fo_add(reader.hot->added_pages, span.pages);
	key.inode = span.inode;
	key.index = span.first;
	for (int i = 0; i < FO_SPAN_SAMPLES; i++) {
		if (key.index >= span.end)
			break;
		sample_refault(reader.state, reader.stat, reader.hot, reader.scope, &key);
		key.index += 1ULL << fo_sample_shift;
	}
	return 0;
}

/*
 * On a fast disk most of what a refault costs is the kernel's own work, and what work that was is
 * known when the fault is over. read() has none: it costs copying, for a page in the cache too, and
 * a reader that met pages again that a burst had taken would seem to thrash.
 */
/* Emulated processors take that long for one; real ones a millisecond. */
#define FO_FAULT_SYS_MOST_NS 100000000ULL

static __always_inline void worked(struct fo_task_state *state, __u64 stime)
{
	if (state->run_start_ns)
		state->fault_sys_ns += stime - state->run_start_stime;
	state->run_start_stime = stime;
}

static __always_inline void sys_lost(struct fo_task_state *state, struct fo_wait_stat *stat)
{
	__u64 lost = state->fault_sys_ns;

	if (lost > FO_FAULT_SYS_MOST_NS)
		lost = FO_FAULT_SYS_MOST_NS;
	if (state->samples)
		fo_add(stat->refault_sys_ns, lost * state->within_reach / state->samples);
	state->fault_sys_ns = 0;
}

/*
 * A fault begins. What it is tells what comes next: one that waits, reclaims or ends as a major one
 * has cost all the time from here on; after a minor one the task goes on with its work, and what it
 * took is so little that it may pass for that.
 */
SEC("tp_btf/page_fault_user")
int fo_fault_begin(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);

	if (state && state->span_start_ns && state->generation == fo_tracking_generation)
		fo_does(state, FO_READS, bpf_ktime_get_ns());
	return 0;
}

/*
 * A major fault that read nothing into the page cache came from swap: memory that was in use, and
 * that a kill would have kept. What its task waits and works for is apportioned like refaults of
 * files. A software event on every CPU, since the functions of swapping cannot be attached to
 * everywhere, and zram waits for nothing that a tracepoint sees.
 */
SEC("perf_event")
int fo_major_fault(void *ctx)
{
	struct reader reader;

	if (!find_reader(&reader))
		return 0;
	if (reader.state->read_in) {
		reader.state->read_in = 0;
	} else {
		fo_add(reader.stat->swapins, 1);
		if (!reader.state->is_new) {
			count_sample(reader.state);
			reader.state->within_reach++;
		}
	}
	faulted(reader.state);
	worked(reader.state, fo_current_stime());
	sys_lost(reader.state, reader.stat);
	return 0;
}

/*
 * Where functions can be attached to: the kernel knows a page that comes back also when it was
 * taken before our eyes opened, and files tell of it late.
 */
SEC("fentry/workingset_refault")
int fo_refault(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);
	struct fo_wait_stat *stat;

	if (!state || state->generation != fo_tracking_generation)
		return 0;
	stat = fo_wait_stat(state->scope, false);
	if (stat)
		fo_add(stat->workingset_refaults,
		       fo_cache_has_folio ? folio_pages((struct folio *)ctx[0]) : 1);
	return 0;
}

/*
 * Storage is never created here: the runqueue's lock is held, and an allocation
 * may want to wake kswapd. A task that reads pages in has it already.
 */
static __always_inline void switched_out(struct task_struct *task, __u64 now)
{
	struct fo_task_state *state = fo_task_state(task, false);
	struct fo_wait_stat *stat;

	if (!state || state->generation != fo_tracking_generation)
		return;
	stat = fo_wait_stat(state->scope, false);
	if (!stat)
		return;
	fo_does(state,
		state->stall_start_ns || BPF_CORE_READ_BITFIELD(task, in_iowait) ? FO_LOSES
										 : FO_RESTS,
		now);
	if (state->run_start_ns) {
		fo_add(stat->run_ns, now - state->run_start_ns);
		worked(state, task->stime);
		if (!fo_tracking_faults)
			sys_lost(state, stat);
		state->run_start_ns = 0;
	}
	if (state->wait_start_ns) {
		/*
		 * We did not see it come back: seen here 3 times a second, always while
		 * another task was in a bpf() call on the same CPU. What it lost then is
		 * not known and not counted, but the wait must not stay open.
		 */
		fo_count(waits_missed);
		fo_wait_forget(state);
	}
	if (!state->is_new && BPF_CORE_READ_BITFIELD(task, in_iowait)) {
		state->wait_start_ns = now;
		state->wait_scope = state->scope;
		fo_stall_begin(&stat->io, now);
	}
}

static __always_inline void switched_in(struct task_struct *task, __u64 now)
{
	struct fo_task_state *state = fo_task_state(task, false);
	struct fo_wait_stat *stat;
	__u16 doing;
	__u64 start;

	if (!state || state->generation != fo_tracking_generation)
		return;
	if (state->is_new)
		return;
	doing = state->undecided_ns ? FO_READS : FO_WORKS;
	if (state->stall_start_ns)
		doing = FO_LOSES;
	else if (state->wait_start_ns && fo_tracking_faults)
		doing = FO_RETURNS;
	fo_does(state, doing, now);
	stat = fo_wait_stat(state->scope, false);
	if (stat)
		span_end(state, stat, task, now);
	state->run_start_ns = now;
	state->run_start_stime = task->stime;
	start = state->wait_start_ns;
	if (!start)
		return;
	state->wait_start_ns = 0;
	stat = fo_wait_stat(state->wait_scope, false);
	if (!stat)
		return;
	fo_stall_end(&stat->io, start, now, 0);
	if (state->samples)
		fo_add(stat->refault_ns, (now - start) * state->within_reach / state->samples);
}

SEC("tp_btf/sched_switch")
int fo_switch(u64 *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	switched_out((struct task_struct *)ctx[1], now);
	switched_in((struct task_struct *)ctx[2], now);
	return 0;
}
