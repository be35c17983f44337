// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
    static var buildah: Self { .enabled("needs buildah: run `make setup`") { (try? command(["buildah", "--version"]))?.code == 0 } }
}

/// What one tool makes of an image.
enum Unpacked {
    case tree(Listing)
    /// The last line that it said.
    case refused(String)
}

/// buildah, with a storage of its own: the vfs driver extracts layer after layer into one directory, by the library that podman,
/// CRI-O and skopeo share (containers/storage).
struct Buildah {
    let directory: FilePath
    private var options: [String] { ["--root", "\(directory)/root", "--runroot", "\(directory)/run", "--storage-driver", "vfs"] }

    /// A directory for it, in which it runs: names of images are read as paths from there.
    init(_ directory: FilePath) throws { self.directory = try makeDirectory(directory) }

    @discardableResult
    func callAsFunction(_ arguments: String...) throws -> Outcome {
        try command(["buildah"] + options + arguments, in: directory.string)
    }

    /// Runs a shell script, in which `b` is this buildah.
    func script(_ text: String) throws {
        let outcome = try command(
            ["sh", "-euc", "b() { buildah \(options.joined(separator: " ")) \"$@\"; }\n\(text)"], in: directory.string)
        try #require(outcome.code == 0, "\(outcome)")
    }

    /// The tree of an image of a layout in its directory.
    func unpack(_ image: String, of layout: String = "layout") throws -> Unpacked {
        let made = try self("from", "--quiet", "--name", image, "oci:\(layout):\(image)")
        guard made.code == 0 else { return .refused(made.errors.split(separator: "\n").last.map { String($0) } ?? "") }
        return .tree(try mounted(image))
    }

    /// The tree of a container.
    func mounted(_ container: String) throws -> Listing {
        let mounted = try self("mount", container)
        try #require(mounted.code == 0, "\(mounted)")
        return try list(FilePath(try #require(mounted.lines.first)))
    }
}

/// podman, with a storage of its own.
struct Podman {
    let directory: FilePath

    func unpack(_ image: String, of layout: String = "layout") throws -> Unpacked {
        let options = ["--root", "\(directory)/podman", "--runroot", "\(directory)/podman-run", "--storage-driver", "vfs"]
        func podman(_ arguments: String...) throws -> Outcome { try command(["podman"] + options + arguments, in: directory.string) }
        let pulled = try podman("pull", "--quiet", "oci:\(layout):\(image)")
        guard pulled.code == 0, let id = pulled.lines.last else {
            return .refused(pulled.errors.split(separator: "\n").last.map { String($0) } ?? "")
        }
        let mounted = try podman("image", "mount", id)
        try #require(mounted.code == 0, "\(mounted)")
        return .tree(try list(FilePath(try #require(mounted.lines.first))))
    }
}

struct Umoci {
    let directory: FilePath

    func unpack(_ image: String, of layout: String = "layout") throws -> Unpacked {
        let outcome = try command(
            ["umoci", "--log=error", "raw", "unpack", "--image", "\(layout):\(image)", "umoci-\(image)"], in: directory.string)
        guard outcome.code == 0 else {
            return .refused(outcome.errors.split(separator: "\n").last { !$0.isEmpty }.map { String($0) } ?? "")
        }
        return .tree(try list(directory.appending("umoci-\(image)")))
    }
}
