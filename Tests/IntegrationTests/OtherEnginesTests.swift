// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Debian's podman and containerd with `ctr-swift-oci` as their runtime: everything of theirs is in a temporary directory.
@Suite(.asRoot, .serialized) struct OtherEnginesTests {
    private static let loop = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done"

    @Test("podman runs a container with this runtime, and has its output and exit code")
    func podmanRun() throws {
        try withPodman { podman in
            let outcome = try podman.run(["run", "--rm"] + podman.common + ["echo", "hello from podman"])
            #expect(outcome.output == "hello from podman\n", "\(outcome.errors)")
            #expect(try podman.run(["run", "--rm"] + podman.common + ["sh", "-c", "exit 3"]).code == 3)
            #expect(try podman.run(["run", "--rm"] + podman.common + ["no-such-program"]).code == 127)
            let limits = ["-m", "64m", "--pids-limit", "30"]
            let inside = try podman.run(["run", "--rm"] + limits + podman.common + ["cat", "/proc/self/cgroup"])
            #expect(inside.code == 0 && inside.output.contains("memory:/"), "\(inside)")
        }
    }

    @Test("podman stops, pauses, limits, looks at and removes a container of this runtime")
    func podmanLife() throws {
        try withPodman { podman in
            try podman.good(["run", "-d", "--name", "life"] + podman.common + ["sh", "-c", Self.loop])
            try eventually("it is ready") { try podman.good(["logs", "life"]).contains("ready") }
            try podman.good(["pause", "life"])
            #expect(try podman.good(["inspect", "--format", "{{.State.Status}}", "life"]) == "paused\n")
            try podman.good(["unpause", "life"])
            try podman.good(["update", "--memory", "48m", "life"])
            let cgroup = try podman.good(["inspect", "--format", "{{.State.CgroupPath}}", "life"]).trimmingCharacters(
                in: .whitespacesAndNewlines)
            let files = ["/sys/fs/cgroup/memory\(cgroup)/memory.limit_in_bytes", "/sys/fs/cgroup\(cgroup)/memory.max"]
            let limits = files.compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
            #expect(limits == ["50331648\n"], "\(cgroup)")
            #expect(try podman.good(["top", "life", "pid", "args"]).contains("sleep 0.1"))
            try podman.good(["stop", "life"])
            #expect(try podman.good(["inspect", "--format", "{{.State.ExitCode}}", "life"]) == "7\n")
            try podman.good(["start", "life"])
            try podman.good(["pause", "life"])
            try podman.good(["rm", "-f", "-t", "0", "life"])
            #expect(try podman.good(["ps", "-aq"]) == "")
        }
    }

    @Test("containerd's shim runs a container with this runtime, and has its output and exit code")
    func containerdRun() throws {
        try withContainerd { containerd in
            let outcome = try containerd.run(["run", "--rm"] + containerd.common + ["one", "echo", "hello from containerd"])
            #expect(outcome.output == "hello from containerd\n", "\(outcome.errors)")
            #expect(try containerd.run(["run", "--rm"] + containerd.common + ["two", "sh", "-c", "exit 3"]).code == 3)
            let missing = try containerd.run(["run", "--rm"] + containerd.common + ["three", "no-such-program"])
            #expect(missing.code != 0 && missing.errors.contains("no-such-program"), "\(missing.errors)")
        }
    }

    @Test("containerd pauses, looks at, kills and removes a container of this runtime")
    func containerdLife() throws {
        try withContainerd { containerd in
            try containerd.good(["run", "-d"] + containerd.common + ["life", "sh", "-c", Self.loop])
            func state() throws -> String {
                try containerd.good(["task", "ls"]).split(separator: "\n").first { $0.hasPrefix("life") }
                    .map { String($0.split(separator: " ").last ?? "") } ?? "gone"
            }
            #expect(try state() == "RUNNING")
            #expect(try containerd.good(["task", "ps", "life"]).split(separator: "\n").count >= 2)
            try containerd.good(["task", "pause", "life"])
            #expect(try state() == "PAUSED")
            try containerd.good(["task", "resume", "life"])
            #expect(try state() == "RUNNING")
            #expect(try containerd.good(["task", "metrics", "life"]).contains("pids"))
            try containerd.good(["task", "kill", "-s", "KILL", "life"])
            try eventually("it has ended") { try state() == "STOPPED" }
            #expect(try containerd.run(["task", "rm", "life"]).errors.contains("exit code 137"))
            try containerd.good(["container", "rm", "life"])
            #expect(try containerd.good(["container", "ls", "-q"]) == "")
        }
    }
}

// MARK: - The engines

/// One of the two, with a root filesystem of busybox.
private struct OtherEngine {
    let directory: String
    let words: [String]
    /// What every run is given: no network, and the root.
    let common: [String]
    let environment: [String: String]

    static let runtime = Node.bin + "/ctr-swift-oci"

    @discardableResult
    func run(_ arguments: [String]) throws -> Outcome { try ChildProcess(words + arguments, environment: environment).finish(seconds: 90) }

    @discardableResult
    func good(_ arguments: [String], location: SourceLocation = #_sourceLocation) throws -> String {
        let outcome = try run(arguments)
        try #require(
            outcome.code == 0, "\(arguments.joined(separator: " ")): exit \(outcome.code): \(outcome.errors)", sourceLocation: location)
        return outcome.output
    }

    static func makeDirectory() throws -> String {
        let directory = "/tmp/ctr-swift-engine-\(UInt32.random(in: 0...UInt32.max))"
        for name in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
            try FileManager.default.createDirectory(atPath: "\(directory)/rootfs/\(name)", withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: "\(directory)/rootfs/bin/busybox")
        for applet in ["sh", "echo", "sleep", "cat"] {
            try FileManager.default.createSymbolicLink(atPath: "\(directory)/rootfs/bin/\(applet)", withDestinationPath: "busybox")
        }
        return directory
    }

    /// Whoever still runs from the directory, as conmon may for a moment, is waited for; and then nothing is left.
    func leave() throws {
        try eventually("the engine's processes have ended") { try command(["pgrep", "-f", directory + "/"]).output.isEmpty }
        let table = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        for line in table.split(separator: "\n").reversed() {
            let place = line.split(separator: " ")[1]
            if place.hasPrefix(directory + "/") { try command(["umount", "-l", String(place)]) }
        }
        try FileManager.default.removeItem(atPath: directory)
        // Both name groups and directories after what they were told: the name of this directory.
        let name = Self.name(directory)
        try? FileManager.default.removeItem(atPath: "/run/containerd/runc/" + name)
        for place in ["/sys/fs/cgroup"]
            + (try FileManager.default.contentsOfDirectory(atPath: "/sys/fs/cgroup")).map({ "/sys/fs/cgroup/" + $0 })
        {
            #expect(rmdir("\(place)/\(name)") == 0 || errno != EBUSY, "a cgroup is left in \(place)")
        }
    }

    static func name(_ directory: String) -> String { String(directory.split(separator: "/").last ?? "") }
}

private func withPodman(_ body: (OtherEngine) throws -> Void) throws {
    let directory = try OtherEngine.makeDirectory()
    let settings = directory + "/containers.conf"
    try "[engine]\nevents_logger = \"file\"\n".write(toFile: settings, atomically: true, encoding: .utf8)
    let podman = OtherEngine(
        directory: directory,
        words: [
            "podman", "--root", directory + "/root", "--runroot", directory + "/runroot", "--tmpdir", directory + "/tmp",
            "--storage-driver", "vfs", "--events-backend", "file", "--cgroup-manager", "cgroupfs", "--runtime", OtherEngine.runtime,
        ],
        // Podman's default limits are above what a test machine may give.
        common: [
            "--network", "none", "--cgroup-parent", "/" + OtherEngine.name(directory), "--cgroups", "no-conmon", "--ulimit",
            "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--rootfs", directory + "/rootfs",
        ],
        environment: ["CONTAINERS_CONF": settings])
    let result = Result { try body(podman) }
    _ = try? podman.run(["rm", "-f", "-a", "-t", "0"])
    try podman.leave()
    try result.get()
}

private func withContainerd(_ body: (OtherEngine) throws -> Void) throws {
    let directory = try OtherEngine.makeDirectory()
    let socket = directory + "/containerd.sock"
    let settings = directory + "/config.toml"
    try """
    version = 2
    root = "\(directory)/root"
    state = "\(directory)/state"
    disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
    [grpc]
      address = "\(socket)"
    [ttrpc]
      address = "\(directory)/ttrpc.sock"
    """.write(toFile: settings, atomically: true, encoding: .utf8)
    let daemon = try ChildProcess(["containerd", "--config", settings])
    let containerd = OtherEngine(
        directory: directory,
        words: ["ctr", "--address", socket, "--namespace", OtherEngine.name(directory), "--connect-timeout", "10s"],
        common: ["--runc-binary", OtherEngine.runtime, "--rootfs", directory + "/rootfs"], environment: [:])
    let result = Result {
        try eventually("containerd answers") { try containerd.run(["version"]).code == 0 }
        try body(containerd)
    }
    for name in (try? containerd.run(["container", "ls", "-q"]).lines) ?? [] {
        _ = try? containerd.run(["task", "rm", "-f", name])
        _ = try? containerd.run(["container", "rm", name])
    }
    daemon.signal(SIGTERM)
    _ = try? daemon.finish(seconds: 30)
    try containerd.leave()
    try result.get()
}
