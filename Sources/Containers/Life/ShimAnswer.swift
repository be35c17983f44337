// SPDX-License-Identifier: Apache-2.0

package import ShimProtocol

/// One message that a shim owes, which may be long in coming: waited for without a thread.
package final class ShimAnswer: Sendable {
    package enum Outcome: Sendable {
        case message(ShimMessage)
        /// The connection ended, or what came is no message.
        case closed
        case late
    }
    private let first = FirstAnswer<Outcome>()

    package init() {}

    /// The first one counts.
    func give(_ outcome: Outcome) { first.give(outcome) }

    /// For one caller.
    /// - Parameter limit: nil waits without end.
    package func wait(within limit: Duration? = nil) async -> Outcome {
        guard let limit else { return await first.wait() }
        return await first.wait(within: limit, late: .late)
    }
}
