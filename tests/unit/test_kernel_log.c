// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/kernel_log.h"

static const char memcg[] =
	"[  10.1] my app invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=7\n"
	"[  10.2] memory: usage 98304kB, limit 98304kB, failcnt 5\n"
	"[  10.2] memory+swap: usage 98305kB, limit 98305kB, failcnt 0\n"
	"[  10.2] kmem: usage 256kB, limit 9007199254740988kB, failcnt 0\n"
	"[  10.3] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
	"oom_memcg=/a/b,task_memcg=/a/b/c,task=my app,pid=12,uid=3\n"
	"[  10.4] Memory cgroup out of memory: Killed process 12 (my app) total-vm:300kB, "
	"anon-rss:200kB, file-rss:20kB, shmem-rss:2kB, UID:3 pgtables:40kB oom_score_adj:-5\n"
	"[  10.5] oom_reaper: reaped process 12 (my app), now anon-rss:1kB, file-rss:9kB, "
	"shmem-rss:2kB\n";

static const char node[] =
	"java invoked oom-killer: gfp_mask=0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO), order=3, "
	"oom_score_adj=0\n"
	"Mem-Info:\n"
	"Node 0 DMA free:15360kB boost:0kB min:120kB low:148kB high:176kB\n"
	"Node 0 Normal free:90000kB boost:0kB min:50000kB low:60000kB high:70000kB\n"
	"Free swap  = 4kB\n"
	"Total swap = 1024kB\n"
	"oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
	"task_memcg=/x,task=java,pid=77,uid=0\n"
	"Out of memory (oom_kill_allocating_task): Killed process 77 (java) total-vm:9kB, "
	"anon-rss:8kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n";

static void test_memcg(void **state)
{
	struct oom_report report;

	(void)state;
	assert_int_equal(kernel_log_find(memcg, 0, &report), 0);
	assert_string_equal(report.invoker, "my app");
	assert_string_equal(report.gfp, "GFP_KERNEL");
	assert_int_equal(report.order, 0);
	assert_int_equal(report.invoker_adj, 7);
	assert_int_equal(report.constraint, OOM_MEMCG);
	assert_string_equal(report.limit_path, "/a/b");
	assert_int_equal(report.usage_kb, 98304);
	assert_int_equal(report.limit_kb, 98304);
	assert_int_equal(report.pid, 12);
	assert_string_equal(report.comm, "my app");
	assert_int_equal(report.uid, 3);
	assert_int_equal(report.total_vm_kb, 300);
	assert_int_equal(report.anon_kb, 200);
	assert_int_equal(report.file_kb, 20);
	assert_int_equal(report.shmem_kb, 2);
	assert_int_equal(report.pgtables_kb, 40);
	assert_int_equal(report.oom_score_adj, -5);
	assert_true(report.reaped);
	assert_int_equal(report.left_kb, 3);
	assert_false(report.group);
}

static void test_which(void **state)
{
	struct oom_report report;
	char both[sizeof(memcg) + sizeof(node)];

	(void)state;
	strcpy(both, memcg);
	strcat(both, node);
	assert_int_equal(kernel_log_find(both, 0, &report), 0);
	assert_int_equal(report.pid, 77);
	/* nothing of the other report */
	assert_false(report.reaped);
	assert_string_equal(report.limit_path, "");
	assert_int_equal(report.limit_kb, 0);
	assert_true(report.allocating_task);
	assert_string_equal(report.comm, "java");
	assert_int_equal(report.swap_total_kb, 1024);
	assert_int_equal(report.swap_free_kb, 4);
	assert_int_equal(kernel_log_find(both, 12, &report), 0);
	assert_true(report.reaped);
	assert_int_equal(kernel_log_find(both, 13, &report), -ENODATA);
	assert_int_equal(kernel_log_find("", 0, &report), -ENODATA);
	/* the log has the end of the report only */
	assert_int_equal(kernel_log_find(strstr(memcg, "[  10.4]"), 0, &report), 0);
	assert_string_equal(report.invoker, "");
	assert_int_equal(report.constraint, OOM_UNKNOWN);
}

static void test_prefixes(void **state)
{
	static const char *const prefixes[] = {"",
					       "[  1.2] ",
					       "<4>[  1.2] ",
					       "Nov 25 03:42:00 host kernel: ",
					       "Nov 25 03:42:00 host kernel: [  1.2] ",
					       "4,427,5563574173,-;"};
	struct oom_report report;
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		snprintf(text, sizeof(text),
			 "%stmux: server invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
			 "oom_score_adj=0\nOut of memory: Killed process 5 (x) total-vm:1kB\n",
			 prefixes[i]);
		assert_int_equal(kernel_log_find(text, 0, &report), 0);
		assert_string_equal(report.invoker, "tmux: server");
	}
}

static void test_cause(void **state)
{
	struct oom_report report;

	(void)state;
	assert_int_equal(kernel_log_find(memcg, 0, &report), 0);
	assert_int_equal(kernel_log_cause(&report, 0.3), OOM_LEAK);
	assert_int_equal(kernel_log_cause(&report, 0.02), OOM_LIMIT_LOW);
	assert_int_equal(kernel_log_cause(&report, -1), OOM_LIMIT_LOW);
	report.constraint = OOM_CPUSET;
	assert_int_equal(kernel_log_cause(&report, 0.3), OOM_NUMA);
	assert_int_equal(kernel_log_find(node, 0, &report), 0);
	/* 105360 kB free, min watermarks of 50120 kB */
	assert_int_equal(kernel_log_cause(&report, 0.3), OOM_CONTIGUOUS);
	report.free_kb = 40000;
	assert_int_equal(kernel_log_cause(&report, 0.3), OOM_LEAK);
	assert_int_equal(kernel_log_cause(&report, 0), OOM_EXHAUSTED);
	report.order = 0;
	report.free_kb = 90000;
	assert_int_equal(kernel_log_cause(&report, 0), OOM_EXHAUSTED);
}

static void test_gfp(void **state)
{
	char buf[400];

	(void)state;
	assert_string_equal(kernel_log_gfp_words(buf, sizeof(buf), "GFP_KERNEL|__GFP_ZERO"),
			    "may sleep and reclaim; zeroed");
	/* a flag without words keeps its name; what does not fit is left out */
	assert_string_equal(kernel_log_gfp_words(buf, sizeof(buf), "__GFP_NEW"), "__GFP_NEW");
	assert_string_equal(kernel_log_gfp_words(buf, 10, "__GFP_NEW|__GFP_ZERO"), "__GFP_NEW");
	assert_string_equal(kernel_log_gfp_words(buf, sizeof(buf), ""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memcg),	 cmocka_unit_test(test_which),
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_cause),
		cmocka_unit_test(test_gfp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
