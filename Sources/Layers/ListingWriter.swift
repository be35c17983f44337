// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

internal import struct Crypto.SHA256

/// Writes a layer's listing while the layer is unpacked: one write(2) for some 2,000 names, and no memory but a buffer.
///
/// Names that later entries take away are marked in their place. `finish` then leaves them out, in a second pass that few layers need.
final class ListingWriter {
    private static let bufferSize = 1 << 16
    /// What a file or a link takes, but for its path, is less than this.
    private static let mostOfRecord = 8192

    private let path: FilePath
    private let file: OwnedFD
    private var buffer: [UInt8]
    private var body: [UInt8] = []
    /// Bytes that are in the file.
    private var written: Int64 = 0
    private var hash = SHA256()
    private var previous: [UInt8] = []
    private var entries: Int64 = 0
    private var removed = false
    private var lastIdentity: UInt64 = 0

    /// - Parameter path: nothing is there yet.
    init(_ path: FilePath) throws(KernelError) {
        self.path = path
        file = try openFile(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        buffer = ListingFormat.magic
        buffer.reserveCapacity(Self.bufferSize + 1024)
    }

    /// Adds a name with a new object. - Returns: where it is: for `repeat` and `remove`.
    func append(_ object: ListedObject, at path: [UInt8]) throws(KernelError) -> Int64 {
        var object = object
        lastIdentity += 1
        object.identity = lastIdentity
        return try write(object, path)
    }

    /// Adds another name of a file.
    /// - Throws: also where the file can't be read back.
    func repeated(_ place: Int64, at path: [UInt8]) throws(LayerError) -> Int64 {
        do throws(ListingError) {
            let bytes = try kernelStep { () throws(KernelError) in try read(at: place, upTo: Self.mostOfRecord) }
            var fields = ListingFields(bytes[...])
            let tag = try fields.byte()
            let object = try fields.object(tag: tag & ~ListingFormat.isRemoved)
            return try kernelStep { () throws(KernelError) in try write(object, path) }
        } catch {
            throw LayerError(listing: error, self.path)
        }
    }

    /// The name at a place is no more.
    func remove(_ place: Int64) throws(KernelError) {
        removed = true
        if place >= written {
            buffer[Int(place - written)] |= ListingFormat.isRemoved
            return
        }
        var tag = [try read(at: place, upTo: 1)[0] | ListingFormat.isRemoved]
        let raw = file.raw
        try kernel("pwrite(2)", path.string) { pwrite(raw, &tag, 1, off_t(place)) }
    }

    /// Ends the listing; it is not synced yet.
    func finish() throws(LayerError) -> ListingSummary {
        do throws(ListingError) {
            if removed { return try withoutRemoved() }
            return try kernelStep { () throws(KernelError) in try end() }
        } catch {
            throw LayerError(listing: error, path)
        }
    }

    // MARK: -

    private func write(_ object: ListedObject, _ path: [UInt8]) throws(KernelError) -> Int64 {
        body.removeAll(keepingCapacity: true)
        ListingFormat.encode(object, into: &body)
        let shared = Self.shared(previous, path)
        ListingFormat.append(UInt64(shared), to: &body)
        body += path[shared...]
        previous.removeAll(keepingCapacity: true)
        previous += path
        entries += 1
        return try appendRecord()
    }

    private func appendRecord() throws(KernelError) -> Int64 {
        if buffer.count + body.count > Self.bufferSize { try flush() }
        ListingFormat.append(UInt64(body.count), to: &buffer)
        let place = written + Int64(buffer.count)
        buffer += body
        return place
    }

    private static func shared(_ first: [UInt8], _ second: [UInt8]) -> Int {
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                let limit = min(first.count, second.count)
                var count = 0
                while count < limit, first[count] == second[count] { count += 1 }
                return count
            }
        }
    }

    private func flush() throws(KernelError) {
        var bytes: [UInt8] = []
        swap(&bytes, &buffer)
        try bytes.span.withUnsafeBytes { part throws(KernelError) in
            hash.update(bufferPointer: part)
            try writeAll(file, part, object: path.string)
        }
        written += Int64(bytes.count)
        bytes.removeAll(keepingCapacity: true)
        swap(&bytes, &buffer)
    }

    private func end() throws(KernelError) -> ListingSummary {
        body.removeAll(keepingCapacity: true)
        body.append(ListingFormat.Kind.end.rawValue)
        ListingFormat.append(UInt64(entries), to: &body)
        _ = try appendRecord()
        try flush()
        return ListingSummary(digest: Digest(sha256: hash.finalize()), entries: entries)
    }

    /// The bytes at a place, or as many as there are, from the file or the buffer.
    private func read(at place: Int64, upTo limit: Int) throws(KernelError) -> [UInt8] {
        if place >= written {
            let start = Int(place - written)
            return Array(buffer[start..<min(buffer.count, start + limit)])
        }
        var bytes = [UInt8](repeating: 0, count: limit)
        var span = bytes.mutableSpan
        let raw = file.raw
        let count = try span.withUnsafeMutableBytes { part throws(KernelError) in
            try kernel("pread(2)", path.string) { pread(raw, part.baseAddress, part.count, off_t(place)) }
        }
        guard count > 0 else { throw KernelError(call: "pread(2)", object: path.string, errno: .ioError) }
        return Array(bytes[..<count])
    }

    private func withoutRemoved() throws(ListingError) -> ListingSummary {
        let aside = FilePath(path.string + ".new")
        _ = try kernelStep { () throws(KernelError) in try end() }
        var old = try LayerListing(path)
        let new = try kernelStep { () throws(KernelError) in try ListingWriter(aside) }
        while let (entry, isRemoved) = try old.nextRecord() {
            if !isRemoved { _ = try kernelStep { () throws(KernelError) in try new.write(entry.object, entry.path) } }
        }
        return try kernelStep { () throws(KernelError) in
            let summary = try new.end()
            try renameFile(aside, to: path)
            return summary
        }
    }

    private func kernelStep<Value>(_ body: () throws(KernelError) -> Value) throws(ListingError) -> Value {
        do throws(KernelError) { return try body() } catch { throw .kernel(error) }
    }
}

extension LayerError {
    init(listing error: ListingError, _ path: FilePath) {
        switch error {
        case .kernel(let error): self = .kernel(entry: path.string, error)
        case .damaged(let reason): self = .entry(path.string, reason: reason)
        }
    }
}
