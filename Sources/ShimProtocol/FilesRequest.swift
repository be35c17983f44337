// SPDX-License-Identifier: Apache-2.0

// What the engine asks of `ctr-swift-shim files`, a process of its own for the files of one container:
//
//   argument      one FilesRequest as JSON
//   descriptor 0  the archive that comes in        1  what goes out: an archive, or changes
//   descriptor 3  reports, a line of JSON each: `ready` (or `failed`), and after all else `done` (or `failed`)

package struct FilesRequest: Codable, Sendable, Hashable {
    package enum Operation: String, Codable, Sendable, Hashable {
        case status
        /// An object and what is below it, as an archive.
        case archive
        /// An archive into a directory.
        case extract
        /// The root as an archive, without what is mounted in it.
        case export
        /// The differences of an upper to its lowers: a letter, the path, a NUL.
        case changes
    }

    /// The container's root.
    package enum Root: Codable, Sendable, Hashable {
        /// Of a running one: that of its PID 1.
        case process(pid: Int32, startTicks: UInt64)
        /// Of one that does not run: mounted in the helper's own mount namespace, on a directory of the container's.
        case mount(ShimConfiguration.Rootfs, at: String, writable: Bool)
        /// Not mounted: its directories.
        case layers(ShimConfiguration.Rootfs)
    }

    package var operation: Operation
    package var root: Root
    /// In the container.
    package var path: String
    /// Whether a link at the end of the path is followed.
    package var follow: Bool
    /// `extract`: owners, and all mode bits, as the archive has them; else root's.
    package var keepsOwners: Bool
    /// `changes`: what the engine mounts on.
    package var leavingOut: [String]

    package init(
        _ operation: Operation, root: Root, path: String = "/", follow: Bool = true, keepsOwners: Bool = false, leavingOut: [String] = []
    ) {
        self.operation = operation
        self.root = root
        self.path = path
        self.follow = follow
        self.keepsOwners = keepsOwners
        self.leavingOut = leavingOut
    }
}

package enum FilesReport: Codable, Sendable, Hashable {
    case ready(FilesStatus?)
    case done
    case failed(FilesFailure)
}

package struct FilesStatus: Codable, Sendable, Hashable {
    package var name: String
    /// As the API's `PathStatus` has it.
    package var kind: String
    package var mode: UInt32
    package var size: Int64
    package var modifiedAt: String
    package var linkTarget: String?
    package init(name: String, kind: String, mode: UInt32, size: Int64, modifiedAt: String, linkTarget: String?) {
        self.name = name
        self.kind = kind
        self.mode = mode
        self.size = size
        self.modifiedAt = modifiedAt
        self.linkTarget = linkTarget
    }
}

package struct FilesFailure: Error, Codable, Sendable, Hashable {
    package enum Code: String, Codable, Sendable, Hashable {
        case notFound, notPossible, badArchive, noSpace, readOnly, other
    }
    package var code: Code
    package var message: String
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
