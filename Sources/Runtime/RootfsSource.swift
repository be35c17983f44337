// SPDX-License-Identifier: Apache-2.0

package import Linux
package import SystemPackage

/// Where the container's root comes from.
package enum RootfsSource: Sendable, Hashable {
    /// A directory that is there already, as in a plain OCI bundle. With a user namespace its files must belong to the mapped ids, unless it
    /// is to be id-mapped: then files of the host's id 0 are those of the container's root.
    case directory(FilePath, idMapped: Bool = false)
    /// An overlay mounted on an existing directory, inside the container's own mount namespace: the host's table never shows it.
    case overlay(OverlayMount, at: FilePath)

    var path: FilePath {
        switch self {
        case .directory(let path, _): path
        case .overlay(_, let path): path
        }
    }
}
