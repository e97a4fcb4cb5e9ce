// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * oom: the kernel's OOM killer chose a process: which one, what it holds, and the invoker.
 *
 * mark_victim fires twice for one victim of a limit, and once for each process that shares its
 * memory. User space tells them apart by process and start time. The task may be any thread of the
 * process: the first one that still has the memory, or a dying one that asks for memory.
 */
#include "emit.bpf.h"
#include "scope.bpf.h"
#include "rss.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/mark_victim")
int fo_kernel_kill(u64 *ctx)
{
	struct task_struct *victim = (struct task_struct *)ctx[0];
	struct task_struct *leader = victim->group_leader;
	struct fo_event_kill *event;
	struct mm_struct *mm = victim->mm;

	event = fo_emit_begin(FO_EVENT_KERNEL_KILL, sizeof(*event), fo_task_memcg(victim));
	if (!event)
		return 0;
	event->tgid = victim->tgid;
	event->start_boot_ns = leader->start_boottime;
	event->uid = victim->cred->uid.val;
	event->oom_score_adj = victim->signal->oom_score_adj;
	event->file_pages = fo_rss_pages(mm, FO_RSS_FILE);
	event->anon_pages = fo_rss_pages(mm, FO_RSS_ANON);
	event->swap_pages = fo_rss_pages(mm, FO_RSS_SWAP);
	event->shmem_pages = fo_rss_pages(mm, FO_RSS_SHMEM);
	event->pgtables_bytes = mm->pgtables_bytes.counter;
	event->total_vm_pages = mm->total_vm;
	event->invoker_tgid = bpf_get_current_pid_tgid() >> 32;
	fo_copy_comm(event->comm, leader->comm);
	bpf_get_current_comm(event->invoker_comm, sizeof(event->invoker_comm));
	fo_emit_end(event);
	return 0;
}
