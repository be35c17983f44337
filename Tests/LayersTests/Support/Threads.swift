// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing

/// Runs work on a thread as the engine has them: with a stack of 1 MiB. Expectations belong outside: a test is known to its own task only.
@discardableResult
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) throws -> Value {
    try #require(onThreads([work]).first)
}

/// Runs works at once, each on a thread of its own, and waits for all. - Returns: what they return, in no order.
func onThreads<Value: Sendable>(_ works: [@Sendable () throws -> Value]) throws -> [Value] {
    let results = BlockingQueue<Result<Value, any Error>>(capacity: works.count)
    for work in works { try startThread(name: "test") { _ = results.put(Result(catching: work)) } }
    return try works.compactMap { _ in try results.take()?.get() }
}

/// Sets the checksum of a header block whose fields were changed.
func repairChecksum(_ block: inout [UInt8]) {
    for index in 148..<156 { block[index] = 0x20 }
    let sum = String(block[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
    block.replaceSubrange(148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum).utf8) + [0, 0x20])
}
