// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Synchronization

/// Runs work on a thread as the engine has them: with a stack of 1 MiB.
func onThread(_ work: @escaping @Sendable () throws -> Void) throws { try onThreads([work]) }

/// Runs works at once, each on a thread of its own, and waits for all.
func onThreads(_ works: [@Sendable () throws -> Void]) throws {
    let results = BlockingQueue<Result<Void, any Error>>(capacity: works.count)
    for work in works { try startThread(name: "test") { _ = results.put(Result(catching: work)) } }
    for _ in works { try results.take()?.get() }
}

/// Sets the checksum of a header block whose fields were changed.
func repairChecksum(_ block: inout [UInt8]) {
    for index in 148..<156 { block[index] = 0x20 }
    let sum = String(block[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
    block.replaceSubrange(148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum).utf8) + [0, 0x20])
}
