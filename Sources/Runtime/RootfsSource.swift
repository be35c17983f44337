// SPDX-License-Identifier: Apache-2.0

package import Linux
package import SystemPackage

/// Where the container's root comes from.
package enum RootfsSource: Sendable, Hashable {
    /// A directory that is there already, as in a plain OCI bundle.
    case directory(FilePath)
    /// An overlay mounted on an existing directory, inside the container's own mount namespace: the host's table never shows it.
    case overlay(OverlayMount, at: FilePath)

    var path: FilePath {
        switch self {
        case .directory(let path): path
        case .overlay(_, let path): path
        }
    }
}
