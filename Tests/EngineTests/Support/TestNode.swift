// SPDX-License-Identifier: Apache-2.0

import APITypes
import Engine
import Foundation
import Glibc
import Linux
import Logging
import RegistryFixtures
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What was logged, for tests of what is said.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var logger: Logger {
        Logger(label: "test") { [self] _ in Handler(lines: self) }
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.notice
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { lines.add("\(event.level) \(event.message)") }
    }
}

/// The engine on a temporary root, in this process.
struct TestNode: Sendable {
    let directory: FilePath
    let runtime: NodeRuntime
    let lines: Lines

    var root: FilePath { FilePath(runtime.configuration.root) }

    /// - Parameters:
    ///   - disk: megabytes of an ext4 of its own for the root; nil: it lies in the test's directory.
    ///   - inodes: of that disk.
    static func with<Value>(
        disk: Int? = nil, inodes: Int? = nil, _ change: (inout NodeConfiguration) -> Void = { _ in },
        _ body: (TestNode) async throws -> Value
    ) async throws -> Value {
        let directory = FilePath("/var/tmp/ctr-engine-test-\(UInt64.random(in: 0 ... .max))")
        try makeDirectory(directory, mode: 0o711)
        defer { try? removeTree(directory) }
        let mounted = directory.appending("disk")
        if let disk {
            try makeDirectory(mounted, mode: 0o755)
            let options = inodes.map { ["-N", "\($0)"] } ?? []
            try run(["truncate", "-s", "\(disk)M", "\(directory)/image"])
            try run(["mkfs.ext4", "-q", "-m", "0"] + options + ["\(directory)/image"])
            try run(["mount", "-o", "loop", "\(directory)/image", mounted.string])
        }
        defer { if disk != nil { try? run(["umount", mounted.string]) } }
        // No container is started here: any program may stand for the shim.
        var configuration = NodeConfiguration(
            root: (disk == nil ? directory : mounted).appending("root").string, state: directory.appending("state").string,
            shimPath: "/bin/true")
        configuration.cgroupParent = directory.lastComponent?.string ?? ""
        configuration.reserveBytes = 0
        configuration.reserveInodes = 0
        configuration.reconcileSeconds = 0
        change(&configuration)
        let lines = Lines()
        let runtime = try await NodeRuntime.start(configuration, logger: lines.logger)
        let result: Result<Value, any Error>
        do { result = .success(try await body(TestNode(directory: directory, runtime: runtime, lines: lines))) } catch {
            result = .failure(error)
        }
        await runtime.stop()
        return try result.get()
    }

    private static func run(_ words: [String]) throws {
        let outcome = try command(words)
        guard outcome.code == 0 else { throw Failure("\(words): \(outcome)") }
    }

    /// The image comes by a pull from a registry of its own.
    @discardableResult
    func pull(_ image: MadeImage, _ name: String) async throws -> ImageSummary {
        try await ScriptedRegistry.serve({ image.answer($0) }) { registry in
            try await runtime.pull(PullRequest(reference: "\(registry.host)/\(name):1")) { _ in }
        }
    }

    func create(_ image: ImageSummary) async throws -> String {
        var request = CreateContainerRequest(image: image.id)
        request.arguments = ["true"]
        return try await runtime.createContainer(request, start: false).id
    }

    func names(_ directory: String) throws -> [String] {
        let path = root.pushing(FilePath(directory))
        return try openFile(path, O_RDONLY | O_DIRECTORY).entries(of: path.string).map { String(decoding: $0.0, as: UTF8.self) }.sorted()
    }
}
