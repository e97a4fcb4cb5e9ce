#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""
corpus.py list | random | real | pack PATH DIR SCOPE KEY VALUE...

The corpus of tests/corpus: its runs, their labels, and what replay prints of them. scripts/fit-model and
scripts/judge-report import it. list prints every run with its label and counts, random and real do so for those of
scripts/random-runs and scripts/real-runs; pack makes PATH.fo and PATH.json of the files that a run left in DIR.

A label is made of the work of a canary (a service with a small mapped working set, which reports its
requests) and of the time of a kill by the kernel. Nothing that fastoom-bpf measures is part of it.
Harm is a time in which the canary does little of its healthy work.

  near-oom  harm that did not end by itself: it lasted for LASTING_S or more, or a kill by the kernel ended
            it after PASSING_S or later
  benign    no harm, or harm that ended by itself within PASSING_S
  passing   harm that ended by itself, but later than that: neither a kill nor its absence is wrong
  kernel    the kernel killed within PASSING_S of the onset of harm, or without harm: memory was exhausted
            before it was nearly exhausted
  cut       the run ended during harm that had lasted for less than LASTING_S
  slowed    (random runs) as benign, but a bystander did less than half of its work for PASSING_S or more:
            neither a kill nor its absence is wrong
"""
import atexit
import bisect
import csv
import functools
import itertools
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
CORPUS = os.path.join(HERE, "tests", "corpus")
# Runs of today's traces, which have what each process lost; those of CORPUS itself do not.
PROCESSES = os.path.join(CORPUS, "processes")
RANDOM = os.path.join(CORPUS, "random")
REAL = os.path.join(CORPUS, "real")
BUILD = os.environ.get("O", "build")
BUILD = BUILD if os.path.isabs(BUILD) else os.path.join(HERE, BUILD)

# Harm: for a second, the canary does less than a tenth of its healthy work. It ends when for a second the
# canary does a quarter of it: not all, since others may use the processor by then.
HARM, WELL, SPAN_MS = 0.1, 0.25, 1000
HEALTHY_MS, HEALTHY_RANDOM_MS = 2000, 4000
# `medium` must act within this; harm that ends sooner needs no kill.
PASSING_S = 3.0
# Three times that, and longer than the timeout of a client; a livelock does not end by itself.
LASTING_S = 10.0

# The horizon of a risk: the probability of harm within this time.
HORIZON_S = 2.0

# From worst to best.
LABELS = ("near-oom", "passing", "cut", "kernel", "slowed", "benign")

PEERS = ("ms", "total", "available", "swap_total", "swap_free", "psi_full_avg10", "refaults", "file_lru")


def number(text):
    return None if text == "-" else float(text) if "." in text else int(text)


def part_of(seed):
    """Which part of the random runs a seed is in. Nobody looks at the test part until the end."""
    return "test" if seed % 2 else "fit"


# ---- making runs ---------------------------------------------------------------------------------


class Void(Exception):
    """A run that cannot be judged."""


def read_peers(directory):
    with open(os.path.join(directory, "peers")) as file:
        peers = [[number(word) for word in row] for row in csv.reader(file, delimiter="\t")]
    return [row for row in peers if len(row) == len(PEERS)]


def read_report(path):
    with open(path) as file:
        rows = [[int(word) for word in line.split()] for line in file]
    return [row for row in rows if len(row) == 2]


def trim(source, target, scope, without=()):
    subprocess.run([os.path.join(BUILD, "tests/tools/fo-trim"), source, target, scope, "scope",
                    os.path.join(CORPUS, "corpus.yaml"), *without], check=True)


def pack(path, directory, scope, pairs):
    meta = dict(zip(pairs[::2], pairs[1::2]))
    meta = {key: int(value) if value.isdigit() else value for key, value in meta.items()}
    kernel_kill_ms = None
    for line in open(os.path.join(directory, "meta")):
        key, _, value = line.strip().partition(" ")
        if key in ("trouble_ms", "end_ms"):
            meta[key] = int(value)
        elif key == "kernel_kill_ms" and kernel_kill_ms is None:
            kernel_kill_ms = int(value)
    meta["kernel_kill_ms"] = kernel_kill_ms
    meta["scope"] = "node" if scope == "node" else "cgroup"
    meta["peers"] = read_peers(directory)
    meta["canary"] = read_report(os.path.join(directory, "service"))
    trim(os.path.join(directory, "trace.fo"), path + ".fo", scope)
    head = subprocess.run([os.path.join(BUILD, "fastoom-bpf"), "replay", path + ".fo", "--json"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
    meta["kernel"] = json.loads(head)["kernel"]
    with open(path + ".json", "w") as file:
        text = json.dumps(meta, separators=(",", ":"))
        file.write(text.replace('"peers"', '\n"peers"').replace('"canary"', '\n"canary"') + "\n")
    run = Run(os.path.basename(path))
    print(run.line(), flush=True)


def pack_random(name, directory, seed, host, run):
    """Makes the trace and the label of a random run of what tests/load/runs.sh left in @directory."""
    meta = {"died": {}, "roles": [], "kernel_kills": []}
    if not os.path.exists(os.path.join(directory, "meta")):
        raise Void("not run")
    with open(os.path.join(directory, "meta")) as file:
        for key, _, value in (line.strip().partition(" ") for line in file):
            words = value.split()
            if key == "void":
                raise Void(value)
            if key == "role":
                meta["roles"].append({"role": words[0], "name": words[1], "pid": int(words[2]), "ms": int(words[3]),
                                      "command": " ".join(words[4:])})
            elif key == "died":
                meta["died"][int(words[1])] = int(words[2])
            elif key == "kernel_kills":
                meta["kernel_kills"].append([int(words[0]), int(words[1])])
            else:
                meta[key] = int(value) if value.isdigit() else value
    if "end_ms" not in meta:
        raise Void("it did not end")
    for role in meta["roles"]:
        role["died_ms"] = meta["died"].get(role["pid"])
    kernel_s = meta["kernel_kills"][0][0] / 1e3 if meta["kernel_kills"] else None
    with open(os.path.join(directory, "kernel"), errors="replace") as file:
        kernel = file.read()
    box = meta["scope"] if meta["scope"] != "node" else ""
    victims = re.findall(rf"task_memcg={re.escape(box)}\S*?,task=(.*?),pid=(\d+)" if box else
                         r"Killed process (\d+) \((.*?)\)", kernel)
    victims = [[int(pid), comm] for comm, pid in (victims if box else [(b, a) for a, b in victims])]
    bystanders = []
    for role in meta["roles"]:
        if role["role"] != "service":
            continue
        series = Series(read_report(os.path.join(directory, "service." + role["name"])))
        begin, end = meta["trouble_ms"] - HEALTHY_RANDOM_MS, meta["trouble_ms"]
        healthy = series.work(begin, end)
        if not healthy or any((series.work(t, t + SPAN_MS) or 0) < WELL * healthy
                              for t in range(begin, end - SPAN_MS + 1, 250)):
            raise Void(f"{role['name']} was not healthy before the trouble")
        shares = [(series.work(t, t + SPAN_MS) or 0) / healthy
                  for t in range(meta["trouble_ms"], meta["end_ms"] - SPAN_MS, 250)]
        harms = list(harms_of(series, healthy, meta["trouble_ms"], meta["end_ms"], kernel_s))
        bystanders.append({"name": role["name"], "pid": role["pid"], "healthy_per_s": round(healthy * 1000, 2),
                           "worst": round(min(shares, default=1), 3),
                           "below_half_s": sum(share < 0.5 for share in shares) * 0.25,
                           "harms": [[round(a, 3), round(b, 3), by] for a, b, by in harms],
                           "report": [row for row in series.rows if row[0] >= begin - 100]})
    if not bystanders:
        raise Void("it has no service")
    trace = os.path.join(directory, "trace.fo")
    if host["place"] == "cgroup":
        # the trace of a host has what identifies it
        trim(trace, trace + ".trimmed", box, ("node",))
        trace += ".trimmed"
    subprocess.run([os.path.join(BUILD, "fastoom-bpf"), "replay", trace, "--json"], check=True, stdout=subprocess.DEVNULL)
    label = {
        "seed": seed, "part": part_of(seed), "kind": run["kind"], **{key: value for key, value in host.items()},
        "kernel": meta["kernel"].partition("-")[0], "scope": "cgroup" if box else "node",
        "limit_bytes": run["scope"] if box else host["ram_mib"] << 20, "swap_bytes": run["swap_bytes"],
        "iops": run["disk"]["iops"], "bytes_per_s": run["disk"]["bytes_per_s"], "jitter": run["disk"]["jitter"],
        "trouble_ms": meta["trouble_ms"], "end_ms": meta["end_ms"],
        "kernel_kill_ms": meta["kernel_kills"][0][0] if meta["kernel_kills"] else None,
        "kernel_kills": meta["kernel_kills"], "kernel_victims": victims, "processes": meta["roles"],
        "bystanders": bystanders, "peers": [row for row in read_peers(directory) if row[0] >= meta["trouble_ms"] - 3000],
    }
    path = os.path.join(RANDOM, name)
    with open(trace, "rb") as file, open(path + ".fo.xz", "wb") as out:
        out.write(lzma.compress(file.read(), preset=9 | lzma.PRESET_EXTREME))
    text = json.dumps(label, separators=(",", ":"))
    for key in ("processes", "bystanders", "peers"):
        text = text.replace(f',"{key}"', f',\n"{key}"')
    with open(path + ".json", "w") as file:
        file.write(text + "\n")
    print(RandomRun(name).line(), flush=True)


# ---- runs and their labels -----------------------------------------------------------------------


class Series:
    """The report of a service: rows of a time in ms and the requests since the row before."""

    def __init__(self, rows):
        self.rows = rows
        self.at = [at for at, _ in rows]
        self.sums = list(itertools.accumulate((n for _, n in rows[1:]), initial=0))

    def _sum(self, ms):
        i = min(bisect.bisect_right(self.at, ms), len(self.at) - 1)
        before, after = self.at[i - 1], self.at[i]
        return self.sums[i - 1] + (self.sums[i] - self.sums[i - 1]) * (ms - before) / (after - before or 1)

    def work(self, begin_ms, end_ms):
        """Requests per ms between two times; a report across an edge counts in proportion."""
        if len(self.at) < 2:
            return None
        begin_ms, end_ms = max(begin_ms, self.at[0]), min(end_ms, self.at[-1])
        return (self._sum(end_ms) - self._sum(begin_ms)) / (end_ms - begin_ms) if end_ms > begin_ms else None


def harms_of(series, healthy, trouble_ms, end_ms, kernel_s):
    """Every time of harm: its begin and end in seconds, and what ended it."""
    begin = None
    # a service that is dead does no work
    starts = [at for at in series.at if at >= trouble_ms]
    starts += range(max(trouble_ms, series.at[-1]) + 100, end_ms, 100)
    for t in (t for t in starts if t + SPAN_MS <= end_ms):
        if begin is None:
            if all((series.work(t, t + span) or 0) < HARM * healthy for span in (100, SPAN_MS)):
                begin = t / 1e3
        elif (series.work(t, t + SPAN_MS) or 0) >= WELL * healthy:
            # the recovery within the second of a kill is the kill's
            by_kernel = kernel_s and begin <= kernel_s <= (t + SPAN_MS) / 1e3
            yield begin, kernel_s if by_kernel else t / 1e3, "kernel" if by_kernel else "itself"
            begin = None
    if begin is not None:
        by_kernel = kernel_s and begin <= kernel_s
        yield begin, kernel_s if by_kernel else end_ms / 1e3, "kernel" if by_kernel else "the run's end"


class Run:
    """One run. Times are CLOCK_MONOTONIC, in seconds."""

    FOLDER = CORPUS

    def __init__(self, name, directory=None):
        self.name = name
        self.family = name.partition("-")[0]
        self.path = os.path.join(directory or self.FOLDER, name)
        with open(self.path + ".json") as file:
            self.__dict__.update(json.load(file))
        self.trouble_s = self.trouble_ms / 1e3
        self.end_s = self.end_ms / 1e3
        self.kernel_s = self.kernel_kill_ms / 1e3 if self.kernel_kill_ms else None
        self._label()

    def harms(self):
        """Every time of harm of a bystander: its begin and end in seconds, and what ended it."""
        series = Series(self.canary)
        healthy = series.work(self.trouble_ms - HEALTHY_MS, self.trouble_ms)
        if not healthy:
            raise ValueError(f"{self.name}: the canary did no work before the trouble")
        return harms_of(series, healthy, self.trouble_ms, self.end_ms, self.kernel_s)

    @staticmethod
    def _label_of(harm_s, ended_by):
        if ended_by == "kernel":
            return "near-oom" if harm_s >= PASSING_S else "kernel"
        if harm_s >= LASTING_S:
            return "near-oom"
        if ended_by == "the run's end":
            return "cut"
        return "benign" if harm_s < PASSING_S else "passing"

    def _label(self):
        self.onset_s = self.over_s = None
        self.ended_by, self.harm_s = "", 0.0
        self.label = "kernel" if self.kernel_s else "benign"
        # the worst harm makes the label, and of the same label the first
        for begin, over, by in self.harms():
            label = self._label_of(over - begin, by)
            if self.onset_s is None or LABELS.index(label) < LABELS.index(self.label):
                self.onset_s, self.over_s, self.ended_by, self.harm_s = begin, over, by, over - begin
                self.label = label

    def line(self):
        where = f"{self.place} {self.kernel} v{self.cgroup} {self.lru} {self.swap}"
        size = f"{self.limit_bytes >> 20} MiB, {self.iops or 'all'} IOPS"
        harm = f"from {self.onset_s - self.trouble_s:.1f} s for {self.harm_s:.1f} s, ended by {self.ended_by}" \
            if self.onset_s else "none"
        return f"{self.name:24} {self.label:9} {where:38} {size:20} harm {harm}"

    # ---- what replay prints of it

    def ticks(self, pressure="medium", without=()):
        """One dict per sample, as replay prints it, of all scopes that were hot."""
        return _replayed(trace_of(self.path), pressure, tuple(without)).get("tick", [])

    def kills(self, pressure="medium"):
        """Whom replay would kill in the canary's scope, and when; a dict each."""
        return self.of_scope(_replayed(trace_of(self.path), pressure, ()).get("would_kill", []))

    def of_scope(self, ticks):
        """Those of the scope in which the canary runs."""
        return [tick for tick in ticks if tick["scope"]["kind"] == self.scope]


class RandomRun(Run):
    """A run of scripts/random-runs. It may have several bystanders: the worst of them makes the label."""

    FOLDER = RANDOM

    def harms(self):
        return sorted(harm for bystander in self.bystanders for harm in bystander["harms"])

    def _label(self):
        super()._label()
        if self.label == "benign" and max(bystander["below_half_s"] for bystander in self.bystanders) >= PASSING_S:
            self.label = "slowed"

    def line(self):
        beside = (f" {self.loops} loops" if self.loops else "") + (" copies" if self.copies else "")
        worst = min(bystander["worst"] for bystander in self.bystanders)
        return f"{super().line()}; {self.part}, {self.kind}{beside}, least work {worst:.0%}"


class RealRun(RandomRun):
    """A run of scripts/real-runs."""

    FOLDER = REAL

    def victims(self):
        """The pids whose death is right: none where there is no harm, or where no kill helps against it."""
        if self.label in ("benign", "slowed"):
            return set()
        return {pid for pid, name, *_ in self.members if name in self.right}

    def wants_kill(self):
        """Whether it is wrong to kill nothing."""
        return self.label == "near-oom" and bool(self.right) and not self.right_none

    def line(self):
        right = "/".join(self.right + ["none"] * self.right_none)
        killed = ",".join(comm for _, comm in self.kernel_victims)
        return f"{super().line()}, right {right}" + (f", the kernel killed {killed}" if killed else "")


def truth(run, tick):
    """1: in harm that does not end by itself, or within HORIZON_S of it; 0: not; None: unknown."""
    at_s = tick["at_s"]
    if tick["scope"]["kind"] != run.scope or run.label == "benign":
        return 0
    if run.label == "slowed":
        return None if at_s >= run.trouble_s else 0
    begin_s = (run.onset_s or run.kernel_s) - HORIZON_S
    if at_s < begin_s:
        return 0
    if run.label == "near-oom" and at_s <= run.over_s:
        return 1
    if run.label == "kernel" and at_s <= run.kernel_s:
        return 1
    return None


@functools.lru_cache(maxsize=None)
def _scratch():
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.lru_cache(maxsize=None)
def trace_of(path):
    """The file of the trace of a run, which may be stored compressed."""
    if os.path.exists(path + ".fo"):
        return path + ".fo"
    target = os.path.join(_scratch(), os.path.basename(path) + ".fo")
    with lzma.open(path + ".fo.xz") as file, open(target, "wb") as out:
        shutil.copyfileobj(file, out)
    return target


@functools.lru_cache(maxsize=None)
def _replayed(path, pressure, without):
    """Every event that replay prints, by its kind; at_s is its time."""
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "config.yaml")
        with open(os.path.join(CORPUS, "corpus.yaml")) as file, open(config, "w") as out:
            out.write(file.read().replace("pressure: medium", f"pressure: {pressure}"))
        if without:
            less = os.path.join(directory, "less.fo")
            subprocess.run([os.path.join(BUILD, "tests/tools/fo-trim"), path, less, "/scope", "scope",
                            config, *without], check=True)
            path = less
        text = subprocess.run([os.path.join(BUILD, "fastoom-bpf"), "replay", path, "-c", config, "--json",
                               "--explain"], check=True, stdout=subprocess.PIPE, text=True).stdout
    events = {}
    for event in map(json.loads, text.splitlines()):
        if "mono_ns" in event:
            event["at_s"] = event["mono_ns"] / 1e9
        events.setdefault(event["event"], []).append(event)
    return events


def split():
    """{family: "fit" or "test"}"""
    with open(os.path.join(CORPUS, "split")) as file:
        return dict(line.split() for line in file if line.strip() and not line.startswith("#"))


def runs(half=None, directory=CORPUS):
    halves = split()
    names = sorted(name[:-5] for name in os.listdir(directory) if name.endswith(".json"))
    return [run for run in (Run(name, directory) for name in names) if half in (None, halves[run.family])]


def random_runs(part=None, kind=RandomRun):
    """The runs of scripts/random-runs, of one part or of both; or those of scripts/real-runs."""
    folder = kind.FOLDER
    names = sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".json")) if os.path.isdir(folder) else []
    return [run for run in map(kind, names) if part in (None, run.part)]


def print_runs(everything, part_of_run):
    for run in everything:
        print(run.line(), part_of_run(run))
    for label in LABELS:
        print(label, sum(run.label == label for run in everything))


def main(argv):
    if len(argv) > 4 and argv[1] == "pack" and len(argv) % 2:
        pack(argv[2], argv[3], argv[4], argv[5:])
    elif argv[1:] == ["list"]:
        print_runs(runs(), lambda run: split()[run.family])
    elif argv[1:] == ["random"]:
        print_runs(random_runs(), lambda run: "")
    elif argv[1:] == ["real"]:
        print_runs(random_runs(kind=RealRun), lambda run: "")
    elif argv[1:] == ["--help"]:
        print(__doc__.strip())
    else:
        print("usage: " + __doc__.strip().splitlines()[0], file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(sys.argv)
