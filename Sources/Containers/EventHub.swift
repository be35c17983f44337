// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import OCI
internal import Synchronization

/// Tells every listener what happens to containers and images, from now on.
package final class EventHub: Sendable {
    private struct State {
        var listeners: [UInt64: AsyncStream<Event>.Continuation] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// - Parameter id: the container's ID, or the image's digest.
    package func publish(_ type: String, _ action: String, id: String, attributes: [String: String] = [:]) {
        let event = Event(time: Timestamp.now(), type: type, action: action, id: id, attributes: attributes)
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener.yield(event) }
    }

    /// A stream that ends when its reader goes. A reader that is 1,024 events behind loses the oldest.
    package func subscribe() -> AsyncStream<Event> {
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(1024))
        let id = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    /// Ends every stream: the daemon stops.
    package func finish() {
        let listeners = state.withLock { state in
            let all = Array(state.listeners.values)
            state.listeners = [:]
            return all
        }
        for listener in listeners { listener.finish() }
    }
}
