// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Metadata
internal import OCI
internal import Synchronization
internal import SystemPackage

/// One blob on its way into the store: it can't be finished unverified. Without `finish` the file goes with the last reference.
package final class BlobWriter: Sendable {
    private struct State: Sendable {
        var hash = Hasher256()
        var count: Int64 = 0
        var ended = false
    }

    private let record: BlobRecord
    private let aside: FilePath
    private let place: FilePath
    private let metadata: MetadataStore
    private let file: OwnedFD
    /// One thread at a time writes; the lock is for the compiler's peace and never waited for.
    private let state = Mutex(State())

    /// - Parameter record: a size below 0 is not known yet.
    init(_ record: BlobRecord, aside: FilePath, place: FilePath, metadata: MetadataStore) throws(ContentError) {
        self.record = record
        self.aside = aside
        self.place = place
        self.metadata = metadata
        file = try kernelStep { () throws(KernelError) in try openFile(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600) }
        StoreStep.blobBegun.reach()
    }

    deinit { abandon() }

    /// Gives the blob up: its file is gone on return. After `finish`, or a second time, it does nothing.
    package func abandon() {
        let isFirst = state.withLock { state in
            defer { state.ended = true }
            return !state.ended
        }
        if isFirst { try? unlinkFile(aside) }
    }

    /// - Throws: `ContentError.sizeMismatch` as soon as there is too much.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(ContentError) {
        let count = state.withLock { state in
            state.hash.update(bytes)
            state.count += Int64(bytes.count)
            return state.count
        }
        if record.sizeInBytes >= 0, count > record.sizeInBytes {
            throw .sizeMismatch(record.digest, expected: record.sizeInBytes, found: count)
        }
        try kernelStep { () throws(KernelError) in try writeAll(file, bytes, object: aside.string) }
    }

    /// Checks size and digest, and stores the blob: on stable storage on return.
    package func finish() throws(ContentError) {
        let (found, count) = state.withLock { state in (state.hash.digest(), state.count) }
        if record.sizeInBytes >= 0, count != record.sizeInBytes {
            throw .sizeMismatch(record.digest, expected: record.sizeInBytes, found: count)
        }
        guard found == record.digest else { throw .digestMismatch(expected: record.digest, found: found, stored: false) }
        StoreStep.blobWritten.reach()
        try kernelStep { () throws(KernelError) in
            try syncFile(file, object: aside.string)
            try renameFile(aside, to: place)
            state.withLock { $0.ended = true }
            try syncDirectory(place.removingLastComponent())
        }
        StoreStep.blobPlaced.reach()
        try metadataStep { () throws(MetadataError) in
            try metadata.record(BlobRecord(digest: record.digest, sizeInBytes: count, mediaType: record.mediaType))
        }
        StoreStep.blobRecorded.reach()
    }
}
