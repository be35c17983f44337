// SPDX-License-Identifier: Apache-2.0

package import Linux
package import OCI

/// One object of an extracted layer as it is on disk.
package struct ListedObject: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        /// - Parameter checksum: `Checksum64` of the content, with holes as zeros.
        case file(size: UInt64, checksum: UInt64)
        case directory
        case symlink(target: [UInt8])
        case characterDevice(UInt64)
        case blockDevice(UInt64)
        case fifo
        /// overlayfs's mark of a deleted name: a character device 0:0. Nothing else of it counts.
        case whiteout
    }

    package var content: Content
    /// The twelve permission bits.
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    package var modified: FileTime
    /// `Checksum64.of(attributes:)`; 0 for none.
    package var attributes: UInt64 = 0
    /// Names with the same number are one file; numbers are the listing's own.
    package var identity: UInt64 = 0

    package init(_ content: Content, mode: UInt32 = 0, uid: UInt32 = 0, gid: UInt32 = 0, modified: FileTime = FileTime(seconds: 0)) {
        self.content = content
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.modified = modified
    }
}

/// One name of an extracted layer.
package struct ListingEntry: Sendable, Hashable {
    /// From the layer's root, without a slash before or behind; the root's is empty.
    package var path: [UInt8]
    package var object: ListedObject

    package init(path: [UInt8], object: ListedObject) {
        self.path = path
        self.object = object
    }
}

/// What is known of a listing as a whole, and kept elsewhere.
package struct ListingSummary: Codable, Sendable, Hashable {
    /// Of the listing's own bytes.
    package var digest: Digest
    /// Names, the root included.
    package var entries: Int64

    package init(digest: Digest, entries: Int64) {
        self.digest = digest
        self.entries = entries
    }
}

package enum ListingError: Error, Sendable, Hashable {
    case damaged(String)
    case kernel(KernelError)
}

extension ListingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .damaged(let reason): "the layer's listing can't be read: \(reason)"
        case .kernel(let error): "\(error)"
        }
    }
}
