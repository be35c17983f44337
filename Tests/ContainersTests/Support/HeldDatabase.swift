// SPDX-License-Identifier: Apache-2.0

import Containers
import Glibc
import Linux
import Metadata
import Synchronization
import Testing

extension TestNode {
    private final class Hold: Sendable {
        let isHeld = Atomic(false)
        let isOver = Atomic(false)
        let hasEnded = Atomic(false)
    }

    /// As on a slow disk: whoever changes the database waits until the body has ended.
    func withHeldDatabase(_ body: () async throws -> Void) async throws {
        let other = try await create(shell: "true")
        let json = try #require(try metadata.container(other.id.text)).json
        let (hold, metadata, id) = (Hold(), metadata, other.id.text)
        try startThread(name: "hold") {
            try? metadata.update(container: id) {
                hold.isHeld.store(true, ordering: .sequentiallyConsistent)
                for _ in 0..<600_000 where !hold.isOver.load(ordering: .sequentiallyConsistent) { usleep(1000) }
                return json
            }
            hold.hasEnded.store(true, ordering: .sequentiallyConsistent)
        }
        try await eventually("it is held") { hold.isHeld.load(ordering: .sequentiallyConsistent) }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        hold.isOver.store(true, ordering: .sequentiallyConsistent)
        try await eventually("it is let go") { hold.hasEnded.load(ordering: .sequentiallyConsistent) }
        try await service.remove(other, force: false)
        try result.get()
    }
}
