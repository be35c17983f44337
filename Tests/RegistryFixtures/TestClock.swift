// SPDX-License-Identifier: Apache-2.0

import Registry
import Synchronization

/// A clock whose pauses are over at once, and that remembers them.
final class TestClock: Sendable {
    private struct State {
        var pauses: [Duration] = []
        var ahead: Duration = .zero
    }

    private let state = Mutex(State())

    /// Sun, 06 Nov 1994 08:49:37 GMT
    static let unixSeconds: Int64 = 784_111_777

    var pauses: [Duration] { state.withLock { $0.pauses } }

    func advance(by duration: Duration) { state.withLock { $0.ahead += duration } }

    var clock: RegistryClock {
        RegistryClock(
            unixSeconds: { Self.unixSeconds }, now: { .now + self.state.withLock { $0.ahead } },
            sleep: { duration in
                self.state.withLock { $0.pauses.append(duration) }
                try Task.checkCancellation()
                await Task.yield()
            })
    }
}
