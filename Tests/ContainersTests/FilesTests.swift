// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import Testing

/// Files in and out of containers, running or not.
@Suite(.asRoot, .busybox, .shim, .serialized) struct FilesTests {
    @Test(
        "files come out of a container, and go into it, before it has run, while it runs, and after",
        arguments: ["created", "running", "stopped"])
    func states(state: String) async throws {
        try await withNode(["data/file": "of the image", "data/sub/deep": "deep", "link": "->/data"]) { node in
            let container = try await node.create(shell: "echo ready; cat /data/new 2>/dev/null; echo; exec sleep 1000")
            if state != "created" { try await node.service.start(container) }
            if state == "stopped" {
                _ = try await node.service.stop(container, timeoutSeconds: 0)
                _ = try await node.service.wait(container, for: .shimGone)
            }
            let status = try await node.service.fileStatus(container, path: "/link", follow: true)
            #expect(status.kind == "directory")
            #expect(try await node.service.fileStatus(container, path: "/link", follow: false).linkTarget == "/data")
            try await FileTools.put(try FileTools.tar(node, ["new": "of the host", "sub/more": "more"]), container, "/link", node)
            let out = try FileTools.unpack(try await FileTools.whole(node.service.archive(container, path: "/data", follow: true)), node)
            let files = ["file": "of the image", "sub/deep": "deep", "new": "of the host", "sub/more": "more"]
            for (name, content) in files { #expect(try Files.read(out.pushing(FilePath("data/" + name))) == content) }
            await #expect(throws: ContainerError.self) { try await node.service.fileStatus(container, path: "/nothing", follow: true) }
            await #expect(throws: ContainerError.self) { try await node.service.archive(container, path: "/data/file/x", follow: true) }
            await #expect(throws: ContainerError.self) {
                try await node.service.extract(container, into: "/data/file", keepingOwners: false)
            }
            // It can be started (again), and finds what was put into it.
            if state != "running" {
                try await node.service.start(container)
                try await eventually("it sees it") {
                    try Files.read(container.paths.log.appending("container.log")).contains("of the host")
                }
            }
            #expect(container.summary.state == .running)
        }
    }

    @Test("a volatile writable layer is whole after a copy, and starts again")
    func volatile() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "cat /new") { $0.upper = .volatile }
            for content in ["one", "two"] {
                try await FileTools.put(try FileTools.tar(node, ["new": content + "\n"]), container, "/", node)
                try await node.service.start(container)
                _ = try await node.service.wait(container, for: .shimGone)
            }
            #expect(try await node.log(container).map(\.text) == ["one", "two"])
        }
    }

    @Test("an export is the merged tree without what is mounted, of one that runs and of one that does not", arguments: [true, false])
    func export(running: Bool) async throws {
        try await withNode(["data/a": "image", "data/gone": "image", "dir/x": "image"]) { node in
            let host = node.base.appending("host")
            try makeDirectory(host, mode: 0o755)
            try replaceFile(host.appending("secret"), with: FileTools.secret)
            let script = """
                echo b > /data/a; rm /data/gone; rm -r /dir; mkdir /dir; echo n > /dir/new; mknod /fifo p; ln -s \(host)/secret /tohost
                truncate -s 2G /sparse; echo tmp > /tmp/x; printf x > "/with
                feed"; echo ready; \(running ? "exec sleep 1000" : "exit 0")
                """
            let container = try await node.run(shell: script) {
                $0.mounts = [
                    MountRequest(type: .bind, source: host.string, target: "/volume"), MountRequest(type: .tmpfs, target: "/scratch"),
                ]
            }
            try await FileTools.ready(container)
            if !running { _ = try await node.service.wait(container, for: .shimGone) }
            let bytes = try await FileTools.whole(node.service.export(container))
            #expect(bytes.count < 32 << 20, "holes are not stored")
            #expect(bytes.firstRange(of: FileTools.secret) == nil)
            let out = try FileTools.unpack(bytes, node)
            #expect(try Files.read(out.pushing("data/a")) == "b\n")
            #expect(!Files.exists(out.pushing("data/gone")) && Files.names(out.pushing("dir")) == ["new"])
            #expect(
                Files.names(out.pushing("volume")) == [] && Files.names(out.pushing("proc")) == [] && Files.names(out.pushing("dev")) == [])
            #expect(Files.exists(out.appending("with\nfeed")) && Files.exists(out.appending("fifo")))
            var status = stat()
            #expect(stat(out.appending("sparse").string, &status) == 0 && status.st_size == 2 << 30)
        }
    }

    @Test("what was changed is told by kind and path in the order of the tree, and nothing of the mounts")
    func changes() async throws {
        try await withNode(["data/a": "image", "data/gone": "image", "dir/x": "image", "dir/sub/y": "image", "etc/keep": "x"]) { node in
            let script = """
                echo b > /data/a; rm /data/gone; rm -r /dir; mkdir /dir; echo n > /dir/new; mkdir /made; echo m > /made/in; mknod /fifo p
                chmod 700 /root; ln -s /etc/shadow /link; echo x > /way/beside; touch /tmp/x; rm /tmp/x
                """
            let container = try await node.run(shell: script) {
                $0.mounts = [
                    MountRequest(type: .tmpfs, target: "/scratch/deep"), MountRequest(type: .tmpfs, target: "/way/deep"),
                    MountRequest(type: .tmpfs, target: "/data/mounted"),
                ]
            }
            #expect(try await node.service.wait(container, for: .shimGone).exitCode == 0)
            #expect(
                try await FileTools.changes(node, container) == [
                    "C /data", "C /data/a", "D /data/gone", "C /dir", "A /dir/new", "D /dir/sub", "D /dir/x", "A /fifo", "A /link",
                    "A /made",
                    "A /made/in", "C /root", "A /way", "A /way/beside",
                ])
        }
    }

    @Test("of one that has not run nothing is changed; of one in memory nobody can tell")
    func noChanges() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "exit 0")
            #expect(try await FileTools.changes(node, container) == [])
            let inMemory = try await node.create(shell: "exit 0") { $0.upper = .tmpfs }
            await #expect(throws: ContainerError.self) { try await node.service.changes(inMemory) }
        }
    }

}
