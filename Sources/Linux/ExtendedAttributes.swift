// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

// Extended attributes by name in an open directory. There is no setxattrat before 6.13: the way is /proc/self/fd, whose last
// step names the object itself and follows nothing (lsetxattr). Source: xattr(7).

extension OwnedFD {
    package borrowing func setAttribute(_ key: [UInt8], _ value: [UInt8], of name: EntryName) throws(KernelError) {
        let path = Array("/proc/self/fd/\(raw)/".utf8) + name
        try withName(path) { pathPointer throws(KernelError) in
            try withName(key) { keyPointer throws(KernelError) in
                try value.span.withUnsafeBytes { bytes throws(KernelError) in
                    _ = try kernel("lsetxattr(2)", "\(display(key)) of \(display(name))") {
                        lsetxattr(pathPointer, keyPointer, bytes.baseAddress, bytes.count, 0)
                    }
                }
            }
        }
    }

    /// The same for the object that this descriptor is.
    package borrowing func setAttribute(_ key: [UInt8], _ value: [UInt8]) throws(KernelError) {
        let raw = raw
        try withName(key) { keyPointer throws(KernelError) in
            try value.span.withUnsafeBytes { bytes throws(KernelError) in
                _ = try kernel("fsetxattr(2)", display(key)) { fsetxattr(raw, keyPointer, bytes.baseAddress, bytes.count, 0) }
            }
        }
    }

    /// One short attribute of the object that this descriptor is.
    /// - Returns: nil where it has none, where the filesystem has no attributes, and where the value is longer than 256 bytes.
    package borrowing func attribute(_ key: [UInt8]) throws(KernelError) -> [UInt8]? {
        let raw = raw
        var value = [UInt8](repeating: 0, count: 256)
        do throws(KernelError) {
            var span = value.mutableSpan
            let count = try span.withUnsafeMutableBytes { bytes throws(KernelError) in
                try withName(key) { pointer throws(KernelError) in
                    try kernel("fgetxattr(2)", display(key)) { fgetxattr(raw, pointer, bytes.baseAddress, bytes.count) }
                }
            }
            return Array(value[..<count])
        } catch  where error.errno == Errno(rawValue: ENODATA) || error.errno == .notSupported || error.errno == .outOfRange {
            return nil
        }
    }

    /// Every attribute of an object but POSIX ACLs that the kernel derives; sorted by key.
    package borrowing func attributes(of name: EntryName) throws(KernelError) -> [(key: [UInt8], value: [UInt8])] {
        let path = Array("/proc/self/fd/\(raw)/".utf8) + name
        let keys: [UInt8]
        do throws(KernelError) {
            keys = try bytesOfUnknownCount { buffer, count throws(KernelError) in
                try withName(path) { pointer throws(KernelError) in
                    try kernel("llistxattr(2)", display(name)) { llistxattr(pointer, buffer?.assumingMemoryBound(to: CChar.self), count) }
                }
            }
        } catch  where error.errno == .notSupported {
            return []
        }
        var attributes: [(key: [UInt8], value: [UInt8])] = []
        for key in keys.split(separator: 0).map(Array.init).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let value = try bytesOfUnknownCount { buffer, count throws(KernelError) in
                try withName(path) { pointer throws(KernelError) in
                    try withName(key) { keyPointer throws(KernelError) in
                        try kernel("lgetxattr(2)", "\(display(key)) of \(display(name))") { lgetxattr(pointer, keyPointer, buffer, count) }
                    }
                }
            }
            attributes.append((key, value))
        }
        return attributes
    }
}

/// Asks for the size, then for the bytes; again where they grew in between. Source: listxattr(2), getxattr(2).
package func bytesOfUnknownCount(_ body: (UnsafeMutableRawPointer?, Int) throws(KernelError) -> Int) throws(KernelError) -> [UInt8] {
    while true {
        let size = try body(nil, 0)
        if size == 0 { return [] }
        var bytes = [UInt8](repeating: 0, count: size)
        var span = bytes.mutableSpan
        do throws(KernelError) {
            let count = try span.withUnsafeMutableBytes { buffer throws(KernelError) in try body(buffer.baseAddress, buffer.count) }
            return Array(bytes[..<count])
        } catch  where error.errno == .outOfRange {}
    }
}
