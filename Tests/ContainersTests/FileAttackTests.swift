// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import Testing

/// Copies while the container, or somebody at this end, does its worst.
@Suite(.asRoot, .busybox, .shim, .serialized) struct FileAttackTests {
    @Test("paths that a container swaps are never the host's: neither read nor written, 1,000 times (X-34)")
    func swapped() async throws {
        try await withNode(["real/file": "inside"]) { node in
            let secret = node.base.appending("secret")
            try makeDirectory(secret, mode: 0o755)
            try replaceFile(secret.appending("file"), with: FileTools.secret)
            let up = String(repeating: "../", count: 20)
            let container = try await node.run(
                shell: """
                    ln -s \(secret) /a; ln -s \(up)\(secret.string.dropFirst()) /b; ln -s /proc/1/root\(secret) /c; ln -s /proc/self/root /d
                    echo ready; while :; do for x in a b c d real; do ln -s $(readlink $x 2>/dev/null || echo real) /t 2>/dev/null; mv -T /t /x 2>/dev/null || rm -f /t; done; done
                    """)
            try await FileTools.ready(container)
            let evil = try FileTools.tar(node, ["file": "EVIL"])
            for round in 0..<1000 {
                let path = ["/x/file", "/a/file", "/b/file", "/c/file", "/d\(secret)/file"][round % 5]
                if round % 4 == 3 {
                    try? await FileTools.put(evil, container, ["/x", "/a", "/b", "/c"][round / 4 % 4], node)
                } else if let bytes = try? await FileTools.whole(node.service.archive(container, path: path, follow: true)) {
                    #expect(bytes.firstRange(of: FileTools.secret) == nil)
                }
            }
            #expect(Files.names(secret) == ["file"])
            #expect(try Files.read(secret.appending("file")) == String(decoding: FileTools.secret, as: UTF8.self))
        }
    }

    @Test(
        "a filesystem of the container's that never answers holds up only the copy that goes there, and that goes with its client",
        .timeLimit(.minutes(3)))
    func hanging() async throws {
        try await withNode(["data/file": "x"]) { node in
            let container = try await node.run(shell: "mkdir /stuck; echo ready; exec sleep 1000")
            try await FileTools.ready(container)
            let pid = try #require(container.started).pid
            // FUSE without anybody who serves it: whoever looks into it waits.
            let fuse = try openFile("/dev/fuse", O_RDWR)
            let mount = try spawn(
                "/usr/bin/nsenter",
                arguments: [
                    "nsenter", "-m", "-t", "\(pid)", "/bin/busybox", "mount", "-t", "fuse", "-o",
                    "fd=5,rootmode=40000,user_id=0,group_id=0",
                    "none", "/stuck",
                ], environment: [], descriptors: [(fuse.raw, 5)])
            var status: CInt = 0
            while waitpid(mount, &status, 0) == -1, errno == EINTR {}
            try #require(status == 0)
            for copy in [
                { _ = try await FileTools.whole(node.service.archive(container, path: "/stuck/x", follow: true)) },
                { _ = try await FileTools.whole(node.service.archive(container, path: "/", follow: true)) },
                { _ = try await node.service.fileStatus(container, path: "/stuck/x", follow: true) },
                { _ = try await node.service.extract(container, into: "/stuck", keepingOwners: false) },
            ] as [@Sendable () async throws -> Void] {
                let stuck = (0..<3).map { _ in Task { try await copy() } }
                for _ in 0..<3 {
                    #expect(try await node.service.fileStatus(container, path: "/data/file", follow: true).size == 1)
                    #expect(!(try await FileTools.whole(node.service.archive(container, path: "/data", follow: true)).isEmpty))
                }
                for task in stuck { task.cancel() }
                for task in stuck {
                    await #expect(throws: (any Error).self) { try await task.value }
                }
            }
            // An export does not go there at all.
            #expect(!(try await FileTools.whole(node.service.export(container)).isEmpty))
            // A removal waits for no copy.
            let stuck = Task { _ = try await node.service.fileStatus(container, path: "/stuck/x", follow: true) }
            try await node.service.remove(container, force: true)
            await #expect(throws: (any Error).self) { try await stuck.value }
            try node.expectGone(container)
        }
    }

    @Test(
        "pipes, devices, links to the host, 2 GiB of nothing and hostile names hold nothing up and give nothing away, while paths are swapped (X-35)",
        .timeLimit(.minutes(3)), arguments: [true, false])
    func hostileTree(running: Bool) async throws {
        try await withNode(["data/real/file": "inside"]) { node in
            let secret = node.base.appending("secret")
            try makeDirectory(secret, mode: 0o755)
            try replaceFile(secret.appending("file"), with: FileTools.secret)
            let script = """
                cd /data; mkfifo pipe; mknod zero c 1 5; mknod disk b 7 0; truncate -s 2G sparse; ln -s \(secret) host; ln -s host/file through
                ln -s /proc/1/root\(secret)/file magic; ln -s loop loop; mkdir deep; printf x > "$(printf 'new\\nline')"; printf x > "$(printf '\\377\\033[31m')"
                printf x > ' '; printf x > -rf; echo ready
                \(running ? "while :; do mv -T real aside; mv -T host real; mv -T real host; mv -T aside real; done" : "exit 0")
                """
            let container = try await node.run(shell: script)
            if running { try await FileTools.ready(container) } else { _ = try await node.service.wait(container, for: .shimGone) }
            for round in 0..<(running ? 30 : 1) {
                let archives = [
                    try? await FileTools.whole(node.service.export(container)),
                    try? await FileTools.whole(node.service.archive(container, path: "/data", follow: true)),
                    try? await FileTools.whole(node.service.archive(container, path: "/data/real", follow: true)),
                ]
                let changes = try await FileTools.changes(node, container)
                #expect(changes.contains("A /data/new\nline") && changes.contains("A /data/pipe"))
                for archive in archives.compactMap(\.self) {
                    #expect(archive.firstRange(of: FileTools.secret) == nil && archive.count < 32 << 20, "round \(round)")
                }
                guard !running else { continue }
                for archive in archives { #expect(archive != nil) }
                let out = try FileTools.unpack(try #require(archives[1]), node).appending("data")
                #expect(Set(["new\nline", " ", "-rf", "pipe", "zero", "disk", "sparse", "loop", "deep"]).isSubset(of: Files.names(out)))
            }
            for (name, kind) in [
                ("pipe", "other"), ("zero", "other"), ("disk", "other"), ("loop", "symlink"), ("through", "symlink"), ("sparse", "file"),
            ] {
                #expect(try await node.service.fileStatus(container, path: "/data/" + name, follow: false).kind == kind)
            }
            for name in ["through", "magic", "loop", "host/file"] where !running {
                await #expect(throws: ContainerError.self) {
                    try await node.service.archive(container, path: "/data/" + name, follow: true)
                }
            }
        }
    }

    @Test("more than eight copies of one container at once are refused, and no other container's are")
    func tooMany() async throws {
        try await withNode(["data/file": "x"]) { node in
            let container = try await node.run(shell: "exec sleep 1000")
            let other = try await node.run(shell: "exec sleep 1000")
            var sessions: [FilesSession] = []
            for _ in 0..<8 { sessions.append(try await node.service.extract(container, into: "/tmp", keepingOwners: false)) }
            let error = await #expect(throws: ContainerError.self) {
                try await node.service.fileStatus(container, path: "/", follow: true)
            }
            guard case .filesInUse? = error else {
                Issue.record("\(error.map { "\($0)" } ?? "no error")")
                return
            }
            #expect(try await node.service.fileStatus(other, path: "/", follow: true).kind == "directory")
            for session in sessions { session.cancel() }
        }
    }

    @Test("what is mounted on a file stays so: it is written in its place, or the copy refused")
    func mountedFiles() async throws {
        try await withNode { node in
            let host = node.base.appending("shared")
            try replaceFile(host, with: Array("before".utf8), mode: 0o644)
            let container = try await node.run(shell: "echo ready; exec sleep 1000") {
                $0.mounts = [
                    MountRequest(type: .bind, source: host.string, target: "/tmp/shared"),
                    MountRequest(type: .bind, source: host.string, target: "/tmp/fixed", readOnly: true),
                ]
            }
            try await FileTools.ready(container)
            try await FileTools.put(try FileTools.tar(node, ["shared": "after"]), container, "/tmp", node)
            #expect(try Files.read(host) == "after")
            await #expect(throws: ContainerError.self) {
                try await FileTools.put(try FileTools.tar(node, ["fixed": "never"]), container, "/tmp", node)
            }
            #expect(try Files.read(host) == "after")
            let seen = try await node.exec(container, shell: "cat /tmp/shared; echo; grep -c ' /tmp/' /proc/mounts").lines
            #expect(seen == ["after", "2"])
        }
    }

    @Test("a start waits for no copy, but is told of it; a removal by force ends it; and nothing is left")
    func claims() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "exec sleep 1000")
            let session = try await node.service.extract(container, into: "/", keepingOwners: false)
            let start = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            guard case .filesInUse? = start else {
                Issue.record("\(start.map { "\($0)" } ?? "no error")")
                return
            }
            await #expect(throws: ContainerError.self) { try await node.service.remove(container, force: false) }
            try await node.service.remove(container, force: true)
            await #expect(throws: ContainerError.self) { try await session.finish() }
            try node.expectGone(container)
        }
    }

    @Test("an archive that is cut, or no archive, is refused; what hangs on its reader is ended with it")
    func broken() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "exec sleep 1000")
            let tar = try FileTools.tar(node, ["a": String(repeating: "x", count: 100_000)])
            await #expect(throws: ContainerError.self) { try await FileTools.put(Array(tar.prefix(50_000)), container, "/tmp", node) }
            await #expect(throws: ContainerError.self) {
                try await FileTools.put([UInt8](repeating: 7, count: 5000), container, "/tmp", node)
            }
            try await FileTools.put(tar, container, "/tmp", node)
            // More than the pipes hold, and nobody who reads it.
            try await FileTools.put(try FileTools.tar(node, ["big": String(repeating: "y", count: 4 << 20)]), container, "/tmp", node)
            _ = try await node.service.archive(container, path: "/tmp", follow: false)
            try await eventually("the helper has gone with its session") { (try? container.decide { try $0.beginRemove() }) != nil }
            container.decide { $0.removeFailed() }
        }
    }
}
