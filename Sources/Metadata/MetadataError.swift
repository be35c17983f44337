// SPDX-License-Identifier: Apache-2.0

package import Linux
package import OCI
package import SystemPackage

/// Why the database could not be opened, read or changed. A failed change leaves what was there before.
package enum MetadataError: Error, Sendable, Hashable {
    /// Another process works on this root.
    case rootInUse(lock: FilePath, by: Int32?)
    /// Written by a newer version; it was not touched.
    case newerSchema(path: FilePath, found: Int, known: Int)
    /// The root holds layers or containers, and no database that knows them.
    case databaseLost(root: FilePath, holds: FilePath)
    /// A SQLite file, or something else, that this project did not write.
    case foreignFile(path: FilePath)
    /// Layers that are being relied on are not recorded (any more).
    case layersMissing([LayerKey])
    /// A container's layers were removed before it was recorded.
    case containerLayersGone(id: String)
    case containerNameInUse(String)
    case noSuchContainer(String)
    case noSuchImage(Digest)
    /// A stored value that this version can't read.
    case damaged(what: String)
    /// SQLite refused; `code` is its extended result code.
    case database(operation: String, code: Int32, message: String)
    case kernel(KernelError)
}

extension MetadataError {
    /// SQLite's way to say ENOSPC. Source: sqlite.org/rescode.html, SQLITE_FULL.
    package var isOutOfSpace: Bool {
        switch self {
        case .database(_, let code, _): code & 0xFF == 13
        case .kernel(let error): error.isOutOfSpace
        default: false
        }
    }

    /// The change was rolled back, but it may come back after a restart: SQLITE_IOERR, such as a log that could not be synced.
    package var mayBeDone: Bool {
        if case .database(_, let code, _) = self { code & 0xFF == 10 } else { false }
    }

    package var remedy: String? {
        switch self {
        case .rootInUse: "stop the other daemon, or use another --root"
        case .newerSchema: "install the version that wrote it, or use another --root"
        case .foreignFile(let path): "move \(path) away, or use another --root"
        case .databaseLost(let root, _): "put meta.db back, or move \(root)/layers and \(root)/containers away"
        case .layersMissing, .containerLayersGone: "pull the image again"
        case .database where isOutOfSpace, .kernel where isOutOfSpace: "free space on the filesystem of the root"
        case .containerNameInUse, .noSuchContainer, .noSuchImage, .damaged, .database, .kernel: nil
        }
    }
}

extension MetadataError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .rootInUse(let lock, let pid): "the root is in use by \(pid.map { "process \($0)" } ?? "another process") (lock \"\(lock)\")"
        case .newerSchema(let path, let found, let known): "database \"\(path)\" has schema \(found), this version knows up to \(known)"
        case .foreignFile(let path): "\"\(path)\" is not a database of ctr-swift"
        case .databaseLost(let root, let holds): "\"\(root)\" has no database, but \"\(holds)\" is not empty"
        case .layersMissing(let keys): "not stored any more: \(keys.map(\.text).joined(separator: ", "))"
        case .containerLayersGone(let id): "the layers of container \(id) were removed meanwhile"
        case .containerNameInUse(let name): "a container named \"\(name)\" is recorded"
        case .noSuchContainer(let id): "container \(id) is not recorded"
        case .noSuchImage(let digest): "image \(digest) is not recorded"
        case .damaged(let what): "the database holds \(what)"
        case .database(let operation, let code, let message): "\(operation): SQLite error \(code): \(message)"
        case .kernel(let error): "\(error)"
        }
    }
}
