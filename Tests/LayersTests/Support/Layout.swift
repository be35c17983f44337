// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import OCI
import SystemPackage
import Testing

/// An OCI image layout directory with images by their names, for other tools to read.
struct Layout {
    let path: FilePath
    private var blobs: FilePath { path.appending("blobs").appending("sha256") }

    /// - Parameter images: names, each with the layers of plain tar.
    init(_ images: [(name: String, layers: [[UInt8]])], at path: FilePath) throws {
        self.path = path
        _ = try makeDirectory(makeDirectory(makeDirectory(path).appending("blobs")).appending("sha256"))
        let manifests = try images.map { image in
            try manifest(image.layers) + #","annotations":{"org.opencontainers.image.ref.name":"\#(image.name)"}}"#
        }
        let index = #"{"schemaVersion":2,"manifests":[\#(manifests.joined(separator: ","))]}"#
        try Self.write(Array(index.utf8), to: path.appending("index.json"))
        try Self.write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: path.appending("oci-layout"))
    }

    private func manifest(_ layers: [[UInt8]]) throws -> String {
        let descriptors = try layers.map { try put($0, "layer.v1.tar") + "}" }
        let diffIDs = layers.map { "\"\(digest($0))\"" }.joined(separator: ",")
        let config = try put(
            Array(#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[\#(diffIDs)]}}"#.utf8),
            "config.v1+json")
        let document = #"{"schemaVersion":2,"config":\#(config)},"layers":[\#(descriptors.joined(separator: ","))]}"#
        return try put(Array(document.utf8), "manifest.v1+json")
    }

    /// A descriptor without its last brace.
    private func put(_ bytes: [UInt8], _ type: String) throws -> String {
        let digest = digest(bytes)
        if access(blobs.appending(digest.hex).string, F_OK) != 0 { try Self.write(bytes, to: blobs.appending(digest.hex)) }
        return #"{"mediaType":"application/vnd.oci.image.\#(type)","digest":"\#(digest)","size":\#(bytes.count)"#
    }

    static func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        try bytes.span.withUnsafeBytes { buffer throws(KernelError) in try writeAll(file, buffer, object: path.string) }
    }
}

/// An image that another tool wrote, unpacked by this project, and seen through an overlay mount.
struct ForeignImage {
    let manifest: ImageManifest
    private let blobs: FilePath

    /// The image of this name in an OCI layout.
    init(_ name: String, inLayout layout: FilePath) throws {
        blobs = layout.appending("blobs").appending("sha256")
        guard case .index(let index) = try ImageDocument.parse(readFile(layout.appending("index.json"))),
            let entry = index.manifests.first(where: { $0.annotations?["org.opencontainers.image.ref.name"] == name }),
            case .manifest(let manifest) = try ImageDocument.parse(
                readFile(blobs.appending(entry.digest.hex)), descriptorMediaType: entry.mediaType)
        else {
            throw TestError("no manifest \(name) in \(layout)")
        }
        self.manifest = manifest
    }

    /// What skopeo writes as `dir:`.
    init(inDirectory directory: FilePath) throws {
        blobs = directory
        guard case .manifest(let manifest) = try ImageDocument.parse(readFile(directory.appending("manifest.json"))) else {
            throw TestError("no manifest in \(directory)")
        }
        self.manifest = manifest
    }

    private func read(_ digest: Digest) throws -> [UInt8] { try readFile(blobs.appending(digest.hex), limit: 1 << 30) }

    /// - Parameter directory: is made.
    func merged(in directory: FilePath) throws -> Listing {
        let config = try ImageConfig.parse(read(manifest.config.digest))
        var stack = Stack(try makeDirectory(directory))
        #expect(manifest.layers.count == config.rootfs.diffIDs.count)
        for (descriptor, diffID) in zip(manifest.layers, config.rootfs.diffIDs) {
            let place = try makeDirectory(directory.appending("layer\(stack.layers.count)"))
            let facts = try LayerExtractor.extract(
                from: BlobSource(try read(descriptor.digest)),
                expecting: LayerExpectation(
                    digest: descriptor.digest, size: descriptor.size, diffID: diffID, mediaType: descriptor.mediaType),
                into: place)
            stack.layers.append(StackedLayer(facts: facts, directory: place))
        }
        return try stack.merged()
    }
}

struct TestError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
