// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import SystemPackage

/// What `load` sends: stdin, an archive, or a layout's directory as a tar made on the way. The daemon never opens a path of the client's.
package struct ArchiveUpload: UploadSource {
    private enum Piece {
        case bytes([UInt8])
        /// Exactly so many bytes of a file, as its header has announced; nil is all there are.
        case file(FilePath, size: Int64?)
    }
    private var pieces: [Piece] = []
    private var current: Box?
    private var buffered: ArraySlice<UInt8> = []

    private final class Box {
        let file: OwnedFD
        let path: FilePath
        var left: Int64?
        init(_ file: consuming OwnedFD, _ path: FilePath, left: Int64?) {
            self.file = file
            self.path = path
            self.left = left
        }
    }

    /// - Parameter input: an archive or a directory; nil is stdin.
    /// - Throws: `KernelError` where it can't be read. A pipe or socket in a layout is passed over, as it can't be a blob.
    package init(_ input: FilePath?) throws(KernelError) {
        guard let input else {
            pieces = [.file("/proc/self/fd/0", size: nil)]
            return
        }
        guard try Self.status(input).st_mode & S_IFMT == S_IFDIR else {
            pieces = [.file(input, size: nil)]
            return
        }
        try add(directory: input, as: "", depth: 0)
        // POSIX: an archive ends with two blocks of zeros.
        pieces.append(.bytes([UInt8](repeating: 0, count: 1024)))
    }

    private mutating func add(directory: FilePath, as prefix: String, depth: Int) throws(KernelError) {
        // blobs/sha256 is all the depth a layout has; a link that leads back up ends here.
        guard depth < 8 else { throw KernelError(call: "open(2)", object: directory.string, errno: .tooManySymbolicLinkLevels) }
        let handle = try openFile(directory, O_RDONLY | O_DIRECTORY)
        for (name, _) in try handle.entries(of: directory.string).sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            let text = String(decoding: name, as: UTF8.self)
            let path = directory.appending(text)
            // Followed: build systems make layouts of links into their caches.
            let status = try Self.status(path)
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try add(directory: path, as: prefix + text + "/", depth: depth + 1)
            case S_IFREG: try add(file: path, as: prefix + text, size: Int64(status.st_size))
            default: break
            }
        }
    }

    private mutating func add(file: FilePath, as name: String, size: Int64) throws(KernelError) {
        guard let header = TarBlock.header(name, size: size) else {
            throw KernelError(call: "tar", object: file.string, errno: .fileNameTooLong)
        }
        pieces.append(.bytes(header))
        pieces.append(.file(file, size: size))
        pieces.append(.bytes([UInt8](repeating: 0, count: Int((512 - size % 512) % 512))))
    }

    private static func status(_ path: FilePath) throws(KernelError) -> stat {
        var status = stat()
        try kernel("stat(2)", path.string) { stat(path.string, &status) }
        return status
    }

    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(KernelError) -> Int {
        while true {
            if !buffered.isEmpty {
                let count = min(buffer.count, buffered.count)
                buffered.prefix(count).withUnsafeBytes { buffer.copyMemory(from: $0) }
                buffered = buffered.dropFirst(count)
                return count
            }
            if let file = current {
                let count = try Self.read(file, into: buffer)
                if count > 0 { return count }
                current = nil
                continue
            }
            guard !pieces.isEmpty else { return 0 }
            switch pieces.removeFirst() {
            case .bytes(let bytes): buffered = bytes[...]
            case .file(let path, let size): current = Box(try openFile(path, O_RDONLY), path, left: size)
            }
        }
    }

    private static func read(_ file: Box, into buffer: UnsafeMutableRawBufferPointer) throws(KernelError) -> Int {
        if file.left == 0 { return 0 }
        let raw = file.file.raw
        let wanted = Int(min(Int64(buffer.count), file.left ?? .max))
        let count = try kernel("read(2)", file.path.string) { Glibc.read(raw, buffer.baseAddress, wanted) }
        if let left = file.left {
            // A file that has shrunk would shift everything behind it.
            if count == 0 { throw KernelError(call: "read(2)", object: "\(file.path) (it became shorter)", errno: .ioError) }
            file.left = left - Int64(count)
        }
        return count
    }
}
