// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import Logging
import Metadata
import OCI
import Snapshots
import SystemPackage
import Testing

/// A node without a socket: a root, a state directory, a store with an image of busybox, and the service for containers.
final class TestNode: Sendable {
    static let busybox = "/bin/busybox"

    let base: FilePath
    let shimPath: FilePath
    let metadata: MetadataStore
    let snapshots: SnapshotStore
    let events = EventHub()
    let pool = BlockingPool(width: 8)
    let service: ContainerService

    var root: FilePath { base.appending("root") }
    var state: FilePath { base.appending("state") }
    var cgroupParent: String { "ctr-swift-tests-\(base.lastComponent?.string ?? "")" }

    init(_ base: FilePath, shim: FilePath = shim) throws {
        self.base = base
        shimPath = shim
        let root = base.appending("root")
        let state = base.appending("state")
        for path in [base, root, state] { try makeDirectory(path, mode: 0o711) }
        metadata = try MetadataStore(path: root.appending("meta.db"))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        snapshots = try SnapshotStore(root: root, metadata: metadata, reserve: SpaceReserve(bytes: 0, inodes: 0), logger: logger)
        service = try ContainerService(
            configuration: ContainerConfiguration(
                root: root, state: state, cgroupParent: "ctr-swift-tests-\(base.lastComponent?.string ?? "")", shimPath: shim,
                socketGroup: 0),
            snapshots: snapshots, metadata: metadata, events: events, pool: pool, logger: logger)
    }

    /// What the daemon's end leaves: the shims, which go on.
    func stop() async {
        await service.stop()
        events.finish()
        await pool.shutdown()
    }

    // MARK: Containers

    /// The image: one layer, with busybox and what `files` adds to it.
    func install(_ files: [String: String] = [:]) throws {
        let ingest = try snapshots.beginIngest()
        let filesystem = ingest.filesystem
        for name in ["bin", "etc", "tmp", "root"] { try Files.makeDirectories(filesystem.appending(name)) }
        try copyFile(Self.busybox, to: filesystem.appending("bin/busybox"))
        for applet in [
            "cat", "echo", "false", "grep", "id", "kill", "ls", "printf", "sed", "seq", "sh", "sleep", "stat", "touch", "tr", "true", "wc",
        ] {
            try Files.link("busybox", at: filesystem.pushing(FilePath("bin/\(applet)")))
        }
        for (name, content) in files {
            let path = filesystem.pushing(FilePath(name))
            try Files.makeDirectories(path.removingLastComponent())
            if content.hasPrefix("->") {
                try Files.link(String(content.dropFirst(2)), at: path)
            } else {
                try replaceFile(path, with: Array(content.utf8), mode: 0o644)
            }
        }
        let diffID = DiffID(.made("layer"))
        try snapshots.commit(
            ImageRecord(
                manifestDigest: Self.image, mediaType: "application/vnd.oci.image.manifest.v1+json", configDigest: .made("config"),
                platform: "linux/amd64", layers: [ImageRecord.Layer(diffID: diffID)]),
            layers: [NewLayer(ingest: ingest, key: .layer(diffID), size: LayerSize(diskBytes: 0, inodes: 0), facts: Array("{}".utf8))],
            references: [], blobs: [])
    }

    static let image = Digest.made("manifest")

    /// - Parameter starts: the test starts it next.
    func create(
        _ words: [String], starts: Bool = false, _ change: (inout CreateContainerRequest) -> Void = { _ in }
    ) async throws -> Container {
        var request = CreateContainerRequest(image: "example.org/busybox")
        request.arguments = words
        request.stopTimeoutSeconds = 10
        change(&request)
        return try await service.create(request, image: .made(ImageConfig.ContainerConfig(), digest: Self.image), starts: starts).0
    }

    func create(shell script: String, _ change: (inout CreateContainerRequest) -> Void = { _ in }) async throws -> Container {
        try await create(["/bin/sh", "-c", script], change)
    }

    /// Created and started.
    func run(shell script: String, _ change: (inout CreateContainerRequest) -> Void = { _ in }) async throws -> Container {
        let container = try await create(shell: script, change)
        try await service.start(container)
        return container
    }

    /// Runs to its end.
    /// - Returns: its lines on stdout.
    func output(_ container: Container) async throws -> [String] {
        try await service.start(container)
        _ = try await service.wait(container, for: .shimGone)
        return try await log(container).filter { $0.stream == .stdout }.compactMap(\.text)
    }

    func log(_ container: Container, follow: Bool = false, tail: Int? = nil) async throws -> [LogRecord] {
        var records: [LogRecord] = []
        for try await record in service.logs(of: container, follow: follow, LogSelection(tail: tail)) { records.append(record) }
        return records
    }

    // MARK: What is left

    func cgroups(_ container: Container) throws -> [String] {
        try CgroupLayout.detect().hierarchies.map { $0.mountPoint + container.memo.cgroup }.filter { Files.exists(FilePath($0)) }
    }

    func mounts() throws -> [String] { try MountInfo.all().map(\.mountPoint).filter { $0.hasPrefix(base.string) } }

    /// Nothing of this container is there, but what lies in the trash.
    func expectGone(_ container: Container, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(!Files.exists(container.paths.directory), sourceLocation: location)
        #expect(!Files.exists(container.paths.state), sourceLocation: location)
        #expect(try metadata.container(container.id.text) == nil, sourceLocation: location)
        #expect(try cgroups(container) == [], sourceLocation: location)
        #expect(try mounts() == [], sourceLocation: location)
        #expect(throws: ContainerError.self, sourceLocation: location) { try service.find(container.id.text) }
    }

    // MARK: The shim

    /// In CTR_SWIFT_BIN, or beside this test's own binary.
    static let shim: FilePath = {
        if let directory = getenv("CTR_SWIFT_BIN") { return FilePath(String(cString: directory)).appending("ctr-swift-shim") }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = FilePath(String(decoding: buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        let beside = own.removingLastComponent().appending("ctr-swift-shim")
        if access(beside.string, X_OK) == 0 { return beside }
        // `swift test` runs a helper of the toolchain that loads the tests: then the build directory is found by this file's place.
        var directory = FilePath(#filePath)
        for _ in 0..<4 { directory.removeLastComponent() }
        return directory.appending(".build/release/ctr-swift-shim")
    }()
}

// MARK: - From an empty directory to an empty directory

/// Runs the body with a node that has the image; afterwards removes every container, and everything else.
func withNode(
    _ files: [String: String] = [:], shim: FilePath = TestNode.shim, _ location: SourceLocation = #_sourceLocation,
    _ body: (TestNode) async throws -> Void
) async throws {
    try await withBase(location) { base in
        let node = try TestNode(base, shim: shim)
        try node.install(files)
        try await node.use(location, body)
    }
}

/// For tests in which one daemon follows another: each is made by `TestNode(base)`, and used by `use`.
func withBase(_ location: SourceLocation = #_sourceLocation, _ body: (FilePath) async throws -> Void) async throws {
    let base = FilePath("/tmp/ctr-swift-node-\(UInt64.random(in: 0 ... .max))")
    let result: Result<Void, any Error>
    do { result = .success(try await body(base)) } catch { result = .failure(error) }
    #expect(Files.names(base.appending("state/containers")) == [], sourceLocation: location)
    #expect(try MountInfo.all().filter { $0.mountPoint.hasPrefix(base.string) }.isEmpty, sourceLocation: location)
    for hierarchy in try CgroupLayout.detect().hierarchies {
        let parent = "\(hierarchy.mountPoint)/ctr-swift-tests-\(base.lastComponent?.string ?? "")"
        if Files.exists(FilePath(parent)) { #expect(rmdir(parent) == 0, "a cgroup is left in \(parent)", sourceLocation: location) }
    }
    try removeTree(base)
    try result.get()
}

extension TestNode {
    /// - Parameter leaving: the containers are to outlive this daemon.
    func use(
        leaving: Bool = false, _ location: SourceLocation = #_sourceLocation, _ body: (TestNode) async throws -> Void
    ) async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await body(self)) } catch { result = .failure(error) }
        if !leaving {
            for summary in service.list(all: true) {
                await #expect(throws: Never.self, sourceLocation: location) {
                    try await self.service.remove(self.service.find(summary.id), force: true)
                }
            }
            #expect(try metadata.containers() == [], sourceLocation: location)
            #expect(Files.names(root.appending("containers")) == [], sourceLocation: location)
        }
        await stop()
        try result.get()
    }
}

/// Waits for what another thread or process is about to do; a minute without it is a failure.
func eventually(_ what: Comment, _ location: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool) async throws {
    for _ in 0..<12_000 {
        if try condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record(what, sourceLocation: location)
}

func copyFile(_ source: String, to target: FilePath) throws {
    let pid = try spawn("/bin/cp", arguments: ["cp", source, target.string], environment: [], descriptors: [])
    var status: CInt = 0
    while waitpid(pid, &status, 0) == -1, errno == EINTR {}
    guard status == 0 else { throw KernelError(call: "cp", object: target.string, errno: .ioError) }
}

extension ContainerService {
    /// - Parameter timeoutSeconds: nil is the container's own; 0 kills at once; -1 waits without end.
    func stop(_ container: Container, timeoutSeconds: Int?) async throws(ContainerError) -> ExitRecord {
        try await stop(container, StopRequest(timeoutSeconds: timeoutSeconds)).exit
    }
}
