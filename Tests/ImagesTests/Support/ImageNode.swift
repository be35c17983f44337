// SPDX-License-Identifier: Apache-2.0

import APITypes
import ContentStore
import Glibc
import Images
import Linux
import Logging
import Metadata
import OCI
import Registry
import RegistryFixtures
import Snapshots
import SystemPackage
import Testing

extension Trait where Self == ConditionTrait {
    /// Layers hold files of any owner.
    static var asRoot: Self { .enabled("needs root: run `make test` as root") { geteuid() == 0 } }
}

/// The images of a node on a temporary root.
struct ImageNode: Sendable {
    let root: FilePath
    let metadata: MetadataStore
    let snapshots: SnapshotStore
    let content: ContentStore
    let images: ImageService

    /// - Parameter failpoint: ends the store's work between its steps.
    static func with<Value>(
        _ configuration: ImageConfiguration = ImageConfiguration(), stall: Duration? = nil, failpoint: Failpoint? = nil,
        _ body: (ImageNode) async throws -> Value
    ) async throws -> Value {
        var template = Array("/var/tmp/ctr-images-test-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } != nil }
        try #require(made)
        let root = FilePath(platformString: template)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var registries = RegistryConfiguration()
        if let stall { registries.timing.stall = stall }
        let client = RegistryClient(configuration: registries, clock: TestClock().clock, logger: logger)
        let result: Result<Value, any Error>
        do {
            let metadata = try MetadataStore(path: root.appending("meta.db"))
            let snapshots = try SnapshotStore(
                root: root, metadata: metadata, reserve: SpaceReserve(bytes: 0, inodes: 0), logger: logger, failpoint: failpoint)
            let content = try ContentStore(root: root, metadata: metadata)
            let images = ImageService(
                registry: client, content: content, snapshots: snapshots, metadata: metadata, configuration: configuration, logger: logger)
            result = .success(
                try await body(ImageNode(root: root, metadata: metadata, snapshots: snapshots, content: content, images: images)))
        } catch {
            result = .failure(error)
        }
        await client.shutdown()
        try? removeTree(root)
        return try result.get()
    }

    @discardableResult
    func pull(_ name: String, platform: String? = nil, events: Events = Events()) async throws -> ImageRecord {
        try await images.pull(
            try ImageReference(parsing: name), platform: platform.flatMap { Platform(parsing: $0) }, credentials: nil,
            progress: { events.note($0) })
    }

    /// The names below one of the root's directories, sorted.
    func names(_ directory: String) throws -> [String] {
        let path = root.appending(FilePath(directory).components)
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY)
        return try directory.entries(of: path.string).map { String(decoding: $0.0, as: UTF8.self) }.sorted()
    }

    /// The text of a file in a stored layer.
    func read(_ layer: [UInt8], _ name: String) throws -> String {
        let record = try #require(try snapshots.committed(DiffID(digest(of: layer))))
        return String(decoding: try readFile(snapshots.filesystem(of: record).appending(name), limit: 1 << 20), as: UTF8.self)
    }

    func holds(_ layer: [UInt8]) throws -> Bool { try snapshots.committed(DiffID(digest(of: layer))) != nil }

    /// I3: a refusal leaves nothing.
    func expectNothing(_ comment: Comment? = nil, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try images.images().isEmpty, comment, sourceLocation: location)
        #expect(try images.references().isEmpty, comment, sourceLocation: location)
        #expect(try metadata.layers().isEmpty, comment, sourceLocation: location)
        #expect(try metadata.blobs().isEmpty, comment, sourceLocation: location)
        for directory in ["layers", "ingest", "content/blobs/sha256"] {
            #expect(try names(directory) == [], comment, sourceLocation: location)
        }
    }
}

/// Another failure than the one that was to come, or none.
func unexpected(_ error: (any Error)?, _ location: SourceLocation = #_sourceLocation) {
    Issue.record("\(error.map { "\($0)" } ?? "it did not fail")", sourceLocation: location)
}

/// What an operation failed with.
func failure<Value>(_ body: () async throws -> Value) async -> ImageError? {
    do {
        _ = try await body()
        return nil
    } catch let error as ImageError {
        return error
    } catch {
        Issue.record("not an ImageError: \(error)")
        return nil
    }
}
