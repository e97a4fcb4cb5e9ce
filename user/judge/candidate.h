/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * candidate: what is measured of one process that may be killed. No rule, score or preference is
 * stored here.
 *
 * Purity:    data only.
 * Units:     *_bytes; start_boot_ns CLOCK_BOOTTIME.
 * Missing:   a string that is not known is NULL, not "". exe, cmdline: not read yet; cgroup: it was
 *            removed; pod .. container: the process is in no pod, or the name is not known.
 * Errors:    none.
 * Ownership: strings belong to the code that fills the candidate in (sense/tasks.h, the trace).
 */
#ifndef FASTOOM_JUDGE_CANDIDATE_H
#define FASTOOM_JUDGE_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The QoS classes of Kubernetes; the path of a pod's cgroup tells its class. */
enum qos {
	QOS_NONE, /* in no pod */
	QOS_GUARANTEED,
	QOS_BURSTABLE,
	QOS_BESTEFFORT,
	QOS_MAX_,
};

enum place {	       /* where a process runs, by its memory cgroup */
	PLACE_UNKNOWN, /* the cgroup could not be looked up */
	PLACE_HOST,    /* in no pod */
	PLACE_POD,
	PLACE_SANDBOX, /* the sandbox of a pod (pause), or the monitor of a container (conmon) */
	PLACE_RUNTIME, /* the kubelet, a container runtime or one of its shims */
};

/* Sets of holders are numbered below this; a list has no more. */
#define CANDIDATE_SETS_MAX 256
/* A process keeps its largest shares. */
#define CANDIDATE_SHARES 3

/*
 * Shared memory without a name in a filesystem (memfd, MAP_SHARED, an unlinked tmpfs file): it is
 * freed when the last process that maps it or has it open is gone.
 */
struct candidate_share {
	uint64_t bytes;	  /* of all that has the same set of holders */
	uint32_t set;	  /* the number of this set, the same in one list */
	uint32_t holders; /* processes of the host in the set; 0: there is no share */
};

struct candidate {
	uint64_t start_boot_ns; /* with pid: the identity */
	uint64_t memcg_id;	/* its own memory cgroup */
	uint64_t mm;		/* the same in processes that share all memory; 0: not known */
	uint64_t anon_bytes;
	uint64_t shmem_bytes;	    /* shared memory that it maps, its shares included */
	uint64_t locked_file_bytes; /* mlocked pages of files: nothing reclaims them before it dies
				     */
	struct candidate_share shares[CANDIDATE_SHARES]; /* the largest first */
	bool shares_known;				 /* shares and locked_file_bytes */
	uint64_t file_bytes;
	uint64_t swap_bytes;
	uint64_t pgtables_bytes;
	uint64_t growth_bytes; /* of anon + swap, over the last 15 to 30 s of listings */
	uint64_t pod_bytes;    /* freeable bytes of all processes of its pod */
	uint32_t pod_requests; /* memory request of its pod, in thousandths of RAM; 0: not known */
	enum place place;
	enum qos qos;
	int pid;
	int parent_pid;
	int group;   /* process group; 0: not known */
	int session; /* 0: not known */
	uint32_t uid;
	uint32_t threads;
	int oom_score_adj;
	bool kernel_thread;
	bool init;	/* the first process of a pid namespace: its death kills all others in it */
	bool oom_group; /* memory.oom.group of its cgroup is set */
	const char *comm;
	const char *cmdline; /* arguments joined by spaces */
	size_t cmdline_len;
	const char *exe;       /* path of its executable: /proc/PID/exe */
	const char *cgroup;    /* below the memory controller's root */
	const char *pod;       /* its pod's name */
	const char *pod_uid;   /* not NULL for a process in a pod */
	const char *namespace; /* of the pod */
	const char *container; /* its name in the pod */
};

/* Shared memory that no other process holds. */
static inline uint64_t candidate_sole_bytes(const struct candidate *c)
{
	uint64_t bytes = 0;

	for (int i = 0; i < CANDIDATE_SHARES; i++)
		if (c->shares[i].holders == 1)
			bytes += c->shares[i].bytes;
	return bytes;
}

/* What only this process holds, apart from shared memory. */
static inline uint64_t candidate_private_bytes(const struct candidate *c)
{
	return c->anon_bytes + c->swap_bytes + c->pgtables_bytes + c->locked_file_bytes;
}

/* What its death frees for certain. */
static inline uint64_t candidate_freeable_bytes(const struct candidate *c)
{
	return candidate_private_bytes(c) + candidate_sole_bytes(c);
}

#endif /* FASTOOM_JUDGE_CANDIDATE_H */
