// SPDX-License-Identifier: Apache-2.0

internal import CLinux
package import Glibc
internal import SystemPackage

// Calls on one name in one open directory. A name is bytes as they are, without "/" and NUL; nothing here walks a path,
// so nothing here can be led astray by a link. What a name is in messages is its printable form.

/// A name in a directory, as bytes.
package typealias EntryName = [UInt8]

extension OwnedFD {
    package borrowing func makeDirectory(_ name: EntryName, mode: mode_t) throws(KernelError) {
        let raw = raw
        try withName(name) { pointer throws(KernelError) in
            _ = try kernel("mkdirat(2)", display(name)) { mkdirat(raw, pointer, mode) }
        }
    }

    /// Opens what is there, never through a link. `O_CLOEXEC` and `O_NOFOLLOW` are always added.
    package borrowing func open(_ name: EntryName, _ flags: CInt, mode: mode_t = 0) throws(KernelError) -> OwnedFD {
        let raw = raw
        return OwnedFD(
            owning: try withName(name) { pointer throws(KernelError) in
                try kernel("openat(2)", display(name)) { openat(raw, pointer, flags | O_CLOEXEC | O_NOFOLLOW, mode) }
            })
    }

    package borrowing func makeSymlink(_ name: EntryName, to target: [UInt8]) throws(KernelError) {
        let raw = raw
        try withName(target) { targetPointer throws(KernelError) in
            try withName(name) { pointer throws(KernelError) in
                _ = try kernel("symlinkat(2)", display(name)) { symlinkat(targetPointer, raw, pointer) }
            }
        }
    }

    /// A second name for the object itself: a link is linked, not followed.
    package borrowing func makeLink(_ name: EntryName, to target: EntryName, in directory: borrowing OwnedFD) throws(KernelError) {
        let raw = raw
        let targetRaw = directory.raw
        try withName(target) { targetPointer throws(KernelError) in
            try withName(name) { pointer throws(KernelError) in
                _ = try kernel("linkat(2)", display(name)) { linkat(targetRaw, targetPointer, raw, pointer, 0) }
            }
        }
    }

    /// - Parameter mode: with the type's bits.
    package borrowing func makeNode(_ name: EntryName, mode: mode_t, device: UInt64) throws(KernelError) {
        let raw = raw
        try withName(name) { pointer throws(KernelError) in
            _ = try kernel("mknodat(2)", display(name)) { mknodat(raw, pointer, mode, dev_t(device)) }
        }
    }

    /// - Parameter directory: whether it is one; the two kinds are removed by different calls.
    package borrowing func remove(_ name: EntryName, directory: Bool) throws(KernelError) {
        let raw = raw
        try withName(name) { pointer throws(KernelError) in
            _ = try kernel("unlinkat(2)", display(name)) { unlinkat(raw, pointer, directory ? AT_REMOVEDIR : 0) }
        }
    }

    package borrowing func rename(_ name: EntryName, to newName: EntryName, in directory: borrowing OwnedFD) throws(KernelError) {
        let raw = raw
        let newRaw = directory.raw
        try withName(name) { pointer throws(KernelError) in
            try withName(newName) { newPointer throws(KernelError) in
                _ = try kernel("renameat(2)", display(name)) { renameat(raw, pointer, newRaw, newPointer) }
            }
        }
    }

    /// nil where nothing has this name.
    package borrowing func status(_ name: EntryName) throws(KernelError) -> FileStatus? {
        let raw = raw
        var status = stat()
        do throws(KernelError) {
            try withName(name) { pointer throws(KernelError) in
                _ = try kernel("fstatat(2)", display(name)) { fstatat(raw, pointer, &status, AT_SYMLINK_NOFOLLOW) }
            }
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
            return nil
        }
        return FileStatus(status)
    }

    /// The object that this descriptor is.
    package borrowing func status() throws(KernelError) -> FileStatus {
        let raw = raw
        var status = stat()
        try kernel("fstat(2)", "descriptor \(raw)") { fstat(raw, &status) }
        return FileStatus(status)
    }

    package borrowing func changeOwner(_ name: EntryName, uid: UInt32, gid: UInt32) throws(KernelError) {
        let raw = raw
        try withName(name) { pointer throws(KernelError) in
            _ = try kernel("fchownat(2)", display(name)) { fchownat(raw, pointer, uid, gid, AT_SYMLINK_NOFOLLOW) }
        }
    }

    /// Never for a link: chmod would follow it.
    package borrowing func changeMode(_ name: EntryName, _ mode: mode_t) throws(KernelError) {
        let raw = raw
        try withName(name) { pointer throws(KernelError) in
            _ = try kernel("fchmodat(2)", display(name)) { fchmodat(raw, pointer, mode, 0) }
        }
    }

    /// Sets access and modification time alike, of the object itself.
    package borrowing func changeTime(_ name: EntryName, _ time: FileTime) throws(KernelError) {
        let raw = raw
        try withName(name) { pointer throws(KernelError) in
            try withTimes(time) { times throws(KernelError) in
                _ = try kernel("utimensat(2)", display(name)) { utimensat(raw, pointer, times, AT_SYMLINK_NOFOLLOW) }
            }
        }
    }

    /// The same by descriptor.
    package borrowing func changeTime(_ time: FileTime, of object: @autoclosure () -> String) throws(KernelError) {
        let raw = raw
        try withTimes(time) { times throws(KernelError) in
            _ = try kernel("futimens(3)", object()) { futimens(raw, times) }
        }
    }

    /// A link's target.
    package borrowing func linkTarget(_ name: EntryName) throws(KernelError) -> [UInt8] {
        let raw = raw
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try withName(name) { pointer throws(KernelError) in
            var span = buffer.mutableSpan
            return try span.withUnsafeMutableBytes { bytes throws(KernelError) in
                guard let base = bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return 0 }
                return try kernel("readlinkat(2)", display(name)) { readlinkat(raw, pointer, base, bytes.count) }
            }
        }
        return Array(buffer[..<count])
    }

    /// The names in this directory but for "." and "..", with readdir's type (`DT_DIR` …), in no order.
    package borrowing func entries(of object: @autoclosure () -> String) throws(KernelError) -> [(name: EntryName, type: UInt8)] {
        var entries: [(name: EntryName, type: UInt8)] = []
        try visitEntries(of: object()) { name, type in
            entries.append((name, type))
            return true
        }
        return entries
    }

    /// The same, one after the other, however many there are.
    /// - Parameter body: false ends it.
    package borrowing func visitEntries(
        of object: @autoclosure () -> String, _ body: (EntryName, UInt8) throws(KernelError) -> Bool
    ) throws(KernelError) {
        let copy = try open(Array(".".utf8), O_RDONLY | O_DIRECTORY).release()
        guard let stream = fdopendir(copy) else {
            let errno = lastErrno()
            _ = Glibc.close(copy)
            throw KernelError(call: "fdopendir(3)", object: object(), errno: errno)
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                let errno = lastErrno()
                if errno != Errno(rawValue: 0) { throw KernelError(call: "readdir(3)", object: object(), errno: errno) }
                return
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { Array(UnsafeBufferPointer(start: $0, count: strlen(pointer))) }
            }
            if name == [0x2E] || name == [0x2E, 0x2E] { continue }
            guard try body(name, entry.pointee.d_type) else { return }
        }
    }
}

/// The bytes with a NUL behind them, for the length of a call.
@inline(__always)
package func withName<Result: ~Copyable>(
    _ name: [UInt8], _ body: (UnsafePointer<CChar>) throws(KernelError) -> Result
) throws(KernelError) -> Result {
    var terminated = name
    terminated.append(0)
    return try terminated.span.withUnsafeBytes { bytes throws(KernelError) in
        guard let base = bytes.assumingMemoryBound(to: CChar.self).baseAddress else {
            preconditionFailure("a C string holds at least its NUL")
        }
        return try body(base)
    }
}

private func withTimes(_ time: FileTime, _ body: (UnsafePointer<timespec>) throws(KernelError) -> Void) throws(KernelError) {
    let value = timespec(tv_sec: time_t(time.seconds), tv_nsec: Int(time.nanoseconds))
    let pair = [value, value]
    try pair.span.withUnsafeBufferPointer { buffer throws(KernelError) in
        guard let base = buffer.baseAddress else { return }
        try body(base)
    }
}

/// A name or path for a message: UTF-8 where it is, control bytes and the rest escaped, bounded.
package func display(_ name: some Collection<UInt8>) -> String {
    var text = ""
    for scalar in String(decoding: name.prefix(256), as: UTF8.self).unicodeScalars {
        text +=
            scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            ? "\\x\(String(scalar.value, radix: 16))" : String(Character(scalar))
    }
    return name.count > 256 ? text + "…" : text
}
