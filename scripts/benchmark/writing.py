# SPDX-License-Identifier: Apache-2.0
"""What the kernel asks for each way of writing a layer's files: see writing.c."""
import os
import statistics
import subprocess

import peers
from timing import ROUNDS

WORK = os.environ["WORK"]
WAYS = {
    "100,000 files of 0 to 2,000 bytes": {
        "files": "made by name, one thread (as it is done)",
        "files-unnamed": "`O_TMPFILE`, then `linkat(2)`",
        "files-times-later": "times set directory by directory, after all files",
        "files-two-directories": "two threads, each its own directories",
        "files-one-directory": "two threads in the same directory",
        "files-early": "with a thread that calls `syncfs(2)` each 0.3 s",
    },
    "One file of 800 MB": {
        "large": "`pwrite(2)` of 1 MB (as it is done)",
        "large-early": "the same, with `sync_file_range(2)` each 8 MB",
        "large-copied": "into a spool, and `copy_file_range(2)` from it",
    },
}


def writing():
    rounds = min(ROUNDS, 5)
    for title, ways in WAYS.items():
        results = {way: [] for way in ways}
        for _ in range(rounds):
            # New for each round: six times 100,000 files are a third of its inodes.
            with peers.new_filesystem():
                for way in ways:
                    line = subprocess.run(
                        [f"{WORK}/writing", way, f"{peers.PLACE}/{way}"], check=True, capture_output=True, text=True).stdout
                    results[way].append([float(word) for word in line.split()])
        print(f"\n### {title}\n")
        print("| way | writing, ms | syncfs after it, ms | together / first | CPU, ms | CPU / first |\n|---|---:|---:|---:|---:|---:|")
        medians = {way: [statistics.median(column) for column in zip(*rows)] for way, rows in results.items()}
        walls = {way: statistics.median(row[0] + row[1] for row in rows) for way, rows in results.items()}
        first = next(iter(ways))
        for way, words in ways.items():
            write, sync, cpu = medians[way]
            print(f"| {words} | {write:.0f} | {sync:.0f} | {walls[way] / walls[first]:.2f} | {cpu:.0f} | {cpu / medians[first][2]:.2f} |")
    print(f"\n{rounds} rounds.", flush=True)
