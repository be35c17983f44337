// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import Testing

/// What can't be made or started leaves nothing, and says why.
@Suite(.asRoot, .busybox, .shim, .serialized) struct FailureTests {
    /// Directories, rows, cgroups and events of a node are what they were before.
    private static func expectNothingNew(
        _ node: TestNode, _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async throws {
        func census() throws -> [String] {
            try Files.names(node.root.appending("containers")) + Files.names(node.state.appending("containers"))
                + node.metadata.containers().map(\.id) + node.mounts() + node.service.list(all: true).map(\.id)
        }
        let before = try census()
        try await body()
        #expect(try census() == before, sourceLocation: location)
    }

    @Test("a creation that is refused leaves nothing, and gives its name back")
    func refusedCreation() async throws {
        try await withNode { node in
            try await Self.expectNothingNew(node) {
                for change in [
                    { $0.user = "nobody-here" }, { $0.stopSignal = "NOPE" }, { $0.hostname = "-" }, { $0.environment = ["="] },
                    { $0.mounts = [MountRequest(type: .bind, source: "/no/such/place", target: "/x")] }, { $0.arguments = [] },
                    { $0.resources.memoryInBytes = 1 }, { $0.name = "-x" }, { $0.workingDirectory = "x" },
                ] as [(inout CreateContainerRequest) -> Void] {
                    await #expect(throws: ContainerError.self) {
                        _ = try await node.create(["/bin/true"]) { request in
                            request.name = "web"
                            change(&request)
                        }
                    }
                }
            }
            #expect(try await node.create(["/bin/true"]) { $0.name = "web" }.summary.name == "web")
        }
    }

    @Test("a name that is used is refused with its holder, and free again after the removal")
    func nameInUse() async throws {
        try await withNode { node in
            let first = try await node.create(["/bin/true"]) { $0.name = "web" }
            try await Self.expectNothingNew(node) {
                let error = await #expect(throws: ContainerError.self) { _ = try await node.create(["/bin/true"]) { $0.name = "web" } }
                guard case .nameInUse("web", let holder)? = error else {
                    Issue.record("\(error.map { "\($0)" } ?? "no error")")
                    return
                }
                #expect(holder == first.id.short)
            }
            try await node.service.remove(first, force: false)
            _ = try await node.create(["/bin/true"]) { $0.name = "web" }
        }
    }

    @Test("of many creations with one name at once, one succeeds")
    func nameRace() async throws {
        try await withNode { node in
            let made = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 { group.addTask { (try? await node.create(["/bin/true"]) { $0.name = "web" }) != nil } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(made == 1)
            #expect(node.service.list(all: true).count == 1)
            #expect(Files.names(node.root.appending("containers")).count == 1)
        }
    }

    @Test("a creation that fails at its last step, the record, takes its directories back")
    func recordFails() async throws {
        try await withNode { node in
            // Somebody else's row, which this daemon could not read.
            let id = ContainerID().text
            try node.metadata.insert(
                container: ContainerRecord(
                    id: id, name: "web", manifestDigest: TestNode.image.description, layerIDs: [], json: Array("{}".utf8), createdAt: ""))
            try await Self.expectNothingNew(node) {
                let error = await #expect(throws: ContainerError.self) { _ = try await node.create(["/bin/true"]) { $0.name = "web" } }
                guard case .metadata(.containerNameInUse("web"))? = error else {
                    Issue.record("\(error.map { "\($0)" } ?? "no error")")
                    return
                }
            }
            try node.metadata.delete(container: id)
            _ = try await node.create(["/bin/true"]) { $0.name = "web" }
        }
    }

    @Test("an image that is not there makes no container")
    func noImage() async throws {
        try await withNode { node in
            try await Self.expectNothingNew(node) {
                let image = RunnableImage.made(ImageConfig.ContainerConfig(), digest: .made("another"))
                var request = CreateContainerRequest(image: "i")
                request.arguments = ["x"]
                let error = await #expect(throws: ContainerError.self) { _ = try await node.service.create(request, image: image) }
                guard case .snapshots(.noSuchImage(_))? = error else {
                    Issue.record("\(error.map { "\($0)" } ?? "no error")")
                    return
                }
            }
        }
    }

    /// What can't be started, and the code that `run` gives back then.
    static let failures: [(words: [String], code: Int)] = [
        (["/no/such/program"], 127), (["no-such-program"], 127), (["/etc/text"], 126),
        (["/etc"], 126), (["/etc/text/x"], 127), (["/etc/no-interpreter"], 126),
    ]

    @Test(
        "a start that fails says at which step, with run's exit code; the container is as it was, again and again",
        arguments: failures.indices, [UpperMode.synced, .volatile])
    func failedStart(index: Int, mode: UpperMode) async throws {
        let failure = Self.failures[index]
        try await withNode(["etc/text": "no program", "etc/no-interpreter": "#!/no/such/shell\n"]) { node in
            let container = try await node.create(failure.words) { $0.upper = mode }
            for _ in 0..<2 {
                let error = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
                guard case .startFailed(container.id.short, _, _, let code, _)? = error else {
                    Issue.record("\(error.map { "\($0)" } ?? "no error")")
                    return
                }
                #expect(code == failure.code)
                #expect(container.summary.state == .created)
                #expect(container.summary.exit == nil && container.summary.pid == nil)
                #expect(!Files.exists(container.paths.state))
                #expect(try node.cgroups(container) == [])
                #expect(try node.mounts() == [])
            }
        }
    }

    @Test("a container that ended and then can't start keeps its end, and starts again when it can")
    func failedSecondStart() async throws {
        try await withNode { node in
            let source = node.base.appending("source")
            try makeDirectory(source, mode: 0o755)
            let container = try await node.create(shell: "exit 3") {
                $0.mounts = [MountRequest(type: .bind, source: source.string, target: "/data")]
                $0.upper = .volatile
            }
            try await node.service.start(container)
            let record = try await node.service.wait(container, for: .shimGone)
            try removeTree(source)
            let error = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(error?.description.contains("/data") == true)
            #expect(container.summary.state == .stopped)
            #expect(container.summary.exit == record.withoutTimings)
            try makeDirectory(source, mode: 0o755)
            try await node.service.start(container)
            #expect(try await node.service.wait(container, for: .stopped).exitCode == 3)
        }
    }

    @Test("a node without its shim is refused at once, with the path")
    func missingShim() async throws {
        try await withBase { base in
            let missing = base.appending("no-shim")
            let error = #expect(throws: ContainerError.self) { _ = try TestNode(base, shim: missing) }
            #expect(error?.description.contains(missing.string) == true)
        }
    }

    @Test("a shim that is something else fails the start, and nothing is left", arguments: ["/bin/true", "/etc/passwd"])
    func strangeShim(path: String) async throws {
        try await withNode(shim: FilePath(path)) { node in
            let container = try await node.create(["/bin/true"])
            await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(container.summary.state == .created)
            #expect(!Files.exists(container.paths.state))
            try await node.service.remove(container, force: false)
            try node.expectGone(container)
        }
    }

    @Test("a state directory that somebody cleaned away fails the start with its name, and a removal still works")
    func stateGone() async throws {
        try await withNode { node in
            let container = try await node.create(["/bin/true"])
            try removeTree(node.state)
            let error = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(error?.description.contains(node.state.string) == true)
            #expect(container.summary.state == .created)
            try await node.service.remove(container, force: false)
            try node.expectGone(container)
        }
    }
}
