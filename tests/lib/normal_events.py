#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""
normal_events.py EVENTS SNAPSHOTS LOG OUT FROM=TO...

Makes golden files of the output of one daemon. Replaces pids, times, and the ids of cgroups and incidents
by constants, and each text FROM, the path of a cgroup or a directory, by TO. Writes to the directory OUT
  events.jsonl      the records of these cgroups, and of no cgroup
  snapshot.json     the last snapshot in which the score rises and the next victim is known
  kernel-memcg.log  the lines of the log of the kernel about the first kernel_kill
"""
import datetime
import json
import re
import sys

BEGIN = datetime.datetime(2026, 11, 25, 3, 0, 0)
BEGIN_NS = 1_000_000_000_000  # of mono_ns and start_boot_ns

if len(sys.argv) < 5:
    print("usage: normal_events.py EVENTS SNAPSHOTS LOG OUT FROM=TO...", file=sys.stderr)
    sys.exit(2)
events, snapshots, log, out = sys.argv[1:5]
names = [pair.split("=", 1) for pair in sys.argv[5:]]
numbers = {"pid": {}, "id": {}, "scope": {}}


def number(kind, value, first):
    known = numbers[kind]
    return known.setdefault(value, first + len(known))


def read(path):
    """The objects of a file of JSON lines, with the texts replaced."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in names:
        text = text.replace(old, new)
    return [json.loads(line) for line in text.splitlines() if line]


def is_known(scope):
    return scope.get("path") in [new for _, new in names]


def settle_process(process):
    process["pid"] = number("pid", process["pid"], 801)
    if "start_boot_ns" in process:
        process["start_boot_ns"] += shift_ns
    return process


def settle(record):
    record["mono_ns"] += shift_ns
    since = datetime.timedelta(microseconds=(record["mono_ns"] - BEGIN_NS) // 1000)
    record["time"] = (BEGIN + since).isoformat(timespec="milliseconds") + "Z"
    if "scope" in record:
        record["scope"]["id"] = number("scope", record["scope"]["id"], 41)
    if "id" in record:
        record["id"] = number("id", record["id"], 8)
    for process in [record.get(key) for key in ("victim", "invoker", "asker")] + record.get("runners_up", []):
        if process:
            settle_process(process)
    return record


records = [record for record in read(events) if "scope" not in record or is_known(record["scope"])]
shift_ns = BEGIN_NS - records[0]["mono_ns"]
with open(f"{out}/events.jsonl", "w", encoding="utf-8") as file:
    for record in records:
        file.write(json.dumps(settle(record), separators=(",", ":"), ensure_ascii=False) + "\n")

last = [
    snapshot
    for snapshot in read(snapshots)
    if any("next_victim" in scope and scope["reason"] == "holding" for scope in snapshot["scopes"])
][-1]
last["scopes"] = [scope for scope in last["scopes"] if is_known(scope)]
for scope in last["scopes"]:
    scope["id"] = number("scope", scope["id"], 41)
    if "next_victim" in scope:
        settle_process(scope["next_victim"])
last["daemon"].update(pid=4711, started_mono_ns=1, config=None, events="EVENTS")
last.update(time=records[-1]["time"], mono_ns=1)
with open(f"{out}/snapshot.json", "w", encoding="utf-8") as file:
    json.dump(last, file, indent="\t", ensure_ascii=False)
    file.write("\n")

killed = next(record["victim"]["pid"] for record in records if record["event"] == "kernel_kill")
pid = next(old for old, new in numbers["pid"].items() if new == killed)
with open(log, encoding="utf-8") as file:
    text = file.read()
for old, new in names:
    text = text.replace(old, new)
report = []
for line in text.splitlines():
    if " invoked oom-killer: " in line:
        report = []
    # leaves out the lines that identify the machine
    if not re.search(r"CPU: |Hardware name:|RIP: |Code: |R[A-Z0-9]{2}: ", line):
        report.append(re.sub(rf"\b{pid}\b", str(killed), line))
    if f"oom_reaper: reaped process {pid} " in line:
        break
with open(f"{out}/kernel-memcg.log", "w", encoding="utf-8") as file:
    file.write("\n".join(report) + "\n")
