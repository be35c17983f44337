# SPDX-License-Identifier: Apache-2.0
"""Pulls, each on a store of its own, beside the tools that do the parts: igzip and tar."""
import json
import os
import resource
import statistics
import subprocess

import peers
from timing import ROUNDS, ratio_table, timed

WORK, REGISTRY, FIXTURES = os.environ["WORK"], os.environ["REGISTRY"], os.environ["FIXTURES"]


def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compare(title, image, base=None, parts=None):
    """Everybody once a round; nothing is removed before the end. `base` is pulled before, and not timed."""
    print(f"\n### {title}\n", flush=True)
    with peers.new_filesystem():
        return rounds_of(image, base, parts)


def rounds_of(image, base, parts):
    rounds = max(3, ROUNDS // 4)
    times, costs, absent = {}, {}, []
    for number in range(-1, rounds):
        for puller in peers.pullers():
            if puller.name in absent:
                continue
            try:
                with puller.round(number + 1) as (command, pid):
                    if base:
                        timed(command(f"{REGISTRY}/{base}"))
                    # What others have left to be written would be on the bill of whoever syncs.
                    os.sync()
                    daemon, children = peers.cpu(pid), child_seconds()
                    elapsed = timed(command(f"{REGISTRY}/{image}"))
                    if number >= 0:
                        times.setdefault(puller.name, []).append(elapsed)
                        cost = child_seconds() - children + peers.cpu(pid) - daemon
                        costs.setdefault(puller.name, []).append((cost, peers.peak(pid)))
            except (RuntimeError, FileNotFoundError) as error:
                absent.append(puller.name)
                print(f"{puller.name}: not measured ({str(error)[-300:]})\n")
        if parts and number >= 0:
            for name, elapsed, cost in parts(number):
                times.setdefault(name, []).append(elapsed)
                costs.setdefault(name, []).append((cost, None))
    notes = {}
    for name, values in costs.items():
        peak = max((value[1] or 0) for value in values)
        notes[name] = [f"{statistics.median(value[0] for value in values):.2f}", f"{peak:.0f}" if peak else ""]
    ratio_table(times, ["CPU, s", "daemon's peak, MB"], notes)
    return {name: statistics.median(values) for name, values in times.items()}


def layers(fixture):
    """The compressed layers of a layout, lowest first."""
    place = f"{FIXTURES}/{fixture}"

    def blob(digest):
        return f"{place}/blobs/" + digest.replace(":", "/")

    with open(f"{place}/index.json") as file:
        manifest = json.load(file)["manifests"][0]["digest"]
    with open(blob(manifest)) as file:
        return [blob(layer["digest"]) for layer in json.load(file)["layers"]]


def shell(name, script):
    os.sync()
    before = child_seconds()
    elapsed = timed(["sh", "-c", script])
    return name, elapsed, child_seconds() - before


def igzip_and_tar(fixture):
    """All layers one after the other, through a pipe, each into a directory of its own: neither digests nor a network, nor syncfs."""
    def parts(number):
        place = f"{peers.PLACE}/tar-{fixture}-{number}"
        script = "".join(f"mkdir -p {place}/{index} && igzip -dc < {path} | tar -x -C {place}/{index} && "
                         for index, path in enumerate(layers(fixture)))
        yield shell("`igzip -dc \\| tar -x`, nothing else", script + "true")
    return parts


def one():
    title = "pull + unpack: one layer of 800 MB, 16,000 files"
    medians = compare(title, "bench/one:1", parts=igzip_and_tar("bench-one"))
    with peers.new_filesystem():
        overlap(medians[peers.CtrSwift.name])


def overlap(ours):
    """What the pull does at once, one after the other."""
    blob, plain, place = layers("bench-one")[-1], f"{peers.PLACE}/plain.tar", f"{peers.PLACE}/tree-$$"
    subprocess.run(["sh", "-c", f"igzip -dc < {blob} > {plain}"], check=True)
    steps = {
        "inflate (`igzip`)": f"igzip -dc < {blob} > /dev/null", "SHA-256 of the blob (`openssl`)": f"openssl dgst -sha256 {blob}",
        "SHA-256 of the tar": f"openssl dgst -sha256 {plain}", "extraction (`tar -x`)": f"mkdir {place} && tar -x -C {place} < {plain}",
        "the same, and to the disk (`sync -f`)": f"mkdir {place} && tar -x -C {place} < {plain} && sync -f {place}",
    }
    print("\n| step alone | median ms |\n|---|---:|")
    medians = {name: statistics.median(shell(name, script)[1] for _ in range(3)) for name, script in steps.items()}
    for name, median in medians.items():
        print(f"| {name} | {median:.0f} |")
    # The pull counts as done when it is on the disk: so does the last step, which stands for the one before it.
    total = sum(medians.values()) - medians["extraction (`tar -x`)"]
    print(f"| sum, on the disk | {total:.0f} |\n\nThe pull's wall time is {ours / total:.2f} of their sum.", flush=True)


def several():
    compare("pull + unpack: 4 layers, 10,000 files, loopback registry, a new store each time", "bench/image:1", parts=igzip_and_tar("bench"))


def files():
    compare("pull + unpack: 100,000 small files in one layer", "bench/files:1", parts=igzip_and_tar("bench-files"))


def known():
    compare("pull of an image with 8 known layers and a new one of 1 KB", "bench/next:1", base="bench/base:1")
