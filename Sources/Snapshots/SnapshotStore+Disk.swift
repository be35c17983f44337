// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
internal import Metadata
internal import OCI
internal import SystemPackage

/// What the root takes, by what it is for. With the trees of the layers it is what du(1) says of the root.
package struct StoreDisk: Sendable, Hashable {
    /// Of each container that was asked for, in that order.
    package var uppers: [UsageReading]
    /// Logs, bundles and workdirs of the containers.
    package var containerFiles: UsageReading
    /// What lies beside the layers' trees: what is known of them.
    package var layerFiles: UsageReading
    package var content: UsageReading
    package var trash: UsageReading
    package var trashCount: Int
    /// What is being pulled, loaded or unpacked.
    package var ingest: UsageReading
    /// The database, and the directories of the root themselves.
    package var rest: UsageReading
    package var free: FilesystemStatistics
    /// Uppers are known without walking them.
    package var hasQuota: Bool
}

extension SnapshotStore {
    /// - Parameters:
    ///   - containers: all that are recorded.
    ///   - milliseconds: how long it may take; nil measures everything now.
    package func disk(containers: [String], within milliseconds: UInt64?) throws(SnapshotError) -> StoreDisk {
        let projects = try quotaUsage(of: containers)
        let walked = containers.filter { projects[$0] == nil }
        let trees = walked.map(upperTree) + containers.map { filesTree($0, isProject: projects[$0] != nil) } + rootTrees
        let readings = try kernelStep(.measure) { () throws(KernelError) in try meter.read(trees, within: milliseconds) }
        var found = projects
        for (id, reading) in zip(walked, readings) { found[id] = reading }
        let files = readings.dropFirst(walked.count).prefix(containers.count)
        let root = Array(readings.suffix(rootTrees.count))
        return StoreDisk(
            uppers: containers.map { found[$0] ?? UsageReading(usage: TreeUsage(), measuredAt: nil, isStale: true) },
            containerFiles: UsageReading.sum(files), layerFiles: root[0], content: root[1], trash: root[2],
            trashCount: try kernelStep(.measure) { () throws(KernelError) in try StoreDirectories.names(in: directories.trash).count },
            ingest: root[3], rest: root[4],
            free: try kernelStep(.measure) { () throws(KernelError) in try filesystemStatistics(directories.root) },
            hasQuota: quota.isAccounted)
    }

    /// What each upper takes.
    /// - Parameter milliseconds: how long it may take; nil measures everything now.
    package func upperReadings(of containers: [String], within milliseconds: UInt64?) throws(SnapshotError) -> [UsageReading] {
        let projects = try quotaUsage(of: containers)
        let walked = containers.filter { projects[$0] == nil }
        let readings = try kernelStep(.measure) { () throws(KernelError) in
            try meter.read(walked.map(upperTree), within: milliseconds)
        }
        let found = projects.merging(zip(walked, readings)) { $1 }
        return containers.map { found[$0] ?? UsageReading(usage: TreeUsage(), measuredAt: nil, isStale: true) }
    }

    /// Waits for the walks that were put off. For tests.
    package func finishMeasuring() { meter.finish() }

    func forgetUsage(of id: String) {
        meter.forget(UsageMeter.key(ofUpper: id))
        meter.forget("files/" + id)
    }

    /// Of those that are projects.
    private func quotaUsage(of containers: [String]) throws(SnapshotError) -> [String: UsageReading] {
        guard quota.isAccounted, !containers.isEmpty else { return [:] }
        let projects = try metadataStep { () throws(MetadataError) in try metadata.projects() }
        let known = containers.compactMap { id in projects[id].map { (id, $0) } }
        let measuredAt = Timestamp.now()
        let usages = try kernelStep(.measure) { () throws(KernelError) in try quota.usage(of: known.map(\.1)) }
        return Dictionary(
            uniqueKeysWithValues: zip(known, usages).map { ($0.0, UsageReading(usage: $1, measuredAt: measuredAt, isStale: false)) })
    }

    private func upperTree(_ id: String) -> UsageMeter.Tree {
        UsageMeter.Tree(key: UsageMeter.key(ofUpper: id), path: directories.container(id).appending("upper"), container: id)
    }

    /// A project has its workdir counted already. overlayfs keeps one whiteout in the workdir, and links it to where it is needed: it is
    /// counted there.
    private func filesTree(_ id: String, isProject: Bool) -> UsageMeter.Tree {
        let (upper, work) = (Array("upper".utf8), Array("work".utf8))
        let directory = directories.container(id)
        return UsageMeter.Tree(key: "files/" + id, path: directory) { place, name in
            if place.isEmpty { return name == upper || isProject && name == work }
            return place == [work, work] && Self.isLinkedWhiteout(directory.pushing("work/work"), name)
        }
    }

    private static func isLinkedWhiteout(_ directory: FilePath, _ name: EntryName) -> Bool {
        guard name.first == UInt8(ascii: "#"), let directory = try? openFile(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
            let status = try? directory.status(name)
        else { return false }
        return status.isWhiteout && status.links > 1
    }

    /// In the order of `StoreDisk`'s members.
    private var rootTrees: [UsageMeter.Tree] {
        let tree = Array("fs".utf8)
        let containers = Array("containers".utf8)
        let own = ["layers", "content", "trash", "ingest"].map { Array($0.utf8) }
        return [
            UsageMeter.Tree(key: "layers", path: directories.layers, skip: { $0.count == 1 && $1 == tree }),
            UsageMeter.Tree(key: "content", path: directories.root.appending("content")),
            UsageMeter.Tree(key: "trash", path: directories.trash),
            UsageMeter.Tree(key: "ingest", path: directories.ingest),
            UsageMeter.Tree(
                key: "rest", path: directories.root, skip: { $0.isEmpty && own.contains($1) || $0.first == containers }),
        ]
    }
}

extension UsageReading {
    /// As old as the oldest of them.
    package static func sum(_ readings: some Collection<UsageReading>) -> UsageReading {
        UsageReading(
            usage: readings.reduce(TreeUsage()) { $0 + $1.usage }, measuredAt: readings.lazy.compactMap(\.measuredAt).min(),
            isStale: readings.contains { $0.isStale })
    }
}
