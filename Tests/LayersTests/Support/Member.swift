// SPDX-License-Identifier: Apache-2.0

import Tar

/// An entry of a layer with its content.
struct Member: Equatable, Sendable {
    var entry: TarEntry
    var content: [UInt8] = []

    private init(_ path: String, _ kind: TarEntry.Kind, target: String = "", mode: UInt32 = 0o644) {
        entry = TarEntry(path: Array(path.utf8), kind: kind, mode: mode, linkTarget: Array(target.utf8))
    }

    static func file(_ path: String, _ content: String = "", mode: UInt32 = 0o644) -> Member {
        var member = Member(path, .file, mode: mode)
        member.content = Array(content.utf8)
        member.entry.size = UInt64(member.content.count)
        return member
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
    try members.flatMap { try TarWriter.header($0.entry) + $0.content + TarWriter.padding(after: UInt64($0.content.count)) } + TarWriter.end
}

extension Member: CustomStringConvertible {
    var description: String {
        var words = ["\(entry.kind) \(shown(entry.path))"]
        if !entry.linkTarget.isEmpty { words.append("-> \(shown(entry.linkTarget))") }
        words.append("0\(String(entry.mode, radix: 8)) \(entry.uid):\(entry.gid) @\(entry.modifiedSeconds).\(entry.modifiedNanoseconds)")
        if entry.deviceMajor + entry.deviceMinor > 0 { words.append("\(entry.deviceMajor):\(entry.deviceMinor)") }
        if !content.isEmpty { words.append("\"\(shown(content.prefix(20)))\"") }
        words += entry.attributes.map { "\(shown($0.key))=\(shown($0.value))" }
        return words.joined(separator: " ")
    }
}

/// Bytes as text that tells them apart: all but printable ASCII as digits.
func shown(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { (0x21...0x7E).contains($0) && $0 != 0x5C ? String(UnicodeScalar($0)) : "\\x" + String($0, radix: 16) }.joined()
}
