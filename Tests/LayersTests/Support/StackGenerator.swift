// SPDX-License-Identifier: Apache-2.0

import Tar

/// Makes stacks of few names, so that everything meets everything.
struct StackGenerator {
    private var random: SplitMix
    private var model = ModelTree()
    private var serial: UInt8 = 0

    init(seed: UInt64) { random = SplitMix(seed) }

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

    /// Entry by entry: what would be ambiguous is left out, what would be refused mostly.
    private mutating func layer() -> (members: [Member], isRefused: Bool) {
        var members: [Member] = []
        for _ in 0..<Int.random(in: 0...9, using: &random) {
            let candidate = members + [member()]
            var next = model.copy()
            do throws(ModelRefusal) { try next.apply(candidate) } catch {
                if case .refused = error, chance(20) { return (candidate, true) }
                continue
            }
            members = candidate
        }
        return (members, false)
    }

    private mutating func member() -> Member {
        let path = path()
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<5: return attributed(.file(path, content()))
        case 5..<9: return attributed(.directory(chance(15) ? "." : path))
        case 9, 10: return .symlink(path, target()).with { $0.modifiedSeconds = 7 }
        case 11..<14: return .hardLink(path, self.path())
        case 14..<17: return .whiteout(path)
        case 17: return .opaque(chance(6) ? "" : path)
        case 18: return attributed(.fifo(path))
        default: return attributed(chance(2) ? .character(path, 1, 3) : .block(path, 7, 200))
        }
    }

    private mutating func path() -> String {
        let names = ["a", "b", "c", "lib", "usr"]
        let parts = (0..<[1, 1, 2, 2, 3][Int.random(in: 0..<5, using: &random)]).map { _ in
            names[Int.random(in: 0..<names.count, using: &random)]
        }
        return (chance(10) ? "./" : chance(20) ? "/" : "") + parts.joined(separator: "/")
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
        let keys = ["user.a", "user.b", "trusted.a", "security.a", "trusted.overlay.opaque", "trusted.overlay.redirect"]
        return member.with { entry in
            entry.mode = modes[Int.random(in: 0..<modes.count, using: &random)]
            entry.uid = owners[Int.random(in: 0..<owners.count, using: &random)]
            entry.gid = owners[Int.random(in: 0..<owners.count, using: &random)]
            entry.modifiedSeconds = times[Int.random(in: 0..<times.count, using: &random)]
            entry.modifiedNanoseconds = [0, 1, 500_000_000, 999_999_999][Int.random(in: 0..<4, using: &random)]
            for key in keys where Int.random(in: 0..<6, using: &random) == 0 {
                // The kernel takes attributes of users for files and directories only.
                if key.starts(with: "user."), entry.kind != .file && entry.kind != .directory { continue }
                entry.attributes.append(TarEntry.Attribute(key: Array(key.utf8), value: [0x79]))
            }
        }
    }

    private mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }
}

/// Source: Steele, Lea, Flood: "Fast splittable pseudorandom number generators".
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
