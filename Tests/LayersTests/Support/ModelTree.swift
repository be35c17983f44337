// SPDX-License-Identifier: Apache-2.0

import Linux
import Tar

/// The naive model: a tree in memory, to which entries are applied one after the other, as if there were one directory and no overlay.
///
/// What is fixed where the specification leaves it open, or engines differ:
/// * a layer's deletions come first, whatever their place (layer.md: "regardless of order"), those of outer directories before inner ones;
/// * a hard link is to what is there at its place in the layer, or else to what the layers below have, though this layer deleted it;
/// * a missing parent is 0755, root's, of 1970; a file in its place is an error.
final class ModelInode {
    var kind: TarEntry.Kind
    var entry: TarEntry
    var content: [UInt8] = []
    var children: [[UInt8]: ModelInode] = [:]
    /// The layer that made it.
    let layer: Int
    /// A later layer took one of several names away: overlayfs goes on to count it.
    var lostName = false

    init(_ entry: TarEntry, _ content: [UInt8] = [], layer: Int) {
        kind = entry.kind
        self.entry = entry
        self.content = content
        self.layer = layer
    }

    /// The names, with the same files.
    func copyOfNames() -> ModelInode {
        let copy = ModelInode(entry, content, layer: layer)
        copy.children = children.mapValues { $0.kind == .directory ? $0.copyOfNames() : $0 }
        return copy
    }
}

enum ModelRefusal: Error, Equatable {
    /// Every engine refuses, or must.
    case refused(String)
    /// It depends on the order in which a layer's entries came, in a way that is known only with the layers below at hand.
    case ambiguous(String)
}

struct ModelTree {
    private(set) var root: ModelInode
    private var layer = 0
    private var touches = Touches()

    private static let unlisted = TarEntry(path: [], kind: .directory, mode: 0o755)

    private static let fileInTheWay = "a file where a directory is needed"
    private static let nothing = "nothing is there"
    private static let linkToDirectory = "a hard link to a directory"
    private static let linkToNothing = "a hard link to nothing"
    private static let tooManyLinks = "too many links"

    init() { root = ModelInode(Self.unlisted, layer: -1) }

    func copy() -> ModelTree {
        var copy = self
        copy.root = root.copyOfNames()
        return copy
    }

    /// - Throws: `ModelRefusal`; the tree is then of no use.
    mutating func apply(_ members: [Member]) throws(ModelRefusal) {
        defer { layer += 1 }
        let before = root.copyOfNames()
        touches = Touches()
        let names = members.map { Self.components($0.entry.path) }
        let marks = zip(members, names).filter { $0.1.last?.starts(with: Array(".wh.".utf8)) ?? false }
        var late: [[[UInt8]]] = []
        for (_, name) in marks.sorted(by: { $0.1.count < $1.1.count }) {
            do throws(ModelRefusal) { try delete(name, try directory(name.dropLast(), making: true)) } catch {
                if case .ambiguous = error { throw error }
                late.append(name)
            }
        }
        for (index, (member, name)) in zip(members, names).enumerated() where !(name.last?.starts(with: Array(".wh.".utf8)) ?? false) {
            do throws(ModelRefusal) { try add(member, name, before) } catch {
                // What is wrong is gone in the end: the layer alone can't tell that lower layers would have made it so.
                let reasons: [ModelRefusal] = [
                    .refused(Self.fileInTheWay), .refused(Self.linkToDirectory), .refused(Self.linkToNothing), .refused(Self.tooManyLinks),
                ]
                let isReplaced = names[(index + 1)...].contains { !$0.isEmpty && name.starts(with: $0) }
                guard reasons.contains(error), isReplaced else { throw error }
                throw .ambiguous("a refusal that a later entry takes the reason from")
            }
        }
        // Where a lower layer had no directory, the layer itself must have made one.
        for name in late {
            if touches.hasFile(above: name.dropLast()) { throw .ambiguous("a deletion below what is no directory") }
            let place = try directory(name.dropLast(), making: true)
            if place.passedOwnLink { throw .ambiguous("a deletion behind a link of the layer itself") }
            try delete(name, place, removes: false)
        }
    }

    static func components(_ path: [UInt8]) -> [[UInt8]] {
        path.split(separator: UInt8(ascii: "/")).map { Array($0) }.filter { $0 != [0x2E] }
    }

    // MARK: Entries

    /// - Parameter removes: false where the layers below have nothing there.
    private mutating func delete(_ name: [[UInt8]], _ place: Place, removes: Bool = true) throws(ModelRefusal) {
        let mark = name.last ?? []
        if mark == Array(".wh..wh..opq".utf8) {
            var touch = Touch(spelled: Array(name.dropLast()), name: nil, in: place)
            (touch.isMark, touch.isOpaque) = (true, true)
            try touches.add(touch)
            guard removes else { return }
            for child in place.node.children.values { noteLoss(child) }
            place.node.children = [:]
            return
        }
        let deleted = Array(mark.dropFirst(4))
        var touch = Touch(spelled: name.dropLast() + [deleted], name: deleted, in: place)
        touch.isMark = true
        try touches.add(touch)
        if removes, let old = place.node.children.removeValue(forKey: deleted) { noteLoss(old) }
    }

    private mutating func add(_ member: Member, _ name: [[UInt8]], _ before: ModelInode) throws(ModelRefusal) {
        guard let last = name.last else {
            guard member.entry.kind == .directory else { throw .refused("the root is a directory") }
            root.entry = member.entry
            return
        }
        let place = try directory(name.dropLast(), making: true)
        let existing = place.node.children[last]
        let merges = member.entry.kind == .directory && existing?.kind == .directory
        var touch = Touch(spelled: name, name: last, in: place)
        (touch.isDirectory, touch.merges) = (member.entry.kind == .directory, merges)
        try touches.add(touch)
        if merges {
            existing?.entry = member.entry
            return
        }
        var inode = ModelInode(member.entry, member.wholeContent, layer: layer)
        if member.entry.kind == .hardLink { inode = try target(of: member, name, at: place, before, existing) }
        if let existing { noteLoss(existing) }
        place.node.children[last] = inode
    }

    private func target(
        of member: Member, _ name: [[UInt8]], at place: Place, _ before: ModelInode, _ existing: ModelInode?
    ) throws(ModelRefusal) -> ModelInode {
        let target = Self.components(member.entry.linkTarget)
        guard let last = target.last else { throw .refused("a hard link to the root") }
        if name == Array(target.prefix(name.count)), name.count < target.count {
            throw .ambiguous("a link in place of its target's parent")
        }
        var live: Place?
        do throws(ModelRefusal) { live = try directory(target.dropLast(), making: false) } catch {
            if error != .refused(Self.nothing) { throw error }
        }
        if let live, let found = live.node.children[last] {
            if touches.wasMade(live.path + [last], notBy: target) { throw .ambiguous("the target has two spellings") }
            if found.kind == .directory, found.layer == layer, found.entry.path.isEmpty {
                throw .ambiguous("a hard link to what the layer itself does not list")
            }
            guard found.kind != .directory else { throw .refused(Self.linkToDirectory) }
            if existing?.kind == .directory, live.path.starts(with: place.path + [name.last ?? []]) {
                throw found.layer == layer ? .refused("a link in place of its target's parent") : .ambiguous("the same")
            }
            if found === existing, found.layer == layer, target == name { throw .refused("a hard link to itself") }
            return found
        }
        if let live, live.passedOwnLink { throw .ambiguous("a target behind a link of the layer itself") }
        if live == nil, try passesOwnLink(target.dropLast()) { throw .ambiguous("a target behind a link of the layer itself") }
        var past = self
        past.root = before
        let place = try past.directory(target.dropLast(), making: false)
        guard let found = place.node.children[last] else { throw .refused(Self.linkToNothing) }
        guard found.kind != .directory else { throw .refused(Self.linkToDirectory) }
        return found
    }

    /// A name goes; whoever has other names keeps a count that is too high in overlayfs.
    private func noteLoss(_ inode: ModelInode) {
        if inode.kind != .directory, inode.layer != layer { inode.lostName = true }
        for child in inode.children.values { noteLoss(child) }
    }

    // MARK: Names

    struct Place {
        var node: ModelInode
        /// Without links.
        var path: [[UInt8]]
        /// The links of lower layers that were followed.
        var followed: [[[UInt8]]]
        var ownLinks: [(place: [[UInt8]], behindOther: Bool)]
        var passedOwnLink: Bool { !ownLinks.isEmpty }
    }

    private func directory(_ names: some Collection<[UInt8]>, making: Bool) throws(ModelRefusal) -> Place {
        var pending = Array(names.reversed())
        var stack: [(name: [UInt8], node: ModelInode)] = [([], root)]
        var followed: [[[UInt8]]] = []
        var ownLinks: [(place: [[UInt8]], behindOther: Bool)] = []
        var hops = 0
        while let name = pending.popLast() {
            if name == [0x2E] { continue }
            if name == [0x2E, 0x2E] {
                if !ownLinks.isEmpty { throw .ambiguous("\"..\" in a link of the layer itself") }
                if stack.count > 1 { stack.removeLast() }
                continue
            }
            let here = stack[stack.count - 1].node
            var child = here.children[name]
            if let there = child, there.kind == .symlink {
                hops += 1
                if hops > 40 { throw ownLinks.isEmpty ? .refused(Self.tooManyLinks) : .ambiguous("too many links") }
                let place = stack.dropFirst().map(\.name) + [name]
                if there.layer != layer, touches.wasMade(place) { throw .ambiguous("a name that is a hard link to a lower link") }
                if there.layer == layer { ownLinks.append((place, !followed.isEmpty)) } else { followed.append(place) }
                if there.entry.linkTarget.first == UInt8(ascii: "/") { stack.removeLast(stack.count - 1) }
                pending += there.entry.linkTarget.split(separator: UInt8(ascii: "/")).reversed().map { Array($0) }
                continue
            }
            if let there = child, there.kind != .directory {
                let isOwn = there.layer == layer || touches.wasMade(stack.dropFirst().map(\.name) + [name])
                let isOrderly = !isOwn || followed.isEmpty
                guard isOrderly, !ownLinks.contains(where: \.behindOther), !touches.isBehindLink(stack.dropFirst().map(\.name) + [name])
                else { throw .ambiguous("two ways to a file") }
                throw .refused(Self.fileInTheWay)
            }
            if child == nil {
                guard making else { throw .refused(Self.nothing) }
                child = ModelInode(Self.unlisted, layer: layer)
                here.children[name] = child
            }
            if let child { stack.append((name, child)) }
        }
        return Place(node: stack[stack.count - 1].node, path: stack.dropFirst().map(\.name), followed: followed, ownLinks: ownLinks)
    }

    private func passesOwnLink(_ names: some Collection<[UInt8]>) throws(ModelRefusal) -> Bool {
        var names = Array(names)
        while !names.isEmpty {
            if let place = try? directory(names.dropLast(), making: false), let name = names.last {
                if place.passedOwnLink { return true }
                if let child = place.node.children[name], child.kind == .symlink, child.layer == layer { return true }
            }
            names.removeLast()
        }
        return false
    }

    // MARK: The listing

    /// A name of something, the root excepted, and what is there with all below it: parents before children, names in order.
    func subtree(_ choose: ([[[UInt8]]]) -> [[UInt8]]?) -> [(name: [[UInt8]], node: ModelInode)] {
        let all = Self.walk(root, [])
        guard let chosen = choose(all.map(\.name)) else { return [] }
        return all.filter { $0.name.starts(with: chosen) }
    }

    private static func walk(_ node: ModelInode, _ name: [[UInt8]]) -> [(name: [[UInt8]], node: ModelInode)] {
        node.children.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap {
            [(name + [$0.key], $0.value)] + walk($0.value, name + [$0.key])
        }
    }

    /// The directories that no entry lists.
    var unlisted: Set<String> {
        var paths: Set<String> = []
        var pending: [(path: String, node: ModelInode)] = [("", root)]
        while let (path, node) = pending.popLast() {
            if node.kind == .directory, node.entry.path.isEmpty { paths.insert(path) }
            for (name, child) in node.children { pending.append((path.isEmpty ? shown(name) : "\(path)/\(shown(name))", child)) }
        }
        return paths
    }

    func listing() -> Listing {
        var listing: Listing = [:]
        var names: [ObjectIdentifier: [String]] = [:]
        var pending: [(path: String, node: ModelInode)] = [("", root)]
        while let (path, node) = pending.popLast() {
            listing[path] = node.object
            if node.kind != .directory { names[ObjectIdentifier(node), default: []].append(path) }
            if !node.lostName, node.kind != .directory { listing[path]?.links = 0 }
            for (name, child) in node.children { pending.append((path.isEmpty ? shown(name) : "\(path)/\(shown(name))", child)) }
        }
        for group in names.values {
            let first = group.min() ?? ""
            for name in group {
                listing[name]?.sameAs = first
                if listing[name]?.links != nil { listing[name]?.links = UInt64(group.count) }
            }
        }
        return listing
    }
}

extension ModelInode {
    fileprivate var object: Object {
        let kinds: [TarEntry.Kind: FileStatus.Kind] = [
            .file: .regular, .directory: .directory, .symlink: .symlink, .fifo: .fifo, .characterDevice: .characterDevice,
            .blockDevice: .blockDevice,
        ]
        var object = Object(
            kind: kinds[kind] ?? .socket, mode: kind == .symlink ? 0o777 : entry.mode, uid: UInt32(entry.uid), gid: UInt32(entry.gid),
            time: FileTime(seconds: entry.modifiedSeconds, nanoseconds: entry.modifiedNanoseconds))
        object.content = content
        object.target = kind == .symlink ? entry.linkTarget : []
        object.device = entry.deviceMajor << 8 | entry.deviceMinor
        for attribute in entry.attributes where !attribute.key.starts(with: Array("trusted.overlay.".utf8)) {
            object.attributes[shown(attribute.key)] = attribute.value
        }
        return object
    }
}
