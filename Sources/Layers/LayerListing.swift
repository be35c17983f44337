// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
package import SystemPackage

internal import struct Crypto.SHA256

/// Reads a layer's listing (`files` beside its `layer.json`), name by name: memory does not grow with it.
///
///     var listing = try LayerListing(path)
///     while let entry = try listing.next() { ... }
package struct LayerListing: ~Copyable {
    private let path: FilePath
    private let file: OwnedFD
    private var buffer: [UInt8] = []
    private var position = 0
    private var hasBegun = false
    private var isAtEnd = false
    private var hash = SHA256()
    private var previous: [UInt8] = []
    private var entries: Int64 = 0

    /// - Throws: `ListingError`; `.kernel` with ENOENT for a layer that was stored by a version without listings.
    package init(_ path: FilePath) throws(ListingError) {
        self.path = path
        file = try Self.open(path)
    }

    private mutating func begin() throws(ListingError) {
        guard try fill(ListingFormat.magic.count), buffer.starts(with: ListingFormat.magic) else {
            throw .damaged("it does not begin like one of this version")
        }
        position = ListingFormat.magic.count
        hasBegun = true
    }

    private static func open(_ path: FilePath) throws(ListingError) -> OwnedFD {
        do throws(KernelError) { return try openFile(path, O_RDONLY | O_NOFOLLOW) } catch { throw .kernel(error) }
    }

    /// What the whole listing is, known when `next` has returned nil.
    package private(set) var summary: ListingSummary?

    /// The next name; nil behind the last one. Names come in the archive's order, directories last, each behind what is in it.
    package mutating func next() throws(ListingError) -> ListingEntry? {
        guard let (entry, isRemoved) = try nextRecord() else { return nil }
        guard !isRemoved else { throw .damaged("it was not finished") }
        return entry
    }

    mutating func nextRecord() throws(ListingError) -> (entry: ListingEntry, isRemoved: Bool)? {
        if summary != nil { return nil }
        if !hasBegun { try begin() }
        let length = try recordLength()
        guard try fill(length) else { throw .damaged("it ends in the middle of a record") }
        var fields = ListingFields(buffer[position..<position + length])
        position += length
        let tag = try fields.byte()
        if tag & ListingFormat.kindMask == ListingFormat.Kind.end.rawValue {
            guard try fields.number() == UInt64(entries), try !fill(1) else { throw .damaged("its end does not fit") }
            summary = ListingSummary(digest: Digest(sha256: hash.finalize()), entries: entries)
            return nil
        }
        let object = try fields.object(tag: tag & ~ListingFormat.isRemoved)
        let shared = try fields.number()
        guard shared <= UInt64(previous.count) else { throw .damaged("a path shares more than there is") }
        previous.removeSubrange(Int(shared)...)
        previous += fields.rest
        entries += 1
        return (ListingEntry(path: previous, object: object), tag & ListingFormat.isRemoved != 0)
    }

    private mutating func recordLength() throws(ListingError) -> Int {
        // A length takes three bytes at most, and no record is the last thing in the file: the end has two bytes.
        _ = try fill(3)
        var fields = ListingFields(buffer[position..<min(buffer.count, position + 3)])
        let length = try fields.number()
        guard length > 0, length <= UInt64(ListingFormat.greatestLength) else { throw .damaged("a record of \(length) bytes") }
        position = fields.rest.startIndex
        return Int(length)
    }

    /// Has so many bytes at `position`. - Returns: false where the file ends before.
    private mutating func fill(_ count: Int) throws(ListingError) -> Bool {
        if buffer.count - position >= count { return true }
        buffer.removeSubrange(..<position)
        position = 0
        while buffer.count < count, !isAtEnd {
            let chunk = try readChunk()
            isAtEnd = chunk.isEmpty
            chunk.withUnsafeBytes { hash.update(bufferPointer: $0) }
            buffer += chunk
        }
        return buffer.count >= count
    }

    private func readChunk() throws(ListingError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var span = chunk.mutableSpan
        let raw = file.raw
        do throws(KernelError) {
            let count = try span.withUnsafeMutableBytes { bytes throws(KernelError) in
                try kernel("read(2)", path.string) { read(raw, bytes.baseAddress, bytes.count) }
            }
            return Array(chunk[..<count])
        } catch {
            throw .kernel(error)
        }
    }
}
