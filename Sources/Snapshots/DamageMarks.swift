// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What checks have found, as the database has it: in memory, since each creation of a container asks.
final class DamageMarks: Sendable {
    private let findings = Mutex<[Int64: String]>([:])

    /// - Parameter finding: nil: nothing (any more).
    func note(_ finding: String?, ofLayer id: Int64) { findings.withLock { $0[id] = finding } }

    func finding(ofLayer id: Int64) -> String? { findings.withLock { $0.isEmpty ? nil : $0[id] } }
}
