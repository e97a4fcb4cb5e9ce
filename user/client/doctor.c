// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include "client/doctor.h"

#include <unistd.h>

#include "base/exit.h"
#include "client/doctor_host.h"
#include "client/doctor_kernel.h"

void doctor_examine(struct doctor *ret)
{
	int err;

	*ret = (struct doctor){.root = geteuid() == 0};
	err = cgroup_host_open(&ret->host, "");
	doctor_check_kernel(ret);
	doctor_check_host(ret, err);
	if (!err)
		cgroup_host_close(&ret->host);
}

int doctor_verdict(const struct doctor *doctor)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_check *check = &doctor->checks[i];

		if (check->state == DOCTOR_MISSING && check->required)
			return EXIT_HOST;
		if (check->state != DOCTOR_OK)
			code = EXIT_FAILED;
	}
	return code;
}
