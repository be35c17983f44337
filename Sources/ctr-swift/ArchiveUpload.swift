// SPDX-License-Identifier: Apache-2.0

internal import Client
internal import Glibc
internal import Linux
internal import SystemPackage

/// What `load` sends: stdin, an archive, or a layout's directory as a tar made on the way. The daemon never opens a path of the client's.
struct ArchiveUpload: UploadSource {
    private enum Piece {
        case bytes([UInt8])
        case file(FilePath, padding: Int)
    }
    private var pieces: [Piece] = []
    private var current: Box?
    private var buffered: ArraySlice<UInt8> = []
    private var paddingAfter = 0

    private final class Box {
        let file: OwnedFD
        init(_ file: consuming OwnedFD) { self.file = file }
    }

    init(_ input: String?) throws {
        guard let input else {
            pieces = [.file("/proc/self/fd/0", padding: 0)]
            return
        }
        let path = FilePath(input)
        guard try openFile(path, O_RDONLY).status().kind == .directory else {
            pieces = [.file(path, padding: 0)]
            return
        }
        try add(directory: path, as: "")
        pieces.append(.bytes([UInt8](repeating: 0, count: 1024)))
    }

    private mutating func add(directory: FilePath, as prefix: String) throws {
        let handle = try openFile(directory, O_RDONLY | O_DIRECTORY)
        for (name, _) in try handle.entries(of: directory.string).sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            guard let status = try handle.status(name) else { continue }
            let text = String(decoding: name, as: UTF8.self)
            if status.kind == .directory {
                try add(directory: directory.appending(text), as: prefix + text + "/")
            } else if status.kind == .regular {
                pieces.append(.bytes(try Self.header(prefix + text, size: status.size)))
                pieces.append(.file(directory.appending(text), padding: Int((512 - status.size % 512) % 512)))
            }
        }
    }

    /// A ustar header; a layout's names are short. Source: POSIX pax, "ustar Interchange Format".
    private static func header(_ name: String, size: Int64) throws -> [UInt8] {
        guard name.utf8.count <= 100 else { throw Refusal(message: "\"\(name)\" does not belong into an OCI layout", remedy: nil) }
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) { for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte } }
        func octal(_ value: Int64, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        put(name, at: 0)
        put("0000644\0" + "0000000\0" + "0000000\0", at: 100)
        put(octal(size, 11) + "\0" + octal(0, 11) + "\0", at: 124)
        put("        0", at: 148)
        put("ustar\u{0}00", at: 257)
        put(octal(block.reduce(0) { $0 + Int64($1) }, 6) + "\0 ", at: 148)
        return block
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(KernelError) -> Int {
        while true {
            if !buffered.isEmpty {
                let count = min(buffer.count, buffered.count)
                buffered.prefix(count).withUnsafeBytes { buffer.copyMemory(from: $0) }
                buffered = buffered.dropFirst(count)
                return count
            }
            if let file = current {
                let raw = file.file.raw
                let count = try kernel("read(2)", "archive") { Glibc.read(raw, buffer.baseAddress, buffer.count) }
                if count > 0 { return count }
                current = nil
                buffered = [UInt8](repeating: 0, count: paddingAfter)[...]
                continue
            }
            guard !pieces.isEmpty else { return 0 }
            switch pieces.removeFirst() {
            case .bytes(let bytes): buffered = bytes[...]
            case .file(let path, let padding):
                current = Box(try openFile(path, O_RDONLY))
                paddingAfter = padding
            }
        }
    }
}
