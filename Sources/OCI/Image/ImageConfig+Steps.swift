// SPDX-License-Identifier: Apache-2.0

extension ImageConfig {
    /// Which steps of the history made the layers.
    public enum LayerSteps: Sendable, Hashable {
        /// One for each layer, from the lowest up.
        case known([History])
        /// The config has no history.
        case missing
        /// Another number of steps say that they made a layer: nobody can tell which made which.
        case mismatched
    }

    /// Source: image-spec config.md, "history": the steps without `empty_layer` are those of the layers, in their order.
    public var layerSteps: LayerSteps {
        guard let history, !history.isEmpty else { return rootfs.diffIDs.isEmpty ? .known([]) : .missing }
        let steps = history.filter { $0.emptyLayer != true }
        return steps.count == rootfs.diffIDs.count ? .known(steps) : .mismatched
    }
}
