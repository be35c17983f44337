// SPDX-License-Identifier: Apache-2.0

/// The moments of a commit and of a removal between which a crash must not matter.
package enum StoreStep: Sendable, Hashable {
    case layersDescribed
    case layersSynced
    /// One more layer has been renamed into place.
    case layerPlaced
    case directoriesSynced
    /// The image is recorded.
    case imageRecorded
    /// Rows of removed layers are gone, their directories are not.
    case layersForgotten
    case layersDiscarded
}

/// Looks at, or ends, the store's work between its steps: crash tests copy the root, cut the power or throw there.
package struct Failpoint: Sendable {
    private let body: @Sendable (StoreStep) throws(SnapshotError) -> Void

    package init(_ body: @escaping @Sendable (StoreStep) throws(SnapshotError) -> Void) { self.body = body }

    func reach(_ step: StoreStep) throws(SnapshotError) { try body(step) }
}
