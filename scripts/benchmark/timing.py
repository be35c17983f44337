# SPDX-License-Identifier: Apache-2.0
"""Whole processes on a monotonic clock, and tables of their medians."""
import os
import statistics
import subprocess
import sys
import time

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
ROUNDS = int(os.environ.get("ROUNDS", "20"))


def timed(argv):
    """Milliseconds of one whole process, its output thrown away; an error ends the benchmark."""
    start = time.perf_counter()
    result = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    elapsed = (time.perf_counter() - start) * 1000
    if result.returncode != 0:
        raise RuntimeError(f"{argv}: exit {result.returncode}: {result.stderr.decode(errors='replace')[-400:]}")
    return elapsed


def ratio_table(times, more=(), notes=None):
    """times: name -> milliseconds of each round, ours first; notes: name -> further cells, headed by `more`."""
    base = statistics.median(next(iter(times.values())))
    print("| " + " | ".join(["what", "median ms", "min", "max", "ctr-swift / this", *more]) + " |")
    print("|---|---:|---:|---:|---:|" + "---:|" * len(more))
    for name, values in times.items():
        median = statistics.median(values)
        cells = [name, f"{median:.1f}", f"{min(values):.1f}", f"{max(values):.1f}", f"{base / median:.2f}", *(notes or {}).get(name, [])]
        print("| " + " | ".join(cells) + " |")
    print(f"\n{len(next(iter(times.values())))} rounds.")
    sys.stdout.flush()


def compare(title, contestants, rounds=ROUNDS):
    """contestants: name -> function(round) that returns argv. One that fails its warm-up is left out, and said so."""
    print(f"\n### {title}\n", flush=True)
    times, absent = {}, []
    for name, command in contestants.items():
        try:
            timed(command(-1))
            times[name] = []
        except (RuntimeError, FileNotFoundError) as error:
            absent.append(f"{name}: not measured ({str(error)[-300:]})")
    for number in range(rounds):
        for name in times:
            times[name].append(timed(contestants[name](number)))
    ratio_table(times)
    for line in absent:
        print(line)
