// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import Metadata
package import OCI
internal import Synchronization
package import SystemPackage

/// Blobs as registries know them, one file each: `<root>/content/blobs/sha256/<hex>`. Manifests, indexes and configs; layer blobs where
/// they shall be kept.
///
/// A blob is written aside in `ingest/`, checked, synced, renamed, and then recorded: a file with a row is whole. Calls block.
package final class ContentStore: Sendable {
    package let metadata: MetadataStore
    let blobs: FilePath
    private let ingest: FilePath
    private let counter = Atomic<UInt64>(0)

    /// Makes the directories, and removes files that no row speaks of and blobs that no image holds. Nothing may be under way yet.
    package init(root: FilePath, metadata: MetadataStore) throws(ContentError) {
        self.metadata = metadata
        let content = root.appending("content")
        blobs = content.appending("blobs").appending("sha256")
        ingest = root.appending("ingest")
        let directories = [content, content.appending("blobs"), blobs, ingest]
        try kernelStep { () throws(KernelError) in
            for directory in directories { try makeDirectory(directory, mode: 0o700) }
        }
        try sweep()
        try removeUnreferenced()
    }

    /// - Throws: `ContentError.unsupportedAlgorithm`; only SHA-256 names become paths.
    package func path(of digest: Digest) throws(ContentError) -> FilePath {
        guard digest.algorithm == .sha256 else { throw .unsupportedAlgorithm(digest) }
        return blobs.appending(digest.hex)
    }

    // MARK: - Whole documents

    /// Stores a document, on stable storage on return. It stays at least until the lease ends, and as long as an image is recorded with it.
    /// One that is stored and undamaged is left as it is.
    /// - Throws: `ContentError.digestMismatch`, `.sizeMismatch`: nothing is stored then.
    package func put(_ bytes: [UInt8], as digest: Digest, size: Int64? = nil, mediaType: String, for lease: Lease) throws(ContentError) {
        if let size, size != bytes.count { throw .sizeMismatch(digest, expected: size, found: Int64(bytes.count)) }
        let found = Hasher256.digest(of: bytes)
        let place = try path(of: digest)
        guard found == digest else { throw .digestMismatch(expected: digest, found: found, stored: false) }
        let recorded = try metadataStep { () throws(MetadataError) in try metadata.claim(blob: digest, for: lease) }
        if recorded != nil, (try? readFile(place, limit: bytes.count)) == bytes { return }
        let writer = try beginBlob(digest, size: Int64(bytes.count), mediaType: mediaType, for: lease)
        try bytes.span.withUnsafeBytes { buffer throws(ContentError) in try writer.write(buffer) }
        try writer.finish()
    }

    /// - Returns: the document, verified.
    /// - Throws: `ContentError.notFound`, `.tooLarge`, `.digestMismatch`.
    package func get(_ digest: Digest, limit: Int) throws(ContentError) -> [UInt8] {
        let path = try path(of: digest)
        let bytes: [UInt8]
        do throws(KernelError) { bytes = try readFile(path, limit: limit) } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: throw .notFound(digest)
            case .fileTooLarge: throw .tooLarge(digest, size: try size(of: path), limit: limit)
            default: throw .kernel(error)
            }
        }
        let found = Hasher256.digest(of: bytes)
        guard found == digest else { throw .digestMismatch(expected: digest, found: found, stored: true) }
        return bytes
    }

    /// Recorded, and its file is there.
    package func contains(_ digest: Digest) throws(ContentError) -> Bool {
        guard try metadataStep({ () throws(MetadataError) in try metadata.blob(digest) }) != nil else { return false }
        let path = try path(of: digest)
        return try kernelStep { () throws(KernelError) in
            do throws(KernelError) {
                _ = try openFile(path, O_RDONLY | O_NOFOLLOW)
                return true
            } catch  where error.errno == .noSuchFileOrDirectory {
                return false
            }
        }
    }

    // MARK: - Streams

    /// Takes a blob in pieces, such as a layer that shall be kept. Nothing is stored before `BlobWriter.finish`.
    package func beginBlob(_ digest: Digest, size: Int64?, mediaType: String, for lease: Lease) throws(ContentError) -> BlobWriter {
        let place = try path(of: digest)
        _ = try metadataStep { () throws(MetadataError) in try metadata.claim(blob: digest, for: lease) }
        return try BlobWriter(
            BlobRecord(digest: digest, sizeInBytes: size ?? -1, mediaType: mediaType), aside: asidePath("blob"), place: place,
            metadata: metadata)
    }

    /// Opens a stored blob for reading. Its bytes are not verified: the reader hashes them, as it does those from a registry.
    package func open(_ digest: Digest) throws(ContentError) -> OwnedFD {
        let path = try path(of: digest)
        do throws(KernelError) { return try openFile(path, O_RDONLY | O_NOFOLLOW) } catch {
            if error.errno == .noSuchFileOrDirectory { throw .notFound(digest) }
            throw .kernel(error)
        }
    }

    /// An empty file for bytes that must be read more than once, such as an image archive from a client. Remove it with `removeSpoolFile`;
    /// the next start does.
    package func newSpoolFile() throws(ContentError) -> FilePath {
        let path = asidePath("spool")
        return try kernelStep { () throws(KernelError) in
            _ = try openFile(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            return path
        }
    }

    package func removeSpoolFile(_ path: FilePath) throws(ContentError) {
        try kernelStep { () throws(KernelError) in try unlinkFile(path) }
    }

    // MARK: - Removal

    /// Removes the blobs that no image and no lease holds: rows first and durably, then the files.
    @discardableResult
    package func removeUnreferenced() throws(ContentError) -> [BlobRecord] {
        var failed: KernelError?
        let removed = try metadataStep { () throws(MetadataError) in
            // In one go with the rows: a later `put` of the same digest finds the file gone, or leaves its own.
            try metadata.removeUnreferencedBlobs { records in failed = unlink(records) }
        }
        if let failed { throw .kernel(failed) }
        return removed
    }

    /// The files of blobs whose rows went in this moment.
    /// - Returns: the last failure; what is left is swept by the next start.
    package func unlink(_ records: [BlobRecord]) -> KernelError? {
        StoreStep.blobsForgotten.reach()
        var failed: KernelError?
        for record in records {
            do throws(KernelError) { try unlinkFile(blobs.appending(record.digest.hex)) } catch { failed = error }
        }
        StoreStep.blobsRemoved.reach()
        return failed
    }

    /// What a blob's file takes, in blocks x 512. One that is not there takes nothing.
    package func measure(_ record: BlobRecord) throws(ContentError) -> TreeUsage {
        let path = try path(of: record.digest)
        return try kernelStep { () throws(KernelError) in
            do throws(KernelError) {
                return TreeUsage(bytes: try openFile(path, O_RDONLY | O_NOFOLLOW).status().blocks * 512, inodes: 1)
            } catch  where error.errno == .noSuchFileOrDirectory {
                return TreeUsage()
            }
        }
    }

    private func sweep() throws(ContentError) {
        let recorded = Set(try metadataStep { () throws(MetadataError) in try metadata.blobs() }.map(\.digest.hex))
        try kernelStep { () throws(KernelError) in
            let directory = try openFile(blobs, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            for (name, _) in try directory.entries(of: blobs.string) where !recorded.contains(String(decoding: name, as: UTF8.self)) {
                try directory.remove(name, directory: false)
                StoreStep.strayBlobSwept.reach()
            }
        }
    }

    private func asidePath(_ kind: String) -> FilePath {
        ingest.appending("\(kind)-\(getpid())-\(counter.add(1, ordering: .relaxed).newValue)")
    }

    private func size(of path: FilePath) throws(ContentError) -> Int64 {
        try kernelStep { () throws(KernelError) in try openFile(path, O_RDONLY | O_NOFOLLOW).status().size }
    }
}
