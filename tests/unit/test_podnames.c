/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The index of names, from trees of files as the kubelet, containerd and CRI-O create them. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "base/worker.h"
#include "sense/cgroup_cache.h"
#include "sense/podnames.h"
#include "unit/unit.h"

#define ID(c)	       c c c c c c c c c c c c c c c c /* of 4 */
#define A	       ID("aaaa")
#define B	       ID("bbbb")
#define C	       ID("cccc")
#define D	       ID("dddd")
#define UID1	       "11111111-aaaa-bbbb-cccc-0123456789ab"
#define UID2	       "22222222-aaaa-bbbb-cccc-0123456789ab"
#define HASH	       "d76e26fba3bf2bfd215eb29011d55250"
#define CONTAINERD     "/run/containerd/io.containerd.runtime.v2.task/k8s.io"
#define CRIO	       "/run/containers/storage/overlay-containers"
#define LOG_CONTAINERS "/var/log/containers"

static char root[64];

static void make_folder(const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(full, 0755);
	}
	mkdir(full, 0755);
}

static void make_file(const char *folder, const char *name, const char *text)
{
	char full[PATH_MAX];
	int fd;

	make_folder(folder);
	snprintf(full, sizeof(full), "%s%s/%s", root, folder, name);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int begin(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/fo-podnames-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf -- '%s'", root);
	return system(command);
}

static void check_pod(struct podnames *names, const char *uid, const char *namespace,
		      const char *pod)
{
	struct pod_name name;

	if (!podnames_pod(names, uid, &name))
		fail_msg("%s is not known", uid);
	assert_string_equal(name.namespace, namespace);
	assert_string_equal(name.pod, pod);
}

static void test_logs(void **state)
{
	struct container_name container;
	struct podnames *names;
	struct pod_name pod;

	(void)state;
	make_folder("/var/log/pods/default_web-7d4b9_" UID1);
	make_folder("/var/log/pods/kube-system_etcd-node_" HASH);
	make_folder("/var/log/pods/no-underscores");
	make_folder("/var/log/pods/a_b_c_d");
	make_folder("/var/log/pods/a_b_0123456789012345678901234567890123456789");
	make_file(LOG_CONTAINERS, "web-7d4b9_default_nginx-" A ".log", "");
	make_file(LOG_CONTAINERS, "web-7d4b9_default_" A ".log", "");
	make_file(LOG_CONTAINERS, "web-7d4b9_default_side-car-" B, "");
	make_file(LOG_CONTAINERS, ".log", "");
	assert_int_equal(podnames_new(&names, root, NULL), 0);
	assert_false(podnames_pod(names, UID1, &pod));
	assert_true(podnames_turn(names, SEC));
	check_pod(names, UID1, "default", "web-7d4b9");
	check_pod(names, HASH, "kube-system", "etcd-node");
	assert_false(podnames_pod(names, UID2, &pod));
	assert_true(podnames_container(names, A, &container));
	assert_string_equal(container.container, "nginx");
	assert_string_equal(container.pod.pod, "web-7d4b9");
	assert_string_equal(container.pod.namespace, "default");
	assert_false(container.sandbox);
	assert_false(podnames_container(names, B, &container));
	assert_int_equal(podnames_overflow(names), 0);
	podnames_free(names);
}

/*
 * Entries that the kubelet does not create: names with control characters, escape sequences,
 * invalid UTF-8 or capitals, empty names, links and files instead of directories. A pod with two
 * names has none.
 */
static void test_hostile_logs(void **state)
{
	static const char *const strange[] = {
		"default_web\n_" UID1,
		"default_we\033[31mb_" UID1,
		"default_we\xff\xfe_" UID1,
		"default_WEB_" UID1,
		"_web_" UID1,
		"default__" UID1,
		"default_we b_" UID1,
		"../default_web_" UID1,
	};
	char full[PATH_MAX], long_name[256];
	struct podnames *names;
	struct pod_name pod;

	(void)state;
	make_folder("/var/log/pods");
	for (size_t i = 0; i < ARRAY_SIZE(strange); i++) {
		snprintf(full, sizeof(full), "/var/log/pods/%s", strange[i]);
		make_folder(full);
	}
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	memcpy(long_name, "default_", 8);
	snprintf(long_name + 200, sizeof(long_name) - 200, "_%s", UID2);
	snprintf(full, sizeof(full), "/var/log/pods/%s", long_name);
	make_folder(full);
	/* a link to another directory, and a file */
	make_folder("/elsewhere");
	snprintf(full, sizeof(full), "%s/var/log/pods/default_linked_" UID1, root);
	assert_int_equal(symlink("/elsewhere", full), 0);
	make_file("/var/log/pods", "default_file_" UID1, "");
	/* a pod with two names */
	make_folder("/var/log/pods/default_web_" HASH);
	make_folder("/var/log/pods/kube-system_etcd_" HASH);
	assert_int_equal(podnames_new(&names, root, NULL), 0);
	assert_false(podnames_pod(names, UID1, &pod));
	assert_true(podnames_turn(names, SEC));
	assert_false(podnames_pod(names, UID1, &pod));
	assert_false(podnames_pod(names, HASH, &pod));
	/* a long valid name */
	assert_true(podnames_pod(names, UID2, &pod));
	assert_int_equal(strlen(pod.pod), 192);
	podnames_free(names);
}

/* The same for containers. One with two names in the logs has the name that its runtime gives. */
static void test_hostile_containers(void **state)
{
	struct container_name container;
	struct podnames *names;

	(void)state;
	make_file(LOG_CONTAINERS, "web\n_default_nginx-" A ".log", "");
	make_file(LOG_CONTAINERS, "web_default_ng\033[31minx-" A ".log", "");
	make_file(LOG_CONTAINERS, "web_de\xff\xfe_nginx-" A ".log", "");
	make_file(LOG_CONTAINERS, "_default_nginx-" A ".log", "");
	make_file(LOG_CONTAINERS, "web_default_a_b-" A ".log", "");
	make_file(LOG_CONTAINERS, "web_default_nginx-" B ".log", "");
	make_file(LOG_CONTAINERS, "etcd_kube-system_etcd-" B ".log", "");
	make_file(LOG_CONTAINERS, "web_default_nginx-" C ".log", "");
	make_file(LOG_CONTAINERS, "etcd_kube-system_etcd-" C ".log", "");
	make_file(LOG_CONTAINERS, "web_default_side-" D ".log", "");
	make_file(CONTAINERD "/" C, "config.json",
		  "{\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\","
		  "\"io.kubernetes.cri.sandbox-name\":\"db\","
		  "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}");
	assert_int_equal(podnames_new(&names, root, NULL), 0);
	assert_true(podnames_turn(names, SEC));
	assert_false(podnames_container(names, A, &container));
	assert_false(podnames_container(names, B, &container));
	assert_true(podnames_container(names, C, &container));
	assert_true(container.sandbox);
	assert_string_equal(container.pod.pod, "db");
	assert_true(podnames_container(names, D, &container));
	assert_string_equal(container.container, "side");
	podnames_free(names);
}

/* Without logs, from the state of the runtimes. Names in a container's environment are ignored. */
static void test_runtimes(void **state)
{
	struct container_name container;
	struct podnames *names;

	(void)state;
	make_file(CONTAINERD "/" A, "config.json",
		  "{\"ociVersion\":\"1.0.2\",\"process\":{\"env\":["
		  "\"X={\\\"io.kubernetes.cri.sandbox-name\\\":\\\"evil\\\"}\"]},\"annotations\":{"
		  "\"io.kubernetes.cri.container-name\":\"nginx\","
		  "\"io.kubernetes.cri.container-type\":\"container\","
		  "\"io.kubernetes.cri.sandbox-id\":\"" B "\","
		  "\"io.kubernetes.cri.sandbox-name\":\"web\","
		  "\"io.kubernetes.cri.sandbox-namespace\":\"prod\","
		  "\"io.kubernetes.cri.sandbox-uid\":\"" UID1 "\"}}");
	make_file(CONTAINERD "/" B, "config.json",
		  "{\"annotations\": {\n  \"io.kubernetes.cri.container-type\" : \"sandbox\",\n"
		  "  \"io.kubernetes.cri.sandbox-name\" : \"web\",\n"
		  "  \"io.kubernetes.cri.sandbox-namespace\" : \"prod\",\n"
		  "  \"io.kubernetes.cri.sandbox-uid\" : \"" UID1 "\"\n}}");
	make_file(CRIO "/" C "/userdata", "config.json",
		  "{\"annotations\":{\"io.kubernetes.cri-o.ContainerType\":\"container\","
		  "\"io.kubernetes.pod.name\":\"db\",\"io.kubernetes.pod.namespace\":\"data\","
		  "\"io.kubernetes.pod.uid\":\"" UID2
		  "\",\"io.kubernetes.container.name\":\"pg\"}}");
	make_file(CONTAINERD "/" D, "config.json", "{ \"annotations\": { \"io.kub");
	make_file(CONTAINERD "/plain", "config.json", "{}");
	make_folder(CONTAINERD "/" ID("0000"));
	assert_int_equal(podnames_new(&names, root, NULL), 0);
	assert_true(podnames_turn(names, SEC));
	check_pod(names, UID1, "prod", "web");
	check_pod(names, UID2, "data", "db");
	assert_true(podnames_container(names, A, &container));
	assert_string_equal(container.container, "nginx");
	assert_string_equal(container.pod.pod, "web");
	assert_false(container.sandbox);
	assert_true(podnames_container(names, B, &container));
	assert_true(container.sandbox);
	assert_null(container.container);
	assert_true(podnames_container(names, C, &container));
	assert_string_equal(container.container, "pg");
	assert_false(podnames_container(names, D, &container));
	podnames_free(names);
}

/* inotify reports changes; the index changes in podnames_turn() only; removed names are removed. */
static void test_changes(void **state)
{
	struct podnames *names;
	struct pollfd poll_fd;
	struct pod_name pod;
	char path[PATH_MAX];

	(void)state;
	make_folder("/var/log/pods/default_one_" UID1);
	assert_int_equal(podnames_new(&names, root, NULL), 0);
	assert_true(podnames_turn(names, SEC));
	assert_false(podnames_turn(names, 2 * SEC));
	poll_fd = (struct pollfd){.fd = podnames_fd(names), .events = POLLIN};
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	make_folder("/var/log/pods/default_two_" UID2);
	assert_int_equal(poll(&poll_fd, 1, 1000), 1);
	podnames_drain(names);
	assert_false(podnames_pod(names, UID2, &pod));
	assert_true(podnames_turn(names, 3 * SEC));
	check_pod(names, UID2, "default", "two");
	check_pod(names, UID1, "default", "one");
	snprintf(path, sizeof(path), "%s/var/log/pods/default_one_" UID1, root);
	assert_int_equal(rmdir(path), 0);
	podnames_drain(names);
	assert_true(podnames_turn(names, 4 * SEC));
	assert_false(podnames_pod(names, UID1, &pod));
	/* a failed lookup starts another scan, but not at once */
	assert_false(podnames_turn(names, 4 * SEC + 1));
	assert_true(podnames_turn(names, 6 * SEC));
	podnames_free(names);
}

/* Kubernetes is installed later: there is nothing to watch yet, a failed lookup starts a scan. */
static void test_late(void **state)
{
	struct podnames *names;
	struct pod_name pod;

	(void)state;
	assert_int_equal(podnames_new(&names, root, NULL), 0);
	assert_true(podnames_turn(names, 10 * SEC));
	make_folder("/var/log/pods/default_one_" UID1);
	assert_false(podnames_turn(names, 20 * SEC));
	assert_false(podnames_pod(names, UID1, &pod));
	assert_true(podnames_turn(names, 30 * SEC));
	check_pod(names, UID1, "default", "one");
	podnames_free(names);
}

static void test_by_worker(void **state)
{
	struct podnames *names;
	struct worker *worker;

	(void)state;
	make_folder("/var/log/pods/default_one_" UID1);
	assert_int_equal(worker_start(&worker, "x", 64, 8), 0);
	assert_int_equal(podnames_new(&names, root, worker), 0);
	assert_false(podnames_turn(names, SEC));
	assert_true(worker_stop(worker, SEC));
	assert_true(podnames_turn(names, 2 * SEC));
	check_pod(names, UID1, "default", "one");
	podnames_free(names);
}

/* Entries beyond the limits are counted, the others are found. */
static void test_many(void **state)
{
	struct podnames *names;
	char path[256];
	size_t found = 0;

	(void)state;
	for (int i = 0; i < 1030; i++) {
		snprintf(path, sizeof(path), "/var/log/pods/ns_pod-%d_%032x", i, i);
		make_folder(path);
	}
	assert_int_equal(podnames_new(&names, root, NULL), 0);
	assert_true(podnames_turn(names, SEC));
	assert_int_equal(podnames_overflow(names), 6);
	for (int i = 0; i < 1030; i++) {
		struct pod_name pod;

		snprintf(path, sizeof(path), "%032x", i);
		found += podnames_pod(names, path, &pod);
	}
	assert_int_equal(found, 1024);
	podnames_free(names);
}

static void test_annotation(void **state)
{
	char value[8];

	(void)state;
	assert_true(podnames_annotation("{\"k\":\"v\"}", "k", value, sizeof(value)));
	assert_string_equal(value, "v");
	assert_true(podnames_annotation("{\"k\" :\n\t\"\"}", "k", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_true(podnames_annotation("[\"k\",\"k\":\"7654321\"", "k", value, sizeof(value)));
	assert_string_equal(value, "7654321");
	assert_false(podnames_annotation("{\"k\":\"87654321\"}", "k", value, sizeof(value)));
	assert_false(podnames_annotation("{\"k\":\"a\\\"b\"}", "k", value, sizeof(value)));
	assert_false(podnames_annotation("{\"k\":1}", "k", value, sizeof(value)));
	assert_false(podnames_annotation("{\"xk\":\"v\"}", "k", value, sizeof(value)));
	assert_false(podnames_annotation("{\"kx\":\"v\"}", "k", value, sizeof(value)));
	assert_false(podnames_annotation("{\\\"k\":\"v\"}", "k", value, sizeof(value)));
	assert_false(podnames_annotation("k\":\"v\"", "k", value, sizeof(value)));
	assert_false(podnames_annotation("{\"k\":\"v", "k", value, sizeof(value)));
	assert_false(podnames_annotation("{\"k\"", "k", value, sizeof(value)));
	assert_false(podnames_annotation("", "k", value, sizeof(value)));
}

/* Place and names from path and index. */
static void test_cgroup_cache(void **state)
{
	static const char front[] = "/kubepods/burstable/pod" UID1 "/";
	struct podnames *names;
	struct place_info info;
	struct pod_path pod;
	char path[256];

	(void)state;
	make_folder("/var/log/pods/default_web_" UID1);
	make_file(LOG_CONTAINERS, "web_default_nginx-" A ".log", "");
	make_file(CONTAINERD "/" B, "config.json",
		  "{\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\"}}");
	assert_int_equal(podnames_new(&names, root, NULL), 0);
	assert_true(podnames_turn(names, SEC));

	snprintf(path, sizeof(path), "%s" A, front);
	place_of_path(path, names, &pod, &info);
	assert_int_equal(info.place, PLACE_POD);
	assert_int_equal(info.qos, QOS_BURSTABLE);
	assert_string_equal(info.pod, "web");
	assert_string_equal(info.namespace, "default");
	assert_string_equal(info.container, "nginx");
	assert_string_equal(info.pod_uid, UID1);

	snprintf(path, sizeof(path), "%s" B, front);
	place_of_path(path, names, &pod, &info);
	assert_int_equal(info.place, PLACE_SANDBOX);
	assert_string_equal(info.pod, "web");
	assert_null(info.container);

	/* the names are not known, but the pod is */
	place_of_path("/kubepods/besteffort/pod" UID2 "/" C, names, &pod, &info);
	assert_int_equal(info.place, PLACE_POD);
	assert_int_equal(info.qos, QOS_BESTEFFORT);
	assert_null(info.pod);
	assert_null(info.container);
	assert_string_equal(info.pod_uid, UID2);

	place_of_path("/kubepods/pod" UID2 "/crio-conmon-" C, names, &pod, &info);
	assert_int_equal(info.place, PLACE_SANDBOX);
	place_of_path("/system.slice/crio.service", names, &pod, &info);
	assert_int_equal(info.place, PLACE_RUNTIME);
	place_of_path("/system.slice/nginx.service", names, &pod, &info);
	assert_int_equal(info.place, PLACE_HOST);
	assert_int_equal(info.qos, QOS_NONE);
	assert_null(info.pod_uid);
	podnames_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_logs, begin, end),
		cmocka_unit_test_setup_teardown(test_hostile_logs, begin, end),
		cmocka_unit_test_setup_teardown(test_hostile_containers, begin, end),
		cmocka_unit_test_setup_teardown(test_runtimes, begin, end),
		cmocka_unit_test_setup_teardown(test_changes, begin, end),
		cmocka_unit_test_setup_teardown(test_late, begin, end),
		cmocka_unit_test_setup_teardown(test_by_worker, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
		cmocka_unit_test_setup_teardown(test_cgroup_cache, begin, end),
		cmocka_unit_test(test_annotation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
