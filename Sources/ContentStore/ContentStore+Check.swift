// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
package import Metadata
internal import OCI
internal import SystemPackage

/// How a stored blob differs from its record.
package struct BlobDifference: Sendable, Hashable {
    package var expected: String
    package var found: String
}

extension ContentStore {
    /// Compares a blob's file with its record: that it is there and as large; with `full`, its digest. Claim it before, so that it stays.
    /// - Returns: nil where nothing differs, and where it was cancelled.
    package func check(_ blob: BlobRecord, full: Bool, isCancelled: () -> Bool) throws(ContentError) -> BlobDifference? {
        let path = try path(of: blob.digest)
        let size: Int64
        do throws(KernelError) { size = try openFile(path, O_RDONLY | O_NOFOLLOW).status().size } catch {
            return BlobDifference(expected: "a file", found: "\(error.errno)")
        }
        guard size == blob.sizeInBytes else { return BlobDifference(expected: "\(blob.sizeInBytes) bytes", found: "\(size)") }
        guard full else { return nil }
        guard let found = try digest(path, isCancelled), found != blob.digest else { return nil }
        return BlobDifference(expected: "its digest", found: "\(found)")
    }

    private func digest(_ path: FilePath, _ isCancelled: () -> Bool) throws(ContentError) -> Digest? {
        let file = try kernelStep { () throws(KernelError) in try openFile(path, O_RDONLY | O_NOFOLLOW) }
        let raw = file.raw
        // The disk is to be read, not the cache.
        _ = posix_fadvise(raw, 0, 0, POSIX_FADV_DONTNEED)
        var hash = Hasher256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while !isCancelled() {
            var span = buffer.mutableSpan
            let count = try kernelStep { () throws(KernelError) in
                try span.withUnsafeMutableBytes { bytes throws(KernelError) in
                    let count = try kernel("read(2)", path.string) { read(raw, bytes.baseAddress, bytes.count) }
                    hash.update(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                    return count
                }
            }
            if count == 0 { return hash.digest() }
        }
        return nil
    }
}
