// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import JSON
import Linux
import Metadata
import ShimProtocol
import Snapshots
import SystemPackage
import Testing

/// One daemon after another on the same root, in this one process.
enum Daemons {
    /// The shims are this process's children still: somebody has to take their end.
    static func reap(_ pid: Int32?, _ location: SourceLocation = #_sourceLocation) async throws {
        guard let pid else { return }
        try await eventually("the shim ends", location) { waitpid(pid, nil, WNOHANG) != 0 }
    }

    /// Runs until SIGUSR1 comes.
    static func untilSignal(_ node: TestNode, _ container: Container) async throws -> Container {
        try await node.service.start(container)
        try await eventually("it is ready") { (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true }
        return container
    }

    static func signal(_ container: Container) throws {
        #expect(kill(try #require(container.started).pid, SIGUSR1) == 0)
    }

    /// The first daemon's part, without its end of containers; then `between`; then the second's.
    static func follow(
        _ first: (TestNode) async throws -> [Container], between: ([Container]) async throws -> Void = { _ in },
        then second: (TestNode, [Container]) async throws -> Void
    ) async throws {
        try await withBase { base in
            let old = try await Self.firstDaemon(base, first)
            try await between(old)
            let node = try await Self.reopen(base)
            let found = try old.map { try node.service.find($0.id.text) }
            try await node.use { node in try await second(node, found) }
            for container in old { waitpid(container.shimPID ?? -2, nil, WNOHANG) }
        }
    }

    static func firstDaemon(_ base: FilePath, _ body: (TestNode) async throws -> [Container]) async throws -> [Container] {
        let node = try TestNode(base)
        try node.install()
        var made: [Container] = []
        try await node.use(leaving: true) { made = try await body($0) }
        return made
    }

    /// The root's lock is free when the last reference to the old store is gone, which a thread may still hold for a moment.
    static func reopen(_ base: FilePath) async throws -> TestNode {
        for _ in 0..<12_000 {
            do {
                let node = try TestNode(base)
                try await node.service.restore()
                return node
            } catch MetadataError.rootInUse {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        return try TestNode(base)
    }
}
