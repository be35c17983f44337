// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import RegistryFixtures
import SystemPackage

/// Everything that is to be seen of a directory tree, a line each: what must not differ, ever.
struct TreeListing: Hashable, CustomStringConvertible {
    private(set) var lines: [String: String] = [:]

    init(of path: String) throws {
        let top = try openFile(FilePath(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        lines["."] = Self.line(try top.status(), xattrs: try Self.attributes(top, [UInt8(ascii: ".")]), "")
        try descend(path)
    }

    private mutating func descend(_ path: String, below place: String = "") throws {
        let directory = try openFile(FilePath(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        for (name, _) in try directory.entries(of: path) {
            let text = String(decoding: name, as: UTF8.self)
            guard let status = try directory.status(name) else { continue }
            let content =
                switch status.kind {
                case .regular: digest(of: try readFile(FilePath(path + "/" + text), limit: 1 << 30)).hex
                case .symlink: String(decoding: try directory.linkTarget(name), as: UTF8.self)
                default: "\(status.special)"
                }
            lines[place + text] = Self.line(status, xattrs: try Self.attributes(directory, name), content)
            if status.kind == .directory { try descend(path + "/" + text, below: place + text + "/") }
        }
    }

    private static func line(_ status: FileStatus, xattrs: String, _ content: String) -> String {
        let size = status.kind == .regular ? status.size : 0
        let links = status.kind == .directory ? 0 : status.links
        // A whiteout is never seen, and has the time of its making.
        let time = status.isWhiteout ? "" : "\(status.modified.seconds).\(status.modified.nanoseconds)"
        return
            "\(status.kind) \(String(status.permissions, radix: 8)) \(status.uid):\(status.gid) \(size) \(links) \(time) \(xattrs) \(content)"
    }

    private static func attributes(_ directory: borrowing OwnedFD, _ name: EntryName) throws -> String {
        try directory.attributes(of: name).map { "\(display($0.key))=\($0.value)" }.joined(separator: ",")
    }

    /// What another has that this one has not, or not so, and the other way round.
    func difference(from other: TreeListing) -> [String] {
        Set(lines.keys).union(other.lines.keys).sorted().compactMap { name in
            lines[name] == other.lines[name] ? nil : "\(name): \(lines[name] ?? "missing") instead of \(other.lines[name] ?? "nothing")"
        }
    }

    var description: String { lines.map { "\($0): \($1)" }.sorted().joined(separator: "\n") }
}
