// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The containers of this node, by ID and by name. A name is claimed before anything is made for it.
package final class ContainerIndex: Sendable {
    private struct State {
        var containers: [ContainerID: Container] = [:]
        var names: [String: ContainerID] = [:]
    }
    private let state = Mutex(State())

    package init() {}

    package var all: [Container] { state.withLock { Array($0.containers.values) } }

    /// Of those that are there, and of those that a name was claimed for.
    var ids: Set<String> { state.withLock { Set($0.names.values.map(\.text)).union($0.containers.keys.map(\.text)) } }

    /// - Throws: `ContainerError.nameInUse`.
    package func claim(name: String, for id: ContainerID) throws(ContainerError) {
        let holder: ContainerID? = state.withLock { state in
            if let holder = state.names[name] { return holder }
            state.names[name] = id
            return nil
        }
        if let holder { throw .nameInUse(name, by: holder.short) }
    }

    /// Gives a claimed name back: the creation failed.
    package func release(name: String) { state.withLock { _ = $0.names.removeValue(forKey: name) } }

    package func insert(_ container: Container) {
        state.withLock { state in
            state.containers[container.id] = container
            state.names[container.memo.name] = container.id
        }
    }

    package func remove(_ container: Container) {
        state.withLock { state in
            state.containers[container.id] = nil
            state.names[container.memo.name] = nil
        }
    }

    /// Gives a name back that it does not have any more.
    func release(name: String, of id: ContainerID) {
        state.withLock { state in if state.names[name] == id { state.names[name] = nil } }
    }

    package func container(_ id: ContainerID) -> Container? { state.withLock { $0.containers[id] } }

    /// By whole ID, by name, or by a prefix of the ID that only one has, in this order.
    package func find(_ text: String) throws(ContainerError) -> Container {
        let (found, matches): (Container?, [String]) = state.withLock { state in
            if let id = ContainerID(text), let container = state.containers[id] { return (container, []) }
            if let id = state.names[text], let container = state.containers[id] { return (container, []) }
            guard !text.isEmpty else { return (nil, []) }
            let matches = state.containers.values.filter { $0.id.text.hasPrefix(text) }
            return matches.count == 1 ? (matches.first, []) : (nil, matches.map(\.id.short))
        }
        if let found { return found }
        throw matches.isEmpty ? .notFound(text) : .ambiguous(text, matches: matches)
    }
}
