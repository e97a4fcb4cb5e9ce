/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <string.h>

#include "base/util.h"
#include "sense/pod.h"
#include "unit/unit.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID   "1f2e3d4c-aaaa-bbbb-cccc-0123456789ab"
#define UID_  "1f2e3d4c_aaaa_bbbb_cccc_0123456789ab"
#define HASH  "d76e26fba3bf2bfd215eb29011d55250"
#define SLICE "kubepods.slice/"
#define BURST SLICE "kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice"
#define BEST  SLICE "kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice"
#define GUAR  SLICE "kubepods-pod" UID_ ".slice"

/* Paths of pods as kubelets, runtimes and nested nodes create them. */
static void test_pods(void **state)
{
	static const struct {
		const char *path, *pod, *uid, *container;
		enum qos qos;
	} rows[] = {
		/* systemd driver */
		{"/" BURST "/cri-containerd-" ID ".scope", "/" BURST, UID, ID, QOS_BURSTABLE},
		{"/" GUAR "/crio-" ID ".scope", "/" GUAR, UID, ID, QOS_GUARANTEED},
		{"/" GUAR "/crio-" ID ".scope/container", "/" GUAR, UID, ID, QOS_GUARANTEED},
		{"/" GUAR "/crio-conmon-" ID ".scope", "/" GUAR, UID, ID, QOS_GUARANTEED},
		{"/" BEST "/docker-" ID ".scope", "/" BEST, UID, ID, QOS_BESTEFFORT},
		{"/" BEST "/pouch-" ID ".scope", "/" BEST, UID, ID, QOS_BESTEFFORT},
		{"/" BEST, "/" BEST, UID, "", QOS_BESTEFFORT},
		{"/" BEST "/", "/" BEST, UID, "", QOS_BESTEFFORT},
		{BEST, BEST, UID, "", QOS_BESTEFFORT},
		/* cgroupfs driver */
		{"/kubepods/burstable/pod" UID "/" ID, "/kubepods/burstable/pod" UID, UID, ID,
		 QOS_BURSTABLE},
		{"/kubepods/besteffort/pod" UID "/" ID, "/kubepods/besteffort/pod" UID, UID, ID,
		 QOS_BESTEFFORT},
		{"/kubepods/besteffort/pod" HASH "/" ID, "/kubepods/besteffort/pod" HASH, HASH, ID,
		 QOS_BESTEFFORT},
		{"/kubepods/pod068e8fa0-9213-11e7-a01f-507b9d4141fa/crio-" ID,
		 "/kubepods/pod068e8fa0-9213-11e7-a01f-507b9d4141fa",
		 "068e8fa0-9213-11e7-a01f-507b9d4141fa", ID, QOS_GUARANTEED},
		{"/kubepods/pod" UID, "/kubepods/pod" UID, UID, "", QOS_GUARANTEED},
		/* nested nodes: kind, k3s, --cgroup-root */
		{"/docker/" ID
		 "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
		 "kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID ".scope",
		 "/docker/" ID
		 "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
		 "kubelet-kubepods-besteffort-pod" UID_ ".slice",
		 UID, ID, QOS_BESTEFFORT},
		{"/k3s/kubepods/burstable/pod" UID "/" ID, "/k3s/kubepods/burstable/pod" UID, UID,
		 ID, QOS_BURSTABLE},
		/* a node that runs in a pod: the inner pod is used */
		{"/kubepods/burstable/pod" HASH "/" ID "/kubelet/kubepods/besteffort/pod" UID
		 "/" ID,
		 "/kubepods/burstable/pod" HASH "/" ID "/kubelet/kubepods/besteffort/pod" UID, UID,
		 ID, QOS_BESTEFFORT},
		/* an unknown cgroup in the pod */
		{"/kubepods/pod" UID "/system.slice", "/kubepods/pod" UID, UID, "", QOS_GUARANTEED},
		{"/kubepods/pod" UID "/x" ID, "/kubepods/pod" UID, UID, "", QOS_GUARANTEED},
		/* the class is taken from the slice or the parent only */
		{"/burstable/kubepods/pod" UID "/" ID, "/burstable/kubepods/pod" UID, UID, ID,
		 QOS_GUARANTEED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pod_path pod;

		if (!pod_path_parse(rows[i].path, &pod))
			fail_msg("%s: in no pod", rows[i].path);
		assert_string_equal(pod.uid, rows[i].uid);
		assert_string_equal(pod.container, rows[i].container);
		assert_int_equal(pod.qos, rows[i].qos);
		assert_int_equal(pod.helper, strstr(rows[i].path, "conmon") != NULL);
		assert_int_equal(pod.pod_len, strlen(rows[i].pod));
		assert_memory_equal(rows[i].path, rows[i].pod, pod.pod_len);
	}
}

static void test_no_pods(void **state)
{
	static const char *const rows[] = {
		"",
		"/",
		"//",
		"/system.slice/containerd.service",
		"/system.slice/kubelet.service",
		"/podruntime/kubelet",
		"/kubepods",
		"/kubepods.slice/kubepods-burstable.slice",
		"/kubepods/burstable",
		/* a digit missing, a digit too many, not hex */
		"/kubepods/pod1f2e3d4c-aaaa-bbbb-cccc-0123456789a",
		"/kubepods/pod1f2e3d4c-aaaa-bbbb-cccc-0123456789abc",
		"/kubepods/pod1f2e3d4c-aaaa-bbbb_cccc-0123456789ab",
		"/kubepods/pod1F2E3D4C-aaaa-bbbb-cccc-0123456789ab",
		"/kubepods/podd76e26fba3bf2bfd215eb29011d5525",
		/* not the kubelet's */
		"/machine.slice/libpod-" ID ".scope",
		"/user.slice/pod" UID "/" ID,
		"/kubepods/xpod" UID,
		"/docker/" ID,
	};
	struct pod_path pod = {.uid = "same"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (pod_path_parse(rows[i], &pod))
			fail_msg("%s: pod %s", rows[i], pod.uid);
		assert_string_equal(pod.uid, "same");
	}
}

static void test_runtimes(void **state)
{
	static const struct {
		const char *path;
		bool is;
	} rows[] = {
		{"/system.slice/containerd.service", true},
		{"/system.slice/kubelet.service", true},
		{"/system.slice/crio.service", true},
		{"/system.slice/docker.service/x", true},
		{"/runtime.slice/containerd.service", true},
		{"/podruntime/kubelet", true},
		{"/docker/" ID "/system.slice/kubelet.service", true},
		{"/system.slice/nginx.service", false},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/containerd.service",
		 false},
		{"/containerd.service", false},
		{"/system.slice", false},
		{"/", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (pod_path_is_runtime(rows[i].path) != rows[i].is)
			fail_msg("%s", rows[i].path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pods),
		cmocka_unit_test(test_no_pods),
		cmocka_unit_test(test_runtimes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
