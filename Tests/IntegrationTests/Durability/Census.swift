// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metadata
import OCI
import RegistryFixtures
import SystemPackage
import TestSupport
import Testing

/// Who is in a root: rows against directories and files, both ways, down to the last byte of a layer.
enum Census {
    /// Looks at a root whose daemon has nothing to do.
    /// - Parameters:
    ///   - layers: what the directory of each layer and fix-up must hold, by key.
    ///   - others: there may be more layers than these.
    ///   - lostContainers: rows may be there whose directories a power cut took.
    /// - Returns: the IDs of the images.
    @discardableResult
    static func take(
        _ root: String, layers expected: [String: TreeListing], others: Bool = false, lostContainers: Bool = false, _ comment: Comment,
        _ location: SourceLocation = #_sourceLocation
    ) throws -> Set<String> {
        func check<Value: Equatable>(_ found: Value, _ wanted: Value, _ what: String) {
            #expect(found == wanted, "\(comment): \(what)", sourceLocation: location)
        }
        let rows = try Rows(root)
        check(try names(root, "layers"), Set(rows.layers.map(\.shortID)), "layers/ against the rows")
        check(try names(root, "ingest"), [], "ingest/")
        check(try names(root, "trash"), [], "trash/")
        check(try names(root, "replaced"), [], "replaced/")
        let directories = try names(root, "containers")
        check(directories.subtracting(rows.containers), [], "containers/ against the rows")
        if !lostContainers { check(Set(rows.containers).subtracting(directories), [], "rows of containers against the directories") }
        check(Set(rows.ids.keys).subtracting(rows.containers), [], "ids against the rows of containers")
        check(try names(root, "content/blobs/sha256"), Set(rows.blobs.map(\.digest.hex)), "blobs against the rows")
        check(Set(rows.layers.map(\.key)), Set(rows.images.flatMap(\.layerKeys)), "layers against the images")
        let (blobs, documents) = (Set(rows.blobs.map(\.digest)), Set(rows.images.flatMap(documents)))
        check(documents.subtracting(blobs), [], "documents of the images")
        check(blobs.subtracting(documents).subtracting(rows.images.flatMap(\.layers).compactMap(\.blobDigest)), [], "other blobs")
        for layer in rows.layers {
            let found = try TreeListing(of: "\(root)/layers/\(layer.shortID)/fs")
            let key = layer.key.text.replacing("fixup:", with: "")
            if let wanted = expected[key] {
                check(found.difference(from: wanted), [], "layer \(layer.key.text)")
            } else if !others {
                Issue.record("\(comment): an unexpected layer \(layer.key.text)", sourceLocation: location)
            }
        }
        for blob in rows.blobs {
            let bytes = try Data(contentsOf: URL(filePath: "\(root)/content/blobs/sha256/\(blob.digest.hex)"))
            check(digest(of: Array(bytes)), blob.digest, "a blob's content")
            check(Int64(bytes.count), blob.sizeInBytes, "a blob's size")
        }
        return Set(rows.images.map(\.configDigest.description))
    }

    private static func documents(of image: ImageRecord) -> [Digest] {
        [image.manifestDigest, image.configDigest] + [image.indexDigest].compactMap { $0 }
    }

    private static func names(_ root: String, _ place: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(place)"))
    }

    /// What the database says, read from a copy: the daemon has the lock.
    private struct Rows {
        let layers: [LayerRecord]
        let images: [ImageRecord]
        let blobs: [BlobRecord]
        let containers: [String]
        let ids: [String: IDRange]

        init(_ root: String) throws {
            let copy = FileManager.default.temporaryDirectory.appending(path: "ctr-swift-census-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: copy) }
            for name in ["meta.db", "meta.db-wal"] where FileManager.default.fileExists(atPath: "\(root)/\(name)") {
                try FileManager.default.copyItem(atPath: "\(root)/\(name)", toPath: copy.path + "/" + name)
            }
            let store = try MetadataStore(path: FilePath(copy.path + "/meta.db"))
            layers = try store.layers()
            images = try store.images()
            blobs = try store.blobs()
            containers = try store.containers().map(\.id)
            ids = try store.idRanges()
        }
    }
}
