// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import Logging
import Metadata
import OCI
import Snapshots
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A store on a root of its own.
struct Node {
    let root: FilePath
    let metadata: MetadataStore
    let snapshots: SnapshotStore

    init(
        _ root: FilePath, reserve: SpaceReserve = SpaceReserve(bytes: 0, inodes: 0), failpoint: Failpoint? = nil
    ) throws {
        self.root = root
        metadata = try Self.database(root.appending("meta.db"))
        snapshots = try SnapshotStore(
            root: root, metadata: metadata, reserve: reserve, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            failpoint: failpoint)
    }

    /// Programs that other tests start hold the lock of a store that has just gone, too, from their fork to their exec.
    private static func database(_ path: FilePath) throws -> MetadataStore {
        for _ in 0..<6000 {
            do { return try MetadataStore(path: path) } catch MetadataError.rootInUse { usleep(10_000) }
        }
        return try MetadataStore(path: path)
    }

    /// The names below one of the root's directories, sorted.
    func names(_ directory: String) throws -> [String] { try Files.names(root.appending(directory)) }
}

/// Runs the body with an empty directory, and removes it.
func withDirectory<Value>(_ body: (FilePath) throws -> Value) throws -> Value {
    var template = Array("/var/tmp/ctr-store-test-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } != nil }
    try #require(made)
    let path = FilePath(platformString: template)
    defer { try? removeTree(path) }
    return try body(path)
}

enum Files {
    static func names(_ path: FilePath) throws -> [String] {
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY)
        return try directory.entries(of: path.string).map { String(decoding: $0.0, as: UTF8.self) }.sorted()
    }

    static func write(_ path: FilePath, _ text: String, mode: mode_t = 0o644) throws {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try Array(text.utf8).span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(file, bytes, object: path.string) }
    }

    static func read(_ path: FilePath) throws -> String { String(decoding: try readFile(path, limit: 64 << 20), as: UTF8.self) }

    static func exists(_ path: FilePath) -> Bool { access(path.string, F_OK) == 0 }

    static func mode(_ path: FilePath) -> UInt32 {
        var status = stat()
        return lstat(path.string, &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}

/// Runs a shell command line.
/// - Throws: `Failure` where it ends with another status than 0.
func shell(_ line: String) throws {
    let outcome = try command(["/bin/sh", "-c", line])
    if outcome.code != 0 { throw Failure("\(line): \(outcome)") }
}

// MARK: - Made-up images

extension Digest {
    /// A digest of nothing in particular.
    static func made(_ name: String) -> Digest {
        var bytes: [UInt8] = []
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        while bytes.count < 32 {
            for byte in name.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
            bytes.append(UInt8(truncatingIfNeeded: state >> 32))
        }
        return Digest(sha256: bytes)
    }
}

func diffID(_ name: String) -> DiffID { DiffID(.made("diff \(name)")) }
func chainID(_ name: String) -> ChainID { ChainID(.made("chain \(name)")) }

/// An image of layers that are called by names, from the lowest up.
func image(_ name: String, _ layers: [String], fixup: String? = nil) -> ImageRecord {
    ImageRecord(
        manifestDigest: .made("manifest \(name)"), mediaType: "application/vnd.oci.image.manifest.v1+json",
        configDigest: .made("config \(name)"), platform: "linux/amd64",
        layers: layers.map { ImageRecord.Layer(diffID: diffID($0), blobDigest: .made("blob \($0)"), compressedBytes: 100) },
        fixup: fixup.map(chainID))
}

/// What the tree of a made-up layer must hold: one file, with this text.
func content(_ layer: String) -> String { String(repeating: "the layer \(layer) is whole\n", count: 400) }

extension Node {
    func extract(_ layer: String, key: LayerKey? = nil) throws -> NewLayer {
        let ingest = try snapshots.beginIngest()
        try Files.write(ingest.filesystem.appending("name"), content(layer))
        return NewLayer(
            ingest: ingest, key: key ?? .layer(diffID(layer)), size: LayerSize(uncompressedBytes: 10_240, diskBytes: 12_288, inodes: 2),
            facts: Array("{\"name\":\"\(layer)\"}".utf8))
    }

    /// Pulls: claims what is there, extracts what is not, commits.
    func pull(_ name: String, _ layers: [String], fixup: String? = nil, reference: String? = nil) throws {
        let lease = metadata.lease()
        defer { lease.release() }
        var new: [NewLayer] = []
        for layer in Set(layers).sorted() where try snapshots.claim(diffID(layer), for: lease) == nil { new.append(try extract(layer)) }
        if let fixup, try snapshots.claim(.fixup(chainID(fixup)), for: lease) == nil {
            new.append(try extract("fixup \(fixup)", key: .fixup(chainID(fixup))))
        }
        let image = image(name, layers, fixup: fixup)
        let references = reference.map {
            [ReferenceRecord(name: $0, manifestDigest: image.manifestDigest, resolvedDigest: image.manifestDigest)]
        }
        try snapshots.commit(image, layers: new, references: references ?? [], blobs: [])
    }

    func remove(_ name: String) throws {
        _ = try metadata.delete(image: image(name, []).manifestDigest)
        _ = try snapshots.removeUnreferencedLayers()
    }

    /// Every recorded layer is whole, each directory has its row, and nothing else lies about.
    func expectConsistent(_ comment: Comment, layers: Set<String>, _ location: SourceLocation = #_sourceLocation) throws {
        let recorded = try metadata.layers()
        #expect(Set(recorded.map(\.key)) == Set(layers.map { .layer(diffID($0)) }), comment, sourceLocation: location)
        #expect(try names("layers") == recorded.map(\.shortID).sorted(), comment, sourceLocation: location)
        #expect(try names("ingest") == [], comment, sourceLocation: location)
        for layer in layers {
            let record = try #require(try snapshots.committed(diffID(layer)), comment, sourceLocation: location)
            #expect(try Files.read(snapshots.filesystem(of: record).appending("name")) == content(layer), comment, sourceLocation: location)
            #expect(
                String(decoding: try snapshots.factsBytes(of: record), as: UTF8.self) == "{\"name\":\"\(layer)\"}", comment,
                sourceLocation: location)
        }
    }
}

func usleepTenth() { usleep(100_000) }
