// SPDX-License-Identifier: Apache-2.0

package import Layers
package import Linux
package import Metadata
package import OCI
package import SystemPackage

/// Why the store refused. Nothing half-made is recorded after any of them.
package enum SnapshotError: Error, Sendable, Hashable {
    /// What was being done when the kernel refused.
    package enum Step: String, Sendable, Hashable {
        case prepareRoot = "prepare the root"
        case sweep = "sweep the root"
        case beginIngest = "make an ingest directory"
        case describeLayer = "write layer.json"
        case sync = "sync the layers of an image"
        case placeLayer = "move a layer into place"
        case readFacts = "read layer.json"
        case createUpper = "make a writable layer"
        case discard = "move to the trash"
        case limitUpper = "limit a writable layer"
        case measure = "measure"
        case checkSpace = "look for free space"
        case check = "check the store"
        case replace = "exchange a layer's tree"
    }

    case notEnoughBytes(needed: UInt64, free: UInt64, reserve: UInt64, store: FilePath)
    case notEnoughInodes(needed: UInt64, free: UInt64, reserve: UInt64, store: FilePath)
    case noSuchImage(Digest)
    /// A name that can't be a directory's.
    case invalidContainerID(String)
    case containerExists(String)
    /// Committed or abandoned before.
    case ingestEnded(FilePath)
    case damagedFacts(path: FilePath, reason: String)
    /// A check has found that a layer's files are not what they should be.
    case damagedLayer(LayerRecord, finding: String)
    case unlisted(path: FilePath, reason: LayerError)
    /// A limit was asked for that the filesystem would not hold.
    case noProjectQuota(filesystem: String, support: ProjectQuota.Support, store: FilePath)
    case metadata(MetadataError)
    case kernel(Step, KernelError)
}

extension SnapshotError {
    package var remedy: String? {
        switch self {
        case .notEnoughBytes(_, _, _, let store): "free space under \(store), remove images (`ctr-swift rmi`), or move the root"
        case .notEnoughInodes(_, _, _, let store): "free inodes under \(store), remove images (`ctr-swift rmi`), or move the root"
        case .noSuchImage: "pull it first"
        case .damagedLayer(let layer, _): "`ctr-swift repair \(layer.key.shortText)`, then `ctr-swift fsck --full \(layer.key.shortText)`"
        case .noProjectQuota(let filesystem, let support, _): Self.quotaRemedy(filesystem, support)
        case .metadata(let error): error.remedy
        case .kernel(_, let error) where error.isOutOfSpace: "free space or inodes on the filesystem of the root"
        case .kernel, .invalidContainerID, .containerExists, .ingestEnded, .damagedFacts, .unlisted: nil
        }
    }

    /// Bytes or inodes ran out, whoever noticed.
    package var isOutOfSpace: Bool {
        switch self {
        case .notEnoughBytes, .notEnoughInodes: true
        case .metadata(let error): error.isOutOfSpace
        case .kernel(_, let error): error.isOutOfSpace
        default: false
        }
    }
}

extension SnapshotError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notEnoughBytes(let needed, let free, let reserve, let store):
            "not enough space under \"\(store)\": \(needed) bytes needed, \(free) free, of which \(reserve) stay in reserve"
        case .notEnoughInodes(let needed, let free, let reserve, let store):
            "not enough inodes under \"\(store)\": \(needed) needed, \(free) free, of which \(reserve) stay in reserve"
        case .noSuchImage(let digest): "image \(digest) is not stored"
        case .invalidContainerID(let id): "\"\(printable(id))\" can't be a container's id"
        case .containerExists(let id): "container \(id) has a writable layer already"
        case .ingestEnded(let path): "\"\(path)\" was committed or abandoned before"
        case .damagedFacts(let path, let reason): "\"\(path)\" can't be read: \(reason)"
        case .damagedLayer(let layer, let finding): "layer \(layer.key.text) is damaged: \(finding)"
        case .unlisted(let path, let reason): "list \"\(path)\": \(reason)"
        case .noProjectQuota(let filesystem, let support, let store):
            "a writable layer on the \(filesystem) of \"\(store)\" can't be limited: \(Self.explain(support))"
        case .metadata(let error): "\(error)"
        case .kernel(let step, let error): "\(step.rawValue): \(error)"
        }
    }
}

extension SnapshotError {
    private static func explain(_ support: ProjectQuota.Support) -> String {
        switch support {
        case .enforced: "it was mounted without project quota when the daemon started"
        case .accounted: "it counts what projects take, but enforces no limits"
        case .none(nil): "project quota is off"
        case .none(let error?): "it has no project quota: \(error)"
        }
    }

    private static func quotaRemedy(_ filesystem: String, _ support: ProjectQuota.Support) -> String {
        let memory = "or use `--upper tmpfs`, whose limits always hold"
        switch (filesystem, support) {
        case ("ext4", .accounted), ("xfs", _): return "mount it with `-o prjquota`, \(memory)"
        case ("ext4", _):
            return "make it with `mkfs.ext4 -O quota,project` (an existing one, unmounted: `tune2fs -O quota,project`) and mount it with "
                + "`-o prjquota`, \(memory)"
        default: return "put the root on ext4 or xfs with project quota, \(memory)"
        }
    }
}

/// Names the step of kernel calls.
func kernelStep<Value: ~Copyable>(
    _ step: SnapshotError.Step, _ body: () throws(KernelError) -> Value
) throws(SnapshotError) -> Value {
    do throws(KernelError) { return try body() } catch { throw .kernel(step, error) }
}

func metadataStep<Value>(_ body: () throws(MetadataError) -> Value) throws(SnapshotError) -> Value {
    do throws(MetadataError) { return try body() } catch { throw .metadata(error) }
}
