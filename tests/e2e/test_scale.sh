#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# A thousand cgroups, three hundred of them in pods: judging two hot cgroups costs as much as beside
# ten, and while none is hot the daemon does not wake up.
set -euo pipefail
cd -- "${BASH_SOURCE[0]%/*}/../.."
exec scripts/show-scale --check --seconds 3
