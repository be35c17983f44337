// SPDX-License-Identifier: Apache-2.0

package import Metadata

/// Looks at the store's work between its steps, or ends it: tests copy the root, cut the power or throw there. (One that ends the
/// whole daemon is asked for by its environment: `ProcessFailpoint`.)
package struct Failpoint: Sendable {
    private let body: @Sendable (StoreStep) throws(SnapshotError) -> Void

    package init(_ body: @escaping @Sendable (StoreStep) throws(SnapshotError) -> Void) { self.body = body }

    func reach(_ step: StoreStep) throws(SnapshotError) { try body(step) }
}

extension SnapshotStore {
    func reach(_ step: StoreStep) throws(SnapshotError) {
        step.reach()
        try failpoint?.reach(step)
    }
}
