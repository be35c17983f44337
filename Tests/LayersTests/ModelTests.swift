// SPDX-License-Identifier: Apache-2.0

import Foundation
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
            let stack = RandomStack(seed: seed)
            guard let failure = try stack.failure() else { continue }
            let smallest = try stack.shrunk(failure.kind)
            Issue.record("seed \(seed): \(failure.kind) \(failure.text)\nsmallest:\n\(smallest)\n\(try smallest.failure()?.text ?? "")")
            return
        }
        print("model: stacks of the seeds from \(Self.firstSeed + share) by 4 below \(Self.firstSeed + Self.stacks) are right")
    }
}
