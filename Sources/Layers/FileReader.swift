// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// Reads files for their checksums.
struct FileReader {
    private(set) var bytes: Int64 = 0
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private let isCancelled: () -> Bool

    init(isCancelled: @escaping () -> Bool) { self.isCancelled = isCancelled }

    /// - Returns: nil where it was cancelled.
    mutating func checksum(_ directory: borrowing OwnedFD, _ name: EntryName, size: UInt64) throws(KernelError) -> UInt64? {
        let file = try directory.open(name, O_RDONLY | O_NONBLOCK)
        let raw = file.raw
        // What is to be read is the disk: pages that are cached would hide what has become of it. The kernel keeps those that a program has
        // mapped and those that are not written yet. Afterwards the pages go again: a check must not push out what containers work with.
        _ = posix_fadvise(raw, 0, 0, POSIX_FADV_DONTNEED)
        defer { _ = posix_fadvise(raw, 0, 0, POSIX_FADV_DONTNEED) }
        var sum = Checksum64()
        var position: UInt64 = 0
        while position < size {
            if isCancelled() { return nil }
            let data = try Self.nextData(raw, from: position, size: size, name)
            if data > position { sum.update(zeros: data - position) }
            position = data
            if position == size { break }
            var span = buffer.mutableSpan
            let count = try span.withUnsafeMutableBytes { part throws(KernelError) in
                let count = try kernel("pread(2)", display(name)) { pread(raw, part.baseAddress, part.count, off_t(position)) }
                sum.update(UnsafeRawBufferPointer(rebasing: part[..<count]))
                return count
            }
            // Shorter than it was a moment ago: the sum tells.
            if count == 0 { break }
            position += UInt64(count)
            bytes += Int64(count)
        }
        return sum.value
    }

    /// Holes are not read. Where the filesystem can't tell them, all is data.
    private static func nextData(_ raw: CInt, from position: UInt64, size: UInt64, _ name: EntryName) throws(KernelError) -> UInt64 {
        // Small files are read faster than they are asked for holes.
        if size <= 1 << 18 { return position }
        do throws(KernelError) {
            return UInt64(try kernel("lseek(2)", display(name)) { lseek(raw, off_t(position), CTR_SEEK_DATA) })
        } catch  where error.errno == .noSuchAddressOrDevice {
            return size
        } catch  where error.errno == .invalidArgument {
            return position
        }
    }
}
