// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import TestSupport
import Testing

/// Runs a program. - Returns: its output.
@discardableResult
func run(_ arguments: [String], in directory: FilePath = "/") throws -> [UInt8] {
    let outcome = try command(arguments, in: directory.string)
    try #require(outcome.code == 0, "\(arguments): \(outcome)")
    return outcome.bytes
}
