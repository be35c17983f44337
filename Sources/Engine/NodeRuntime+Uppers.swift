// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Layers
internal import Linux
internal import Metadata
internal import OCI
internal import Snapshots
internal import SystemPackage

extension NodeRuntime {
    /// What a container has written, measured now; it may run meanwhile.
    /// - Parameter top: how many paths of a kind are named, at most 1,000.
    public func upper(of id: String, top: Int) async throws(EngineError) -> UpperReport {
        let container = try find(id)
        guard (0...1000).contains(top) else { throw EngineError(.invalidRequest, "\(top) paths of a kind", remedy: "ask for 0 to 1000") }
        guard container.memo.upperMode != .tmpfs else {
            throw EngineError(
                .unsupported, "the writable layer of container \(container.id.short) is in memory, where only it can look",
                remedy: "use `--upper synced` or `volatile` for one that can be looked at")
        }
        let (key, layerIDs) = (container.id.text, container.stackLayerIDs)
        let inspected = try await storeWork { store throws(SnapshotError) in
            try store.inspectUpper(container: key, layerIDs: layerIDs, naming: top)
        }
        return UpperReport(inspected, of: container)
    }
}

extension UpperReport {
    fileprivate init(_ inspected: UpperInspected, of container: Container) {
        let contents = inspected.contents
        self.init(
            container: container.id.text, name: container.memo.name, path: inspected.path.string, measuredAt: inspected.measuredAt,
            sizeInBytes: contents.usage.bytes, inodes: contents.usage.inodes,
            growth: inspected.previous.map { previous in
                Growth(
                    sizeInBytes: contents.usage.bytes - previous.bytes, inodes: contents.usage.inodes - previous.inodes,
                    since: previous.measuredAt)
            }, files: contents.files, directories: contents.directories,
            largestFiles: contents.largestFiles.map { File($0.path.text, sizeInBytes: $0.bytes) },
            fullestDirectories: contents.fullestDirectories.map {
                Directory($0.path.text, sizeInBytes: $0.bytes, inodes: $0.inodes)
            },
            copiedUp: CopiedFiles(
                count: contents.copiedCount, sizeInBytes: contents.copiedBytes, lowerSizeInBytes: contents.copiedLowerBytes,
                largest: contents.copied.map { file in
                    CopiedFile(
                        file.path.text, sizeInBytes: file.bytes, lowerSizeInBytes: file.lowerBytes,
                        lower: inspected.lowers[file.lowerdir].key.digestText)
                }), whiteouts: Marks(contents.whiteouts), opaqueDirectories: Marks(contents.opaques))
    }
}

extension UpperReport.Marks {
    fileprivate init(_ marks: UpperContents.Marks) {
        self.init(count: marks.count, first: marks.paths.map { UpperReport.Mark($0.text) })
    }
}

extension LayerPath {
    /// As a container would say it: from `/` on.
    var text: PathText { PathText([UInt8(ascii: "/")] + bytes) }
}

extension LayerKey {
    /// The diff ID or the chain ID alone.
    var digestText: String {
        switch self {
        case .layer(let diffID): diffID.description
        case .fixup(let chainID): chainID.description
        }
    }
}
