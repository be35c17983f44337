// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage
import Testing

/// Everything that can be told of one object in a tree.
struct Object: Equatable {
    var kind: FileStatus.Kind
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var time: FileTime
    var content: [UInt8] = []
    var target: [UInt8] = []
    var device: UInt64 = 0
    var attributes: [String: [UInt8]] = [:]
    /// The first name, in order, of the same file: two names are one file where this is equal.
    var sameAs: String = ""
    /// nil where it can't be foretold: see `ModelTree`.
    var links: UInt64?
}

extension Object: CustomStringConvertible {
    var description: String {
        var words = ["\(kind) 0\(String(mode, radix: 8)) \(uid):\(gid) @\(time.seconds).\(time.nanoseconds)"]
        if !content.isEmpty { words.append("\"\(shown(content.prefix(40)))\"") }
        if !target.isEmpty { words.append("-> \(shown(target))") }
        if device != 0 { words.append("device \(device)") }
        words += attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\(shown($0.value))" }
        if !sameAs.isEmpty { words.append("is \(sameAs)") }
        if let links { words.append("links \(links)") }
        return words.joined(separator: " ")
    }
}

/// A whole tree, by paths as `shown` writes them; the root is "".
typealias Listing = [String: Object]

/// Lists a directory as it is on disk, overlayfs's own marks included.
func list(_ path: FilePath) throws -> Listing { try list(openFile(path, O_RDONLY | O_DIRECTORY)) }

func list(_ top: borrowing OwnedFD) throws -> Listing {
    var listing: Listing = [:]
    var names: [UInt64: [String]] = [:]
    listing[""] = try describe(top, [0x2E], try top.status())
    var pending: [[EntryName]] = [[]]
    while let place = pending.popLast() {
        var directory = try top.open([0x2E], O_RDONLY | O_DIRECTORY)
        // In parts that the kernel takes as paths: some trees are deeper.
        for start in stride(from: 0, to: place.count, by: 15) {
            let part = Array(place[start...].prefix(15).joined(separator: [0x2F]))
            directory = try directory.open(part, O_RDONLY | O_DIRECTORY)
        }
        for (name, _) in try directory.entries(of: "listing") {
            let path = place + [name]
            let text = path.map { shown($0) }.joined(separator: "/")
            guard let status = try directory.status(name) else { continue }
            var object = try describe(directory, name, status)
            if status.kind == .directory {
                pending.append(path)
            } else {
                object.links = status.links
                names[status.inode, default: []].append(text)
            }
            listing[text] = object
        }
    }
    for group in names.values {
        let first = group.min()
        for name in group { listing[name]?.sameAs = first ?? name }
    }
    return listing
}

private func describe(_ directory: borrowing OwnedFD, _ name: EntryName, _ status: FileStatus) throws -> Object {
    var object = Object(kind: status.kind, mode: status.permissions, uid: status.uid, gid: status.gid, time: status.modified)
    for (key, value) in try directory.attributes(of: name) { object.attributes[shown(key)] = value }
    switch status.kind {
    case .regular: object.content = try readAll(directory.open(name, O_RDONLY), object: "listing", limit: 64 << 20)
    case .symlink: object.target = try directory.linkTarget(name)
    case .characterDevice, .blockDevice: object.device = status.special
    default: break
    }
    return object
}

/// The differences of two trees, one a line; of the second, only what the first one foretells.
func differences(expected: Listing, got: Listing) -> [String] {
    Set(expected.keys).union(got.keys).sorted().compactMap { path in
        guard let wanted = expected[path] else { return "\(path): unexpected \(got[path].map(\.description) ?? "")" }
        guard var there = got[path] else { return "\(path): missing \(wanted)" }
        if wanted.links == nil { there.links = nil }
        return there == wanted ? nil : "\(path): expected \(wanted)\n    got \(there)"
    }
}

func expectSame(_ expected: Listing, _ got: Listing, _ location: SourceLocation = #_sourceLocation) {
    let lines = differences(expected: expected, got: got)
    if !lines.isEmpty { Issue.record("\(lines.joined(separator: "\n"))", sourceLocation: location) }
}
