// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import OCI
internal import SystemPackage

/// Which namespaces the container gets new, and which it joins.
struct NamespacePlan {
    var new: Namespaces = []
    var joined: [(kind: Namespaces, path: FilePath)] = []

    /// Whether what is mounted stays in the mount namespace that the runtime itself is in, after the container's end.
    var mountsOnHost: Bool { !isOwn(.mount) }

    func isOwn(_ kind: Namespaces) -> Bool { new.contains(kind) || joined.contains { $0.kind == kind } }
}
