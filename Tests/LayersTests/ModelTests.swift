// SPDX-License-Identifier: Apache-2.0

import Foundation
import Linux
import Tar
import Testing

/// Random stacks: the naive model against real extraction, fix-up and overlay mount.
@Suite(.asRoot, .overlay) struct ModelTests {
    private static func setting(_ name: String, _ standard: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } ?? standard
    }

    /// How many stacks, and from which seed on: `CTR_SWIFT_MODEL_STACKS=50000 CTR_SWIFT_MODEL_SEED=1000000 make test`.
    private static let stacks = setting("CTR_SWIFT_MODEL_STACKS", 1600)
    private static let firstSeed = setting("CTR_SWIFT_MODEL_SEED", 1)

    @Test("the merged tree of any stack is what extraction in order gives", arguments: 0..<4)
    func model(share: UInt64) throws {
        let seeds = stride(from: Self.firstSeed + share, to: Self.firstSeed + Self.stacks, by: 4)
        for seed in seeds {
            guard let report = try RandomStack(seed: seed).report(seed: seed) else { continue }
            Issue.record("\(report)")
            return
        }
        print("model: stacks of the seeds from \(Self.firstSeed + share) by 4 below \(Self.firstSeed + Self.stacks) are right")
    }

    @Test("a stack that fails shrinks to the little that makes it fail, and is reported with its seed")
    func shrinks() throws {
        // As if extraction lost setuid bits. The first seed whose stack meets that:
        var found: (stack: RandomStack, seed: UInt64)?
        for seed in 1...2000 as ClosedRange<UInt64> where found == nil {
            var stack = RandomStack(seed: seed)
            stack.defect = { tree in
                for path in tree.keys where tree[path]?.kind == .regular { tree[path]?.mode &= 0o3777 }
            }
            if stack.layers.count > 2, try stack.failure() != nil { found = (stack, seed) }
        }
        let (stack, seed) = try #require(found)
        let smallest = try stack.shrunk { try $0.failure() != nil }
        #expect(smallest.order.count == 1)
        let members = smallest.order.flatMap { smallest.layers[$0] }
        let member = try #require(members.first)
        #expect(members.count == 1, "\(smallest)")
        #expect(member.entry.kind == .file && member.entry.mode & 0o4000 != 0)
        #expect(member.entry.uid == 0 && member.entry.modifiedSeconds == 0 && member.entry.attributes.isEmpty && member.content.isEmpty)
        let report = try #require(try stack.report(seed: seed))
        #expect(report.contains("CTR_SWIFT_MODEL_SEED=\(seed) ") && report.contains("smallest:\nlayer ") && report.contains("\(member)"))
    }

    @Test("shrinking keeps the layers that a failure needs, and only the entries that matter")
    func shrinksAcrossLayers() {
        func needs(_ stack: RandomStack) -> Bool {
            let seen = stack.order.map { stack.layers[$0] }
            guard let made = seen.firstIndex(where: { $0.contains { $0.entry.kind == .file && $0.content.count > 2 } }) else {
                return false
            }
            return seen[(made + 1)...].contains { $0.contains { $0.entry.kind == .hardLink } }
        }
        let filler: [Member] = (0..<20).map { Member.file("filler-\($0)", "longer") }
        let stack = RandomStack(layers: [
            filler, [.directory("d"), .file("d/a", "content")] + filler, filler, [.hardLink("x", "d/a")], filler,
        ])
        let smallest = stack.shrunk(needs)
        #expect(smallest.order.count == 2)
        #expect(smallest.order.map { smallest.layers[$0].count } == [1, 1])
    }
}
