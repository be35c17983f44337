// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import OCI
internal import Synchronization

/// What a pull or a load that is under way relies on, so that no removal takes it away meanwhile.
///
/// In memory: it ends with its process, and so does the operation. Released when the last reference goes, or by `release`.
package final class Lease: Sendable {
    private let store: MetadataStore
    private let keys = Mutex(Set<ClaimKey>())

    init(store: MetadataStore) { self.store = store }

    deinit { release() }

    /// After it the claimed layers and blobs stay only as long as an image or a container holds them. May be called again.
    package func release() {
        let released = keys.withLock { keys in
            defer { keys = [] }
            return keys
        }
        store.claims.withLock { claims in
            for key in released { claims[key] = claims[key].flatMap { $0 > 1 ? $0 - 1 : nil } }
        }
    }

    /// - Returns: false where this lease has claimed it before.
    fileprivate func add(_ key: ClaimKey) -> Bool { keys.withLock { $0.insert(key).inserted } }
}

enum ClaimKey: Hashable, Sendable {
    case layer(LayerKey)
    case blob(Digest)
}

extension MetadataStore {
    package func lease() -> Lease { Lease(store: self) }

    /// Claims a layer, and looks whether it is there: what is found stays until the lease ends. What is not found is claimed too, so a copy
    /// that another operation commits now stays as well.
    package func claim(layer key: LayerKey, for lease: Lease) throws(MetadataError) -> LayerRecord? {
        try change("claim a layer") { db in
            claim(.layer(key), for: lease)
            return try LayerRecord.fetch(db, key)
        }
    }

    /// Claims a blob likewise. A removal that was under way has also removed the file when this returns.
    package func claim(blob digest: Digest, for lease: Lease) throws(MetadataError) -> BlobRecord? {
        try change("claim a blob") { db in
            claim(.blob(digest), for: lease)
            return try BlobRecord.fetch(db, "WHERE digest = ?", [digest.description]).first
        }
    }

    /// On the writer's queue.
    private func claim(_ key: ClaimKey, for lease: Lease) {
        guard lease.add(key) else { return }
        claims.withLock { $0[key, default: 0] += 1 }
    }

    func isClaimed(_ key: ClaimKey) -> Bool { claims.withLock { $0[key] != nil } }
}
