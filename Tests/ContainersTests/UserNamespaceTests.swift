// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import Metadata
import OCI
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// Containers with ids of their own, as the service makes them.
@Suite(.asRoot, .busybox, .shim, .serialized) struct UserNamespaceTests {
    private static let waiting = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"

    static func auto(_ request: inout CreateContainerRequest) {
        request.isolation = request.isolation ?? IsolationRequest()
        request.isolation?.userNamespace = .auto
    }

    private static func owner(_ path: FilePath) throws -> UInt32 {
        var status = stat()
        try #require(lstat(path.string, &status) == 0, "\(path)")
        return status.st_uid
    }

    private func ready(_ node: TestNode, _ container: Container) async throws {
        try await eventually("it is ready") {
            (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true
        }
    }

    @Test("root in it is nobody on the node, has its own ids in the upper, and reaches nothing of the node's root")
    func identity() async throws {
        try await withNode { node in
            let secret = node.base.appending("secret")
            try replaceFile(secret, with: Array("secret".utf8), mode: 0o600)
            let container = try await node.run(shell: "touch /made; echo changed > /etc/old; " + Self.waiting) {
                Self.auto(&$0)
                $0.mounts = [MountRequest(type: .bind, source: secret.string, target: "/secret", options: ["noidmap"])]
            }
            try await ready(node, container)
            let pid = try #require(container.started?.pid)
            let first = SubordinateIDs.unassigned.first
            for map in ["uid_map", "gid_map"] {
                let text = try Files.read(FilePath("/proc/\(pid)/\(map)"))
                #expect(text.split(separator: " ").map { $0.trimmingPrefix { $0.isWhitespace } } == ["0", "\(first)", "65536\n"])
            }
            #expect(try Files.read(FilePath("/proc/\(pid)/status")).contains("Uid:\t\(first)\t\(first)\t\(first)\t\(first)"))
            // On the disk the container's ids count, whatever the node's are; the way there is root's alone.
            #expect(try Self.owner(container.paths.directory.appending("upper/made")) == 0)
            #expect(Files.mode(node.root) & 0o007 == 0 || Files.mode(container.paths.directory) == 0o700)
            let inside = try await node.exec(
                container,
                shell: "id -u; stat -c %u /made /bin/busybox /secret /proc/1 /etc/hosts; cat /secret; "
                    + "(echo 1 > /proc/sysrq-trigger) 2>&1; kill -0 1 && echo own; cat /proc/self/setgroups")
            #expect(inside.lines.prefix(6) == ["0", "0", "0", "65534", "0", "0"], "\(inside)")
            #expect(!inside.lines.contains("secret") && inside.lines.contains("own") && inside.lines.contains("allow"))
            #expect(container.detail.identityMaps?.users == [.init(containerID: 0, hostID: first, size: 65_536)])
            #expect(container.detail.identityMaps?.groups == container.detail.identityMaps?.users)
        }
    }

    @Test("the network, shared memory, queues, devices, cgroups and the files about the network are the container's")
    func surroundings() async throws {
        try await withNode { node in
            let script =
                "cat /proc/self/cgroup > /dev/null && ls /sys/fs/cgroup > /dev/null && echo cgroup; echo x > /dev/null && echo null; "
                + "echo x > /dev/shm/f && stat -c %u /dev/shm/f; ls /dev/mqueue && echo queues; echo '# more' >> /etc/hosts && echo hosts; "
                + "ls /sys/class/net; ip link set lo down && echo administered; cat /proc/sys/kernel/hostname; echo again >> /dev/stdout"
            let container = try await node.create(shell: script.replacing("ip link", with: "busybox ip link")) {
                $0.hostname = "inside"
                $0.isolation = IsolationRequest()
                $0.isolation?.capabilitiesAdded = ["NET_ADMIN"]
                Self.auto(&$0)
            }
            #expect(
                try await node.output(container) == [
                    "cgroup", "null", "0", "queues", "hosts", "lo", "administered", "inside", "again",
                ])
            #expect(try Self.owner(container.paths.networkFiles.appending("hosts")) == 0)
        }
    }

    @Test("each kind of upper works, and a start after an end finds what was written", arguments: UpperMode.allCases)
    func uppers(mode: UpperMode) async throws {
        try await withNode(["etc/app": "from the image\n"]) { node in
            let script = "cat /etc/app; stat -c %u /etc/app /; echo again >> /etc/app; mkdir -p /d && touch /d/f && stat -c %u /d/f"
            let container = try await node.create(shell: script) {
                Self.auto(&$0)
                $0.upper = mode
            }
            let firstRun = ["from the image", "0", "0", "0"]
            #expect(try await node.output(container) == firstRun)
            let both = try await node.output(container)
            #expect(both == firstRun + ["from the image"] + (mode == .tmpfs ? [] : ["again"]) + ["0", "0", "0"])
            if mode != .tmpfs { #expect(try Self.owner(container.paths.directory.appending("upper/etc/app")) == 0) }
        }
    }

    @Test("a further process has the container's ids, its streams and its terminal")
    func exec() async throws {
        try await withNode(["etc/passwd": "root:x:0:0::/root:/bin/sh\nweb:x:33:44::/srv:/bin/sh\n"]) { node in
            let container = try await node.run(shell: Self.waiting, Self.auto)
            let root = try await node.exec(
                container, shell: "busybox chmod 1777 /tmp; id -u; cat /proc/self/uid_map; echo again >> /dev/stdout")
            #expect(root.lines.first == "0" && root.lines.last == "again" && root.lines.count == 3, "\(root)")
            #expect(root.lines.dropFirst().first?.contains("\(SubordinateIDs.unassigned.first)") == true)
            let web = try await node.exec(container, shell: "id -u; id -g; touch /tmp/w && stat -c %u /tmp/w; echo again >> /dev/stdout") {
                $0.user = "web"
            }
            #expect(web.lines == ["33", "44", "33", "again"], "\(web)")
            var request = ExecRequest(command: ["/bin/sh", "-c", "stat -c %u:%g $(tty) > /tmp/tty; exec sleep 0"])
            request.tty = true
            request.detach = true
            request.user = "33"
            _ = try await node.service.exec(container, request)
            let upper = container.paths.directory.appending("upper/tmp/tty")
            try await eventually("it has written") { (try? Files.read(upper))?.isEmpty == false }
            #expect(try Files.read(upper) == "33:5\n")
            await #expect(throws: ContainerError.self) { try await node.exec(container, shell: "true") { $0.user = "70000" } }
        }
    }

    @Test("the owners of a bind's files are mapped, at every depth of mounts, but where that is not wanted")
    func binds() async throws {
        try await withNode { node in
            let shared = node.base.appending("shared")
            try Files.makeDirectories(shared)
            try replaceFile(shared.appending("old"), with: [], mode: 0o600)
            let container = try await node.create(
                shell: "stat -c %u /a/old /b/old; touch /a/new && stat -c %u /a/new; touch /b/no; echo end"
            ) {
                Self.auto(&$0)
                $0.mounts = [
                    MountRequest(type: .bind, source: shared.string, target: "/a"),
                    MountRequest(type: .bind, source: shared.string, target: "/b", options: ["noidmap"]),
                ]
            }
            #expect(try await node.output(container) == ["0", "65534", "0", "end"])
            #expect(try Self.owner(shared.appending("new")) == 0)
            #expect(!Files.exists(shared.appending("no")))
        }
    }

    @Test("the init, a terminal, another user, a device, a tmpfs and a read-only root are as without ids of its own")
    func moreSurroundings() async throws {
        try await withNode { node in
            let script =
                "cat /proc/1/comm; id -u; tty; stat -c '%t:%T %u' /dev/mine; touch /t/f && stat -c %u /t/f /t; touch /no 2>&1 | grep -c Read-only; "
                + "df -k /dev/shm | grep -c ' 1024 '"
            let container = try await node.create(
                shell: script.replacing("tty;", with: "busybox tty;").replacing("df ", with: "busybox df ")
            ) {
                Self.auto(&$0)
                ($0.initProcess, $0.tty, $0.user, $0.readOnlyRoot, $0.sharedMemoryInBytes) = (true, true, "1000:1000", true, 1 << 20)
                $0.isolation?.devices = [DeviceRequest(source: "/dev/full", target: "/dev/mine")]
                $0.mounts = [MountRequest(type: .tmpfs, target: "/t", options: ["uid=1000", "mode=700"])]
            }
            let lines = try await node.output(container).map { String($0.filter { $0 != "\r" && $0 != "\r\n" }) }
            #expect(lines == [".ctr-init", "1000", "/dev/pts/0", "1:7 0", "1000", "1000", "1", "1"])
        }
    }

    @Test("a bind of what can't be id-mapped is refused at the start, with its place")
    func unmappable() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "true") {
                Self.auto(&$0)
                $0.mounts = [MountRequest(type: .bind, source: "/proc/sys", target: "/host")]
            }
            let error = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(error.map { "\($0)" }?.contains("/host: its filesystem or this kernel can't id-map") == true)
        }
    }

    @Test("with the node's network its sysfs is seen, read-only")
    func nodeNetwork() async throws {
        try await withNode { node in
            let script =
                "ls /sys/class/net | wc -l; (mkdir /sys/fs/cgroup/x) 2>/dev/null || echo refused; touch /sys/x 2>&1 | grep -c Read-only"
            let lines = try await node.output(
                try await node.create(shell: script) {
                    Self.auto(&$0)
                    $0.network = .host
                })
            #expect(lines == ["\(Files.names("/sys/class/net").count)", "refused", "1"])
        }
    }

    @Test("the caller is the same user inside, and everybody else somebody of the container's")
    func keep() async throws {
        try await withNode { node in
            let home = node.base.appending("home")
            try Files.makeDirectories(home)
            try #require(chown(home.string, 1234, 1235) == 0)
            var request = CreateContainerRequest(image: "example.org/busybox")
            request.arguments = [
                "/bin/sh", "-c", "id -u; id -g; touch /home/f; stat -c %u:%g /home/f /home /bin/busybox; cat /proc/self/uid_map",
            ]
            request.isolation = IsolationRequest()
            request.isolation?.userNamespace = .keep
            request.mounts = [MountRequest(type: .bind, source: home.string, target: "/home")]
            let container = try await node.service.create(
                request, image: .made(.init(), digest: TestNode.image), caller: Caller(uid: 1234, gid: 1235)
            ).0
            let lines = try await node.output(container)
            #expect(lines.prefix(5) == ["1234", "1235", "1234:1235", "1234:1235", "0:0"])
            let first = SubordinateIDs.unassigned.first
            #expect(
                lines.dropFirst(5).map { $0.split(separator: " ").joined(separator: " ") } == [
                    "0 \(first) 1234", "1234 1234 1", "1235 \(first + 1235) 64301",
                ])
            #expect(try Self.owner(home.appending("f")) == 1234)
        }
    }
}
