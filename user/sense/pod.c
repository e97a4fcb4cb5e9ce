// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/pod.h"

#include <string.h>

#include "base/util.h"

#define STATIC_UID_LEN 32
#define API_UID_LEN    36
#define ID_LEN	       64

/* One component of a path; not terminated. */
struct part {
	const char *text;
	size_t len;
};

static bool is_hex(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
			return false;
	return true;
}

static bool part_ends(struct part part, const char *end)
{
	size_t len = strlen(end);

	return part.len >= len && !memcmp(part.text + part.len - len, end, len);
}

static bool part_is(struct part part, const char *text)
{
	return part.len == strlen(text) && !memcmp(part.text, text, part.len);
}

static struct part part_without(struct part part, const char *end)
{
	if (part_ends(part, end))
		part.len -= strlen(end);
	return part;
}

/* The component that ends at @end, the end of @path or a slash. False: there is none. */
static bool part_before(const char *path, const char *end, struct part *ret)
{
	const char *start;

	while (end > path && end[-1] == '/')
		end--;
	if (end == path)
		return false;
	start = end;
	while (start > path && start[-1] != '/')
		start--;
	*ret = (struct part){start, (size_t)(end - start)};
	return true;
}

/* 8-4-4-4-12 hex digits with dashes, or with underscores as in the name of a slice. */
static bool is_api_uid(const char *text)
{
	static const unsigned groups[] = {8, 4, 4, 4, 12};
	char dash = text[8];

	if (dash != '-' && dash != '_')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!is_hex(text, groups[i]))
			return false;
		text += groups[i];
		if (i + 1 < ARRAY_SIZE(groups) && *text++ != dash)
			return false;
	}
	return true;
}

/* "podUID" or "...-podUID.slice"; *ret_front: the text before "pod". */
static bool parse_uid(struct part part, char *ret_uid, struct part *ret_front)
{
	size_t len = 0;

	part = part_without(part, ".slice");
	if (part.len >= 3 + API_UID_LEN && is_api_uid(part.text + part.len - API_UID_LEN))
		len = API_UID_LEN;
	else if (part.len >= 3 + STATIC_UID_LEN &&
		 is_hex(part.text + part.len - STATIC_UID_LEN, STATIC_UID_LEN))
		len = STATIC_UID_LEN;
	if (!len || memcmp(part.text + part.len - len - 3, "pod", 3) != 0)
		return false;
	*ret_front = (struct part){part.text, part.len - len - 3};
	if (ret_front->len && !part_ends(*ret_front, "-"))
		return false; /* podman's "libpod-..." is not a pod */
	memcpy(ret_uid, part.text + part.len - len, len);
	ret_uid[len] = '\0';
	for (char *p = ret_uid; *p; p++)
		if (*p == '_')
			*p = '-';
	return true;
}

static bool contains(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

/* The class is part of the slice's name, or the parent directory of the pod's cgroup. */
static enum qos qos_of(struct part front, struct part above)
{
	above = part_without(above, ".slice");
	if (part_ends(front, "burstable-") || part_ends(above, "burstable"))
		return QOS_BURSTABLE;
	if (part_ends(front, "besteffort-") || part_ends(above, "besteffort"))
		return QOS_BESTEFFORT;
	return QOS_GUARANTEED;
}

/* "ID", "RUNTIME-ID", "RUNTIME-ID.scope" */
static void parse_container(struct part part, struct pod_path *ret)
{
	struct part front;

	part = part_without(part, ".scope");
	if (part.len < ID_LEN || !is_hex(part.text + part.len - ID_LEN, ID_LEN))
		return;
	front = (struct part){part.text, part.len - ID_LEN};
	if (front.len && !part_ends(front, "-"))
		return;
	memcpy(ret->container, part.text + front.len, ID_LEN);
	ret->container[ID_LEN] = '\0';
	ret->helper = part_ends(front, "conmon-");
}

bool pod_path_parse(const char *path, struct pod_path *ret)
{
	struct part part = {path + strlen(path), 0}, below = {0}, above = {0}, front;
	struct pod_path pod = {0};

	while (part_before(path, part.text, &part)) {
		/* the kubelet creates all pods below a cgroup with this name */
		if (parse_uid(part, pod.uid, &front) &&
		    contains(path, (size_t)(part.text + part.len - path), "kubepods")) {
			(void)part_before(path, part.text, &above);
			pod.qos = qos_of(front, above);
			pod.pod_len = (size_t)(part.text + part.len - path);
			if (below.len)
				parse_container(below, &pod);
			*ret = pod;
			return true;
		}
		below = part;
	}
	return false;
}

bool pod_path_is_runtime(const char *path)
{
	/* unit and cgroup names used by distributions and by the projects */
	static const char *const services[] = {
		"containerd.service",
		"docker.service",
		"crio.service",
		"cri-o.service",
		"cri-docker.service",
		"kubelet.service",
		"k3s.service",
		"k3s-agent.service",
		"rke2-server.service",
		"rke2-agent.service",
		"k0sworker.service",
		"k0scontroller.service",
		"containerd",
		"kubelet",
		"cri",
	};
	struct part part = {path + strlen(path), 0}, below = {0};

	while (part_before(path, part.text, &part)) {
		/* a user's unit may have the same name, but not in one of these slices */
		if (part_is(part, "system.slice") || part_is(part, "runtime.slice") ||
		    part_is(part, "podruntime"))
			for (size_t i = 0; i < ARRAY_SIZE(services); i++)
				if (below.len && part_is(below, services[i]))
					return true;
		below = part;
	}
	return false;
}
