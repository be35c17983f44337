// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import Synchronization

/// One client's connection: by when what is awaited from the client has to have happened, and whether it is still there.
final class Connection: Sendable {
    private struct State {
        var due: NIODeadline?
        var hasLeft = false
        var onLeaving: (@Sendable () -> Void)?
        var hasUnreadBody = false
    }

    let channel: any Channel
    let peer: Peer
    private let state = Mutex(State())

    init(channel: any Channel, peer: Peer) {
        self.channel = channel
        self.peer = peer
    }

    /// Gives the client so long to send or to take the next piece; nil waits for nothing. Past it the connection is closed.
    func expect(within time: TimeAmount?) {
        state.withLock { $0.due = time.map { .now() + $0 } }
    }

    /// Whether a part of the present request's body may not have been read.
    var hasUnreadBody: Bool {
        get { state.withLock { $0.hasUnreadBody } }
        set { state.withLock { $0.hasUnreadBody = newValue } }
    }

    func isOverdue(_ now: NIODeadline) -> Bool {
        state.withLock { $0.due.map { $0 < now } ?? false }
    }

    /// Calls `action` when the client has closed the connection or its sending half, at once where it has already.
    /// There is one action at a time, as there is one request; nil forgets it.
    func whenClientLeaves(_ action: (@Sendable () -> Void)?) {
        let hasLeft = state.withLock { state in
            state.onLeaving = action
            return state.hasLeft
        }
        if hasLeft { action?() }
    }

    /// Told by the channel.
    func clientLeft() {
        let action = state.withLock { state in
            state.hasLeft = true
            return state.onLeaving.take()
        }
        action?()
    }
}
