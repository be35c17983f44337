// SPDX-License-Identifier: Apache-2.0

package import Metadata
package import OCI
internal import Synchronization
package import SystemPackage

/// The lowerdirs of one image, as data: the caller mounts them.
package struct LayerStack: Sendable, Hashable {
    /// What the lowerdirs are relative to: `<root>/layers`.
    package var store: FilePath
    /// `a7/fs`, from the uppermost down, the fix-up first, each once: overlayfs refuses a repeated directory, and of a repeated layer only the
    /// uppermost occurrence can be seen.
    package var lowerdirs: [FilePath]
    /// Of the lowerdirs, in their order; what a container's record holds.
    package var layerIDs: [Int64]
    /// Without the fix-up, from the uppermost down, each once.
    package var diffIDs: [DiffID]
    package var fixup: ChainID?

    /// What stays empty, for an overlay that would have one lowerdir alone.
    package var emptyLowerdir: FilePath { store.pushing(FilePath(StoreDirectories.empty)).lexicallyNormalized() }

    /// - Parameter layers: from the uppermost down, each once.
    package init(store: FilePath, layers: [LayerRecord]) {
        self.store = store
        layerIDs = layers.map(\.id)
        diffIDs = layers.compactMap(\.key.diffID)
        fixup = layers.lazy.compactMap { if case .fixup(let chainID) = $0.key { chainID } else { nil } }.first
        lowerdirs = layers.isEmpty ? [FilePath(StoreDirectories.empty)] : layers.map { FilePath($0.shortID).appending("fs") }
    }
}

/// Stacks by image. An image's stack never changes while it is stored.
final class StackCache: Sendable {
    private struct State {
        var stacks: [Digest: LayerStack] = [:]
        var generation = 0
    }

    private let state = Mutex(State())

    func stack(_ image: Digest) -> LayerStack? { state.withLock { $0.stacks[image] } }

    var generation: Int { state.withLock { $0.generation } }

    /// - Parameter generation: from before the stack was read: one that layers were removed after is not kept.
    func insert(_ stack: LayerStack, for image: Digest, generation: Int) {
        state.withLock { state in
            if state.generation == generation { state.stacks[image] = stack }
        }
    }

    func clear() {
        state.withLock { state in
            state.stacks = [:]
            state.generation += 1
        }
    }
}
