#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# scripts/show-livelock shortened: two runs of each access pattern, and 15 s without the daemon.
set -euo pipefail

exec "${BASH_SOURCE[0]%/*}/../../scripts/show-livelock" --runs 2 --wait 15
