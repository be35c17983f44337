// SPDX-License-Identifier: Apache-2.0

import Tar
import TestSupport

/// Makes stacks of few names, so that everything meets everything.
struct StackGenerator {
    private var random: SeededRandom
    private var model = ModelTree()
    private var serial: UInt8 = 0

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func stack() -> (layers: [[Member]], order: [Int]) {
        var layers: [[Member]] = []
        var order: [Int] = []
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            var next = model.copy()
            if chance(8), let repeated = order.randomElement(using: &random) {
                guard (try? next.apply(layers[repeated])) != nil else { continue }
                order.append(repeated)
            } else {
                let (layer, isRefused) = layer()
                layers.append(layer)
                order.append(layers.count - 1)
                if isRefused || (try? next.apply(layer)) == nil { break }
            }
            model = next
        }
        return (layers, order)
    }

    /// Step by step: what would be ambiguous is left out, what would be refused mostly.
    private mutating func layer() -> (members: [Member], isRefused: Bool) {
        var members: [Member] = []
        for _ in 0..<Int.random(in: 0...9, using: &random) {
            let candidate = step(after: members)
            var next = model.copy()
            do throws(ModelRefusal) { try next.apply(candidate) } catch {
                if case .refused = error, chance(20) { return (candidate, true) }
                continue
            }
            members = candidate
        }
        return (members, false)
    }

    /// Mostly one more entry; now and then what tools do: a rename, an entry once more, another order.
    private mutating func step(after members: [Member]) -> [Member] {
        switch Int.random(in: 0..<24, using: &random) {
        case 0, 1: members + renamed()
        case 2 where !members.isEmpty: members + [members[Int.random(in: 0..<members.count, using: &random)]]
        case 3: members.shuffled(using: &random)
        default: members + [member()]
        }
    }

    private mutating func member() -> Member {
        let path = path()
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<5: return attributed(chance(8) ? sparse(path) : .file(path, content()))
        case 5..<9: return attributed(.directory(chance(15) ? "." : path))
        case 9, 10: return .symlink(path, target()).with { $0.modifiedSeconds = 7 }
        case 11..<14: return .hardLink(path, chance(2) ? somethingBelow() ?? self.path() : self.path())
        case 14..<17: return .whiteout(chance(2) ? somethingBelow() ?? path : path)
        case 17: return .opaque(chance(6) ? "" : path)
        case 18: return attributed(.fifo(path))
        default: return attributed(chance(2) ? .character(path, 1, 3) : .block(path, 7, 200))
        }
    }

    /// `mv` of what a lower layer has, as a tool that compares trees writes it: the old name deleted, everything anew under the new one.
    private mutating func renamed() -> [Member] {
        let random = Int.random(in: 0..<1000, using: &random)
        let moved = model.subtree { $0.isEmpty ? nil : $0[random % $0.count] }
        guard let top = moved.first?.name else { return [member()] }
        let place = path().split(separator: "/").map { Array($0.utf8) }
        var first: [ObjectIdentifier: [UInt8]] = [:]
        var members: [Member] = [.whiteout(String(decoding: Array(top.joined(separator: [0x2F])), as: UTF8.self))]
        for (name, node) in moved {
            let path = Array((place + name.dropFirst(top.count)).joined(separator: [0x2F]))
            if let known = first[ObjectIdentifier(node)] {
                members.append(.hardLink(String(decoding: path, as: UTF8.self), String(decoding: known, as: UTF8.self)))
                continue
            }
            if node.kind != .directory { first[ObjectIdentifier(node)] = path }
            members.append(Member(moving: node, to: path))
        }
        return members
    }

    /// A name that the layers below have.
    private mutating func somethingBelow() -> String? {
        let random = Int.random(in: 0..<1000, using: &random)
        return model.subtree { $0.isEmpty ? nil : $0[random % $0.count] }.first
            .map { String(decoding: Array($0.name.joined(separator: [0x2F])), as: UTF8.self) }
    }

    private mutating func path() -> String {
        let names = ["a", "b", "c", "lib", "usr"]
        var depth = [1, 1, 2, 2, 3][Int.random(in: 0..<5, using: &random)]
        if chance(25) { depth = Int.random(in: 6...9, using: &random) }
        var parts = (0..<depth).map { _ in names[Int.random(in: 0..<names.count, using: &random)] }
        // ustar has room for 100 bytes.
        if chance(25) { parts[Int.random(in: 0..<depth, using: &random)] = Self.longName }
        return (chance(10) ? "./" : chance(20) ? "/" : "") + parts.joined(separator: "/")
    }

    private static let longName = String(repeating: "long", count: 60)

    private mutating func sparse(_ path: String) -> Member {
        let hole = [0, 1, 511, 5000, 100_000]
        var parts: [(offset: UInt64, text: String)] = []
        var end: UInt64 = 0
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            end += UInt64(hole[Int.random(in: 0..<5, using: &random)])
            parts.append((end, content() + "."))
            end += UInt64(parts[parts.count - 1].text.utf8.count)
        }
        return .sparse(path, size: end + UInt64(hole[Int.random(in: 0..<5, using: &random)]), parts)
    }

    private mutating func target() -> String {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: "/" + path()
        case 1: "../" + path()
        case 2: "usr/lib"
        case 3: "../../.."
        default: path()
        }
    }

    private mutating func content() -> String {
        serial += 1
        return chance(10) ? String(repeating: "\(serial)", count: 3000) : chance(5) ? "" : "\(serial)"
    }

    private mutating func attributed(_ member: Member) -> Member {
        guard chance(2) else { return member }
        let modes: [UInt32] = [0, 0o400, 0o600, 0o700, 0o755, 0o777, 0o1777, 0o2755, 0o4711, 0o6777, 0o7777]
        let owners: [UInt64] = [0, 1, 1000, 65_534, 100_000, 4_294_967_294]
        let times: [Int64] = [-1_000_000_000, -1, 0, 1, 1_700_000_000, 4_294_967_296]
        return member.with { entry in
            entry.mode = modes[Int.random(in: 0..<modes.count, using: &random)]
            entry.uid = owners[Int.random(in: 0..<owners.count, using: &random)]
            entry.gid = owners[Int.random(in: 0..<owners.count, using: &random)]
            entry.modifiedSeconds = times[Int.random(in: 0..<times.count, using: &random)]
            entry.modifiedNanoseconds = [0, 1, 500_000_000, 999_999_999][Int.random(in: 0..<4, using: &random)]
            entry.attributes = attributes(of: entry.kind)
        }
    }

    /// cap_net_bind_service=ep. Source: linux/capability.h, struct vfs_cap_data, revision 2.
    static let capability: [UInt8] = [1, 0, 0, 2, 0, 4] + [UInt8](repeating: 0, count: 14)

    private mutating func attributes(of kind: TarEntry.Kind) -> [TarEntry.Attribute] {
        let keys = ["user.a", "user.b", "trusted.a", "security.a", "trusted.overlay.opaque", "trusted.overlay.redirect"]
        let values: [[UInt8]] = [[0x79], [], [0, 0x0A, 0x3D, 0xFF], [UInt8](repeating: 0x61, count: 300)]
        var attributes: [TarEntry.Attribute] = []
        for key in keys where chance(6) {
            // The kernel takes attributes of users for files and directories only.
            if key.starts(with: "user."), kind != .file && kind != .directory { continue }
            attributes.append(TarEntry.Attribute(key: Array(key.utf8), value: values[Int.random(in: 0..<values.count, using: &random)]))
        }
        if kind == .file, chance(6) {
            attributes.append(TarEntry.Attribute(key: Array("security.capability".utf8), value: Self.capability))
        }
        return attributes
    }

    private mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }
}
