// SPDX-License-Identifier: Apache-2.0

internal import Linux
package import SystemPackage

/// Layers that are mounted below a container's root, read-only: in the spec an overlay with `lowerdir=` and without an upper.
package struct LayersMount: Sendable {
    /// What of the overlay is mounted. Source: mount(8), "X-mount.subdir".
    package static let subdirectoryOption = "X-mount.subdir"

    let overlay: OverlayMount
    /// Below the overlay's root; nil is all.
    let subdirectory: FilePath?

    /// - Returns: nil for an overlay with other options, which the kernel gets as they are.
    init?(_ options: [MountPlan.Option]) {
        var lowerdirs: [FilePath] = []
        var subdirectory: FilePath?
        for option in options {
            switch (option.key, option.value) {
            case ("lowerdir", let text?): lowerdirs = Self.paths(text)
            case (Self.subdirectoryOption, let text?): subdirectory = FilePath(root: nil, FilePath(text).components)
            default: return nil
            }
        }
        guard lowerdirs.count > 1, lowerdirs.allSatisfy(\.isAbsolute) else { return nil }
        self.subdirectory = subdirectory
        // What all have in common is said once: older kernels take a page of options.
        var common = Array(lowerdirs[0].components.dropLast())
        for path in lowerdirs { common = zip(common, path.components).prefix { $0 == $1 }.map(\.0) }
        overlay = OverlayMount(
            store: FilePath(root: "/", common), lowerdirs: lowerdirs.map { FilePath(root: nil, $0.components.dropFirst(common.count)) },
            upper: .none)
    }

    /// Cut at colons that no backslash stands before.
    private static func paths(_ text: String) -> [FilePath] {
        var paths: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\") where !isEscaped: isEscaped = true
            case UInt8(ascii: ":") where !isEscaped: paths.append([])
            default:
                paths[paths.count - 1].append(byte)
                isEscaped = false
            }
        }
        return paths.map { FilePath(String(decoding: $0, as: UTF8.self)) }
    }

    /// - Parameter target: a directory to build on.
    func detached(
        at target: FilePath, _ user: borrowing Optional<UserNamespace>, _ destination: String
    ) throws(LaunchError) -> OwnedFD {
        switch user {
        case .some(let user):
            return try during(.prepareMounts, "\(destination): an overlay of id-mapped layers needs Linux 5.19") { () throws(KernelError) in
                try overlay.mountDetached(mappedBy: user, at: target, subdirectory: subdirectory).intoDescriptor()
            }
        case .none:
            return try during(.prepareMounts, destination) { () throws(KernelError) in
                try overlay.mountDetached(at: target, subdirectory: subdirectory).intoDescriptor()
            }
        }
    }
}

extension MountPlan {
    var isOfLayers: Bool { if case .layers = kind { true } else { false } }
}

extension FilePath {
    /// As `lowerdir=` takes it.
    package var overlayText: String {
        string.reduce(into: "") { text, character in
            if character == "\\" || character == ":" { text.append("\\") }
            text.append(character)
        }
    }
}
