// SPDX-License-Identifier: Apache-2.0

import Tar

/// An entry of a layer with its content.
struct Member: Equatable, Sendable {
    var entry: TarEntry
    var content: [UInt8] = []

    private init(_ path: String, _ kind: TarEntry.Kind, target: String = "", mode: UInt32 = 0o644) {
        entry = TarEntry(path: Array(path.utf8), kind: kind, mode: mode, linkTarget: Array(target.utf8))
    }

    /// What is there, under another name.
    init(moving inode: ModelInode, to path: [UInt8]) {
        entry = inode.entry
        entry.path = path
        content = inode.content
        entry.sparse = nil
        if entry.kind == .file { entry.size = UInt64(content.count) }
    }

    static func file(_ path: String, _ content: String = "", mode: UInt32 = 0o644) -> Member {
        var member = Member(path, .file, mode: mode)
        member.content = Array(content.utf8)
        member.entry.size = UInt64(member.content.count)
        return member
    }

    /// A file of which only some parts are stored.
    /// - Parameter parts: in order.
    static func sparse(_ path: String, size: UInt64, _ parts: [(offset: UInt64, text: String)]) -> Member {
        var member = file(path, parts.map(\.text).joined())
        member.entry.size = size
        member.entry.sparse = parts.map { TarEntry.Extent(offset: $0.offset, length: UInt64($0.text.utf8.count)) }
        return member
    }

    /// What the file holds, its holes as zeros.
    var wholeContent: [UInt8] {
        guard let parts = entry.sparse else { return content }
        var whole = [UInt8](repeating: 0, count: Int(entry.size))
        var taken = 0
        for part in parts {
            let end = taken + Int(part.length)
            whole.replaceSubrange(Int(part.offset)..<Int(part.offset + part.length), with: content[taken..<end])
            taken = end
        }
        return whole
    }

    static func directory(_ path: String, mode: UInt32 = 0o755) -> Member { Member(path + "/", .directory, mode: mode) }
    static func symlink(_ path: String, _ target: String) -> Member { Member(path, .symlink, target: target, mode: 0o777) }
    static func hardLink(_ path: String, _ target: String) -> Member { Member(path, .hardLink, target: target) }
    static func fifo(_ path: String) -> Member { Member(path, .fifo) }
    static func opaque(_ path: String) -> Member { Member(path.isEmpty ? ".wh..wh..opq" : path + "/.wh..wh..opq", .file) }

    static func character(_ path: String, _ major: UInt64, _ minor: UInt64) -> Member {
        Member(path, .characterDevice).with { ($0.deviceMajor, $0.deviceMinor) = (major, minor) }
    }

    static func block(_ path: String, _ major: UInt64, _ minor: UInt64) -> Member {
        Member(path, .blockDevice).with { ($0.deviceMajor, $0.deviceMinor) = (major, minor) }
    }

    static func whiteout(_ path: String) -> Member {
        var parts = path.split(separator: "/")
        let name = parts.removeLast()
        return Member((parts + [".wh.\(name)"]).joined(separator: "/"), .file)
    }

    func with(_ change: (inout TarEntry) -> Void) -> Member {
        var member = self
        change(&member.entry)
        return member
    }
}

extension [Member] {
    func each(_ change: (inout TarEntry) -> Void) -> [Member] { map { $0.with(change) } }
}

func archive(_ members: [Member]) throws -> [UInt8] {
    try members.flatMap { try $0.header() + $0.content + TarWriter.padding(after: UInt64($0.content.count)) } + TarWriter.end
}

extension Member {
    /// The writer writes no sparse files. Source: GNU tar manual, "Storing Sparse Files", PAX format 0.1.
    fileprivate func header() throws -> [UInt8] {
        guard var parts = entry.sparse else { return try TarWriter.header(entry) }
        // As GNU tar ends a file in a hole.
        if parts.isEmpty { parts = [TarEntry.Extent(offset: entry.size, length: 0)] }
        let stored = with { ($0.sparse, $0.size) = (nil, UInt64(content.count)) }
        let written = try TarWriter.header(stored.entry)
        var records = Self.record("GNU.sparse.size", "\(entry.size)")
        records += Self.record("GNU.sparse.numblocks", "\(parts.count)")
        records += Self.record("GNU.sparse.map", parts.map { "\($0.offset),\($0.length)" }.joined(separator: ","))
        if written.count > 512 {
            let size = Int(String(decoding: written[124..<135], as: UTF8.self), radix: 8) ?? 0
            records += written[512..<(512 + size)]
        }
        var extended = try TarWriter.header(TarEntry(path: Array("pax".utf8), kind: .file, size: UInt64(records.count)))
        extended[156] = UInt8(ascii: "x")
        repairChecksum(&extended)
        return extended + records + TarWriter.padding(after: UInt64(records.count)) + written.suffix(512)
    }

    /// The length in front counts its own digits.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let body = " \(key)=\(value)\n"
        var length = body.utf8.count
        while "\(length)".utf8.count + body.utf8.count != length { length = "\(length)".utf8.count + body.utf8.count }
        return Array("\(length)\(body)".utf8)
    }
}

extension Member: CustomStringConvertible {
    var description: String {
        var words = ["\(entry.kind) \(shown(entry.path))"]
        if !entry.linkTarget.isEmpty { words.append("-> \(shown(entry.linkTarget))") }
        words.append("0\(String(entry.mode, radix: 8)) \(entry.uid):\(entry.gid) @\(entry.modifiedSeconds).\(entry.modifiedNanoseconds)")
        if entry.deviceMajor + entry.deviceMinor > 0 { words.append("\(entry.deviceMajor):\(entry.deviceMinor)") }
        if !content.isEmpty { words.append("\"\(shown(content.prefix(20)))\"") }
        if let parts = entry.sparse { words.append("of \(entry.size) at \(parts.map(\.offset))") }
        words += entry.attributes.map { "\(shown($0.key))=\(shown($0.value))" }
        return words.joined(separator: " ")
    }
}

/// Bytes as text that tells them apart: all but printable ASCII as digits.
func shown(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { (0x21...0x7E).contains($0) && $0 != 0x5C ? String(UnicodeScalar($0)) : "\\x" + String($0, radix: 16) }.joined()
}
