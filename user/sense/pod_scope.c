// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "sense/pod_scope.h"

#include "sense/pod.h"

struct scope_names scope_of_path(const char *path)
{
	struct scope_names names = {.path = path};
	struct pod_path pod;

	names.in_pod = pod_path_parse(path, &pod);
	if (names.in_pod)
		names.qos = pod.qos;
	return names;
}
