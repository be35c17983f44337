// SPDX-License-Identifier: Apache-2.0

package import Registry
internal import Synchronization

/// A clock whose pauses are over at once, and that remembers them.
package final class TestClock: Sendable {
    private struct State {
        var pauses: [Duration] = []
        var ahead: Duration = .zero
    }

    private let state = Mutex(State())

    /// Sun, 06 Nov 1994 08:49:37 GMT
    package static let unixSeconds: Int64 = 784_111_777

    package init() {}

    package var pauses: [Duration] { state.withLock { $0.pauses } }

    package func advance(by duration: Duration) { state.withLock { $0.ahead += duration } }

    package var clock: RegistryClock {
        RegistryClock(
            unixSeconds: { Self.unixSeconds }, now: { .now + self.state.withLock { $0.ahead } },
            sleep: { duration in
                self.state.withLock { $0.pauses.append(duration) }
                try Task.checkCancellation()
                await Task.yield()
            })
    }
}
