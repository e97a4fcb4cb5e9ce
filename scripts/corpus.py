#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""
corpus.py list | pack PATH DIR SCOPE KEY VALUE...

The corpus of tests/corpus: its runs, their labels, and what replay prints of them. scripts/fit-model and
scripts/judge-report import it. list prints every run with its label and counts; pack makes PATH.fo and
PATH.json of the files that a run left in DIR.

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
"""
import csv
import functools
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
CORPUS = os.path.join(HERE, "tests", "corpus")
# Runs of today's traces, which have what each process lost; those of CORPUS itself do not.
PROCESSES = os.path.join(CORPUS, "processes")
BUILD = os.environ.get("O", "build")
BUILD = BUILD if os.path.isabs(BUILD) else os.path.join(HERE, BUILD)

# Harm: for a second, the canary does less than a tenth of its healthy work. It ends when for a second the
# canary does a quarter of it: not all, since others may use the processor by then.
HARM, WELL, SPAN_MS = 0.1, 0.25, 1000
HEALTHY_MS = 2000
# `medium` must act within this; harm that ends sooner needs no kill.
PASSING_S = 3.0
# Three times that, and longer than the timeout of a client; a livelock does not end by itself.
LASTING_S = 10.0

# The horizon of a risk: the probability of harm within this time.
HORIZON_S = 2.0

# From worst to best.
LABELS = ("near-oom", "passing", "cut", "kernel", "benign")

PEERS = ("ms", "total", "available", "swap_total", "swap_free", "psi_full_avg10", "refaults", "file_lru")


def number(text):
    return None if text == "-" else float(text) if "." in text else int(text)


# ---- making runs ---------------------------------------------------------------------------------


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
    canary = [[int(word) for word in line.split()] for line in open(os.path.join(directory, "service"))]
    with open(os.path.join(directory, "peers")) as file:
        peers = [[number(word) for word in row] for row in csv.reader(file, delimiter="\t")]
    meta["peers"] = [row for row in peers if len(row) == len(PEERS)]
    meta["canary"] = [row for row in canary if len(row) == 2]
    subprocess.run([os.path.join(BUILD, "tests/tools/fo-trim"), os.path.join(directory, "trace.fo"),
                    path + ".fo", scope, "scope", os.path.join(CORPUS, "corpus.yaml")], check=True)
    head = subprocess.run([os.path.join(BUILD, "fastoom-bpf"), "replay", path + ".fo", "--json"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
    meta["kernel"] = json.loads(head)["kernel"]
    with open(path + ".json", "w") as file:
        text = json.dumps(meta, separators=(",", ":"))
        file.write(text.replace('"peers"', '\n"peers"').replace('"canary"', '\n"canary"') + "\n")
    run = Run(os.path.basename(path))
    print(run.line(), flush=True)


# ---- runs and their labels -----------------------------------------------------------------------


class Run:
    """One run. Times are CLOCK_MONOTONIC, in seconds."""

    def __init__(self, name, directory=CORPUS):
        self.name = name
        self.family = name.partition("-")[0]
        self.path = os.path.join(directory, name)
        with open(self.path + ".json") as file:
            self.__dict__.update(json.load(file))
        self.trouble_s = self.trouble_ms / 1e3
        self.end_s = self.end_ms / 1e3
        self.kernel_s = self.kernel_kill_ms / 1e3 if self.kernel_kill_ms else None
        self._label()

    def _work(self, begin_ms, end_ms):
        """Work of the canary per ms between two times; a report across an edge counts in proportion."""
        done = span = 0.0
        for (before, _), (at, requests) in zip(self.canary, self.canary[1:]):
            overlap = min(at, end_ms) - max(before, begin_ms)
            if overlap > 0:
                span += overlap
                done += requests * overlap / (at - before)
        return done / span if span else None

    def harms(self):
        """Every time of harm: its begin and end, and what ended it."""
        starts = [at for at, _ in self.canary if self.trouble_ms <= at and at + SPAN_MS <= self.end_ms]
        begin = None
        for t in starts:
            if begin is None:
                if all((self._work(t, t + span) or 0) < HARM * self.healthy for span in (100, SPAN_MS)):
                    begin = t / 1e3
            elif (self._work(t, t + SPAN_MS) or 0) >= WELL * self.healthy:
                # the recovery within the second of a kill is the kill's
                by_kernel = self.kernel_s and begin <= self.kernel_s <= (t + SPAN_MS) / 1e3
                yield begin, self.kernel_s if by_kernel else t / 1e3, "kernel" if by_kernel else "itself"
                begin = None
        if begin is not None:
            by_kernel = self.kernel_s and begin <= self.kernel_s
            yield begin, self.kernel_s if by_kernel else self.end_s, "kernel" if by_kernel else "the run's end"

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
        self.healthy = self._work(self.trouble_ms - HEALTHY_MS, self.trouble_ms)
        if not self.healthy:
            raise ValueError(f"{self.name}: the canary did no work before the trouble")
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
        return _ticks(self.path + ".fo", pressure, tuple(without))

    def of_scope(self, ticks):
        """Those of the scope in which the canary runs."""
        return [tick for tick in ticks if tick["scope"]["kind"] == self.scope]


def truth(run, tick):
    """1: in harm that does not end by itself, or within HORIZON_S of it; 0: not; None: unknown."""
    at_s = tick["at_s"]
    if tick["scope"]["kind"] != run.scope or run.label == "benign":
        return 0
    begin_s = (run.onset_s or run.kernel_s) - HORIZON_S
    if at_s < begin_s:
        return 0
    if run.label == "near-oom" and at_s <= run.over_s:
        return 1
    if run.label == "kernel" and at_s <= run.kernel_s:
        return 1
    return None


@functools.lru_cache(maxsize=None)
def _ticks(path, pressure, without):
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
    ticks = [json.loads(line) for line in text.splitlines()]
    ticks = [tick for tick in ticks if tick["event"] == "tick"]
    for tick in ticks:
        tick["at_s"] = tick["mono_ns"] / 1e9
    return ticks


def split():
    """{family: "fit" or "test"}"""
    with open(os.path.join(CORPUS, "split")) as file:
        return dict(line.split() for line in file if line.strip() and not line.startswith("#"))


def runs(half=None, directory=CORPUS):
    halves = split()
    names = sorted(name[:-5] for name in os.listdir(directory) if name.endswith(".json"))
    return [run for run in (Run(name, directory) for name in names) if half in (None, halves[run.family])]


def main(argv):
    if len(argv) > 4 and argv[1] == "pack" and len(argv) % 2:
        pack(argv[2], argv[3], argv[4], argv[5:])
    elif argv[1:] == ["list"]:
        everything = runs()
        for run in everything:
            print(run.line(), split()[run.family])
        for label in LABELS:
            print(label, sum(run.label == label for run in everything))
    elif argv[1:] == ["--help"]:
        print(__doc__.strip())
    else:
        print("usage: " + __doc__.strip().splitlines()[0], file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(sys.argv)
