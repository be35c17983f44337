// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import Metadata
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// Containers in namespaces of other containers.
@Suite(.asRoot, .busybox, .shim, .serialized) struct SharedNamespaceTests {
    private static let waiting = "trap 'exit 0' TERM; echo mark > /dev/shm/mark; echo ready; while :; do sleep 0.05; done"

    private static func isolation(_ change: (inout IsolationRequest) -> Void) -> IsolationRequest {
        var request = IsolationRequest()
        change(&request)
        return request
    }

    private func target(_ node: TestNode, _ change: (inout CreateContainerRequest) -> Void = { _ in }) async throws -> Container {
        let container = try await node.run(shell: Self.waiting) {
            $0.name = "x"
            $0.hostname = "of-x"
            change(&$0)
        }
        try await eventually("it is ready") {
            (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true
        }
        return container
    }

    private func namespace(_ kind: String, of container: Container) throws -> String {
        let started = try #require(container.started)
        return try #require(command(["readlink", "/proc/\(started.pid)/ns/\(kind)"]).lines.first)
    }

    @Test("each kind is the other's and all others are its own", arguments: ["pid", "ipc", "uts", "cgroup", "net"])
    func kinds(kind: String) async throws {
        try await withNode { node in
            let other = try await target(node)
            let joined = try await node.run(shell: Self.waiting) {
                $0.isolation = Self.isolation { isolation in
                    let choice = NamespaceChoice.container("x")
                    switch kind {
                    case "pid": isolation.pid = choice
                    case "ipc": isolation.ipc = choice
                    case "uts": isolation.uts = choice
                    case "cgroup": isolation.cgroup = choice
                    default: break
                    }
                }
                if kind == "net" { $0.network = .container("x") }
            }
            for name in ["pid", "ipc", "uts", "mnt", "net", "cgroup"] {
                let isSame = try namespace(name, of: joined) == namespace(name, of: other)
                #expect(isSame == (name == kind), "\(name)")
            }
            let user = try namespace("user", of: joined)
            #expect(try user == namespace("user", of: other))
            // Nothing of the other lives on with the monitor.
            let shim = try #require(joined.shimPID)
            let open = try command(["/bin/sh", "-c", "readlink /proc/\(shim)/fd/*"]).lines
            #expect(!open.contains { $0.hasPrefix("\(kind):") || $0.hasPrefix("mnt:") }, "\(open)")
        }
    }

    @Test("every kind at once, with the ids of the other, too", arguments: [nil, .auto] as [UserNamespaceChoice?])
    func all(users: UserNamespaceChoice?) async throws {
        try await withNode { node in
            let other = try await target(node) { $0.isolation = Self.isolation { $0.userNamespace = users } }
            let joined = try await node.run(shell: Self.waiting) {
                $0.isolation = Self.isolation { isolation in
                    let choice = NamespaceChoice.container("x")
                    (isolation.pid, isolation.ipc, isolation.uts, isolation.cgroup) = (choice, choice, choice, choice)
                }
                $0.network = .container("x")
            }
            for name in ["pid", "ipc", "uts", "net", "cgroup", "user"] {
                #expect(try namespace(name, of: joined) == namespace(name, of: other), "\(name)")
            }
            #expect(try namespace("mnt", of: joined) != namespace("mnt", of: other))
        }
    }

    @Test("the processes, the shared memory and the host name are the other's")
    func contents() async throws {
        try await withNode { node in
            _ = try await target(node)
            let script =
                "cat /proc/1/cmdline | tr '\\0' ' ' | grep -c mark; cat /dev/shm/mark; echo back > /dev/shm/back; cat /proc/sys/kernel/hostname; "
                + "cat /etc/hostname; test $$ != 1 && echo guest"
            let container = try await node.create(shell: script) {
                $0.isolation = Self.isolation {
                    ($0.pid, $0.ipc, $0.uts) = (.container("x"), .container("x"), .container("x"))
                }
            }
            #expect(try await node.output(container) == ["1", "mark", "of-x", "of-x", "guest"])
            let seen = try await node.exec(try node.service.find("x"), shell: "cat /dev/shm/back")
            #expect(seen.lines == ["back"])
        }
    }

    @Test("at each start the container is looked up anew, and has to run")
    func lookedUpAnew() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "cat /proc/sys/kernel/hostname; cat /dev/shm/mark") {
                $0.isolation = Self.isolation { ($0.uts, $0.ipc) = (.container("x"), .container("x")) }
            }
            let missing = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(missing.map { "\($0)" } == "no container \"x\"")
            let first = try await target(node)
            #expect(try await node.output(container) == ["of-x", "mark"])
            _ = try await node.service.stop(first, StopRequest())
            _ = try await node.service.wait(first, for: .shimGone)
            let stopped = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(stopped.map { "\($0)" }?.contains("namespace of container \(first.id.short): it is stopped") == true)
            try await node.service.remove(first, force: true)
            _ = try await target(node) { $0.hostname = "another" }
            #expect(try await node.output(container) == ["of-x", "mark", "another", "mark"])
        }
    }

    @Test("the network comes with names and resolvers, and is administered by who has it")
    func network() async throws {
        try await withNode { node in
            let other = try await target(node)
            _ = try await node.exec(other, shell: "echo '192.0.2.1 added' >> /etc/hosts; echo 'nameserver 192.0.2.2' >> /etc/resolv.conf")
            let script = "grep -c added /etc/hosts; cat /etc/resolv.conf; ls /sys/class/net; cat /etc/hostname"
            let container = try await node.create(shell: script) {
                $0.network = .container("x")
                $0.hostname = "own"
            }
            #expect(try await node.output(container) == ["1", "nameserver 192.0.2.2", "lo", "own"])
            await #expect(throws: ContainerError.self) {
                try await node.create(shell: script) {
                    $0.network = .container("x")
                    $0.isolation = Self.isolation { $0.sysctls = ["net.ipv4.ip_forward": "1"] }
                }
            }
        }
    }

    @Test("the end of the one whose processes are shared is the end of the others in it")
    func endOfOwner() async throws {
        try await withNode { node in
            let other = try await target(node)
            let joined = try await node.run(shell: Self.waiting) { $0.isolation = Self.isolation { $0.pid = .container("x") } }
            try await node.service.kill(other, signal: SIGKILL)
            #expect(try await node.service.wait(joined, for: .shimGone).exitCode == 137)
        }
    }

    @Test("one with ids of its own gives them to the one that shares its namespaces, binds and files included")
    func foreignIDs() async throws {
        try await withNode { node in
            let other = try await target(node, UserNamespaceTests.auto)
            let shared = node.base.appending("shared")
            try Files.makeDirectories(shared)
            let script =
                "id -u; cat /dev/shm/mark; touch /made /data/f; stat -c %u /made /data/f /bin/busybox /etc/hosts; ls -d /proc/1; echo x > /dev/null && echo end"
            let container = try await node.create(shell: script) {
                $0.isolation = Self.isolation { ($0.pid, $0.ipc) = (.container("x"), .container("x")) }
                $0.network = .container("x")
                $0.mounts = [MountRequest(type: .bind, source: shared.string, target: "/data")]
            }
            #expect(try await node.output(container) == ["0", "mark", "0", "0", "0", "0", "/proc/1", "end"])
            let running = try await node.run(shell: Self.waiting) { $0.isolation = Self.isolation { $0.pid = .container("x") } }
            #expect(try namespace("user", of: running) == namespace("user", of: other))
            let started = try #require(running.started)
            let ids = try Files.read(FilePath("/proc/\(started.pid)/status"))
            #expect(ids.contains("Uid:\t\(SubordinateIDs.unassigned.first)\t"))
        }
    }

    @Test("what can't be shared is refused with a reason")
    func refused() async throws {
        try await withNode { node in
            _ = try await target(node) { $0.isolation = Self.isolation { $0.ipc = .private } }
            _ = try await node.run(shell: Self.waiting) {
                $0.name = "mapped"
                UserNamespaceTests.auto(&$0)
            }
            func refused(_ words: String, _ change: @escaping @Sendable (inout IsolationRequest) -> Void) async throws {
                var made: Container?
                let error = await #expect(throws: ContainerError.self) {
                    made = try await node.create(["/bin/true"]) { $0.isolation = Self.isolation(change) }
                    if let made { try await node.service.start(made) }
                }
                #expect(error.map { "\($0)" }?.contains(words) == true, "\(error.map { "\($0)" } ?? "")")
                if let made { try await node.service.remove(made, force: true) }
            }
            try await refused("private") { $0.ipc = .container("x") }
            try await refused("different ids") { ($0.pid, $0.uts) = (.container("x"), .container("mapped")) }
            try await refused("privileged") { ($0.uts, $0.privileged) = (.container("mapped"), true) }
            try await refused("the node's own namespaces") { ($0.uts, $0.pid) = (.container("mapped"), .host) }
            try await refused("a user namespace, and") { ($0.uts, $0.userNamespace) = (.container("x"), .auto) }
            try await refused("not ipc") { $0.pid = .shareable }
            try await refused("would change the host") { ($0.ipc, $0.sysctls) = (.container("x"), ["kernel.msgmax": "9000"]) }
            await #expect(throws: ContainerError.self) {
                try await node.create(["/bin/true"]) {
                    $0.hostname = "h"
                    $0.isolation = Self.isolation { $0.uts = .container("x") }
                }
            }
        }
    }
}
