// SPDX-License-Identifier: Apache-2.0

package import Linux
internal import Metadata
package import OCI

/// Who uses which layers: what an image has for itself, what it shares, what would go with it.
package struct LayerShares: Sendable {
    package struct Share: Sendable, Hashable {
        package var image: Digest
        package var size: TreeUsage
        package var exclusive: TreeUsage
        package var compressedBytes: Int64
        package var sharedWith: [Digest]
        package var shared: TreeUsage { size - exclusive }
    }

    package private(set) var unique = TreeUsage()
    package private(set) var shared = TreeUsage()
    /// Of no image: containers hold them.
    package private(set) var detached = TreeUsage()
    package private(set) var detachedCount = 0
    private let lowers: [LowerUsage]

    package init(_ lowers: [LowerUsage]) {
        self.lowers = lowers
        for lower in lowers {
            switch lower.images.count {
            case 0:
                detached += lower.usage
                detachedCount += 1
            case 1: unique += lower.usage
            default: shared += lower.usage
            }
        }
    }

    package func share(of image: Digest) -> Share {
        var share = Share(image: image, size: TreeUsage(), exclusive: TreeUsage(), compressedBytes: 0, sharedWith: [])
        var others: Set<Digest> = []
        for lower in lowers where lower.images.contains(image) {
            share.size += lower.usage
            share.compressedBytes += lower.layer.size.compressedBytes ?? 0
            if lower.images == [image] { share.exclusive += lower.usage } else { others.formUnion(lower.images) }
        }
        others.remove(image)
        share.sharedWith = others.sorted { $0.description < $1.description }
        return share
    }

    /// What goes when all images but these are removed: containers keep theirs.
    package func reclaimable(keeping active: Set<Digest>) -> TreeUsage {
        lowers.filter { !$0.images.isEmpty && $0.containers.isEmpty && active.isDisjoint(with: $0.images) }
            .reduce(TreeUsage()) { $0 + $1.usage }
    }
}

extension LowerUsage {
    package var usage: TreeUsage { TreeUsage(bytes: layer.size.diskBytes, inodes: layer.size.inodes) }
}
