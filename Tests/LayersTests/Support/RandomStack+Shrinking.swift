// SPDX-License-Identifier: Apache-2.0

import Tar

extension RandomStack {
    /// What a failing seed is reported as: how it fails, and the smallest stack that fails like it.
    /// - Returns: nil where it does not fail.
    func report(seed: UInt64) throws -> String? {
        guard let failure = try failure() else { return nil }
        let smallest = try shrunk { try $0.failure()?.kind == failure.kind }
        return """
            CTR_SWIFT_MODEL_SEED=\(seed) CTR_SWIFT_MODEL_STACKS=1: \(failure.kind)
            \(failure.text)
            smallest:
            \(smallest)\(try smallest.failure()?.text ?? "")
            """
    }

    /// A stack that still fails, of which nothing can be taken away.
    func shrunk(_ fails: (RandomStack) throws -> Bool) rethrows -> RandomStack {
        var smallest = self
        var goesOn = true
        while goesOn {
            goesOn = false
            for candidate in smallest.smaller() where try fails(candidate) {
                smallest = candidate
                goesOn = true
                break
            }
        }
        return smallest
    }

    /// The big steps first: whole layers, halves of layers, entries, then what entries say.
    private func smaller() -> [RandomStack] {
        var candidates: [RandomStack] = []
        func offer(_ change: (inout RandomStack) -> Void) {
            var candidate = self
            change(&candidate)
            candidates.append(candidate)
        }
        for place in order.indices where order.count > 1 { offer { $0.order.remove(at: place) } }
        for layer in Set(order).sorted() {
            let half = layers[layer].count / 2
            if half > 1 {
                offer { $0.layers[layer].removeFirst(half) }
                offer { $0.layers[layer].removeLast(half) }
            }
            for index in layers[layer].indices { offer { $0.layers[layer].remove(at: index) } }
            for (index, member) in layers[layer].enumerated() {
                for simpler in member.simpler() { offer { $0.layers[layer][index] = simpler } }
            }
        }
        return candidates
    }
}

extension Member {
    /// Each with one thing less to say, the boldest first.
    fileprivate func simpler() -> [Member] {
        let mode: UInt32 = entry.kind == .directory ? 0o755 : 0o644
        let ways: [(inout Member) -> Void] = [
            { ($0.content, $0.entry.size, $0.entry.sparse) = ([], 0, nil) },
            { $0.entry.attributes = [] },
            { if !$0.entry.attributes.isEmpty { $0.entry.attributes.removeLast() } },
            { if !$0.entry.attributes.isEmpty { $0.entry.attributes.removeFirst() } },
            { if $0.entry.kind != .symlink { $0.entry.mode = mode } },
            { ($0.entry.uid, $0.entry.gid) = (0, 0) },
            { ($0.entry.modifiedSeconds, $0.entry.modifiedNanoseconds) = (0, 0) },
        ]
        let all = ways.reduce(into: self) { $1(&$0) }
        return ([all] + ways.map { way in with(way) }).filter { $0 != self }
    }

    private func with(_ way: (inout Member) -> Void) -> Member {
        var member = self
        way(&member)
        return member
    }
}
