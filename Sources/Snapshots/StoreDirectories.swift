// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Metadata
package import SystemPackage

/// Where things are below the root. docs/architecture.md, "Paths", draws it.
package struct StoreDirectories: Sendable, Hashable {
    package let root: FilePath
    /// `layers/<short id>/{fs/,layer.json,files}`: committed, each with a row.
    package let layers: FilePath
    /// `containers/<id>/{upper/,work/}`: each with a row, or about to get one.
    package let containers: FilePath
    /// `ingest/<short id>/`: being extracted. Gone at the next start.
    package let ingest: FilePath
    /// `replaced/<short id>/`: trees of repaired layers that containers still run on.
    package let replaced: FilePath
    /// Renamed here at once, deleted when there is time.
    package let trash: FilePath

    package init(root: FilePath) {
        self.root = root
        layers = root.appending("layers")
        containers = root.appending("containers")
        ingest = root.appending("ingest")
        replaced = root.appending("replaced")
        trash = root.appending("trash")
    }

    package func layer(_ id: Int64) -> FilePath { layers.appending(LayerRecord.shortID(id)) }
    package func filesystem(_ id: Int64) -> FilePath { layer(id).appending("fs") }
    package func facts(_ id: Int64) -> FilePath { layer(id).appending(Self.factsName) }
    /// What is in the layer, with checksums: see `LayerListing`. Layers that older versions stored have none.
    package func listing(_ id: Int64) -> FilePath { layer(id).appending(Self.listingName) }
    func ingest(_ id: Int64) -> FilePath { ingest.appending(LayerRecord.shortID(id)) }
    func replaced(_ id: Int64) -> FilePath { replaced.appending(LayerRecord.shortID(id)) }
    package func container(_ id: String) -> FilePath { containers.appending(id) }

    static let factsName = "layer.json"
    static let listingName = "files"
    /// The lowerdir of images without layers, from `layers`. It stays empty.
    static let empty = "../empty"

    /// Makes what is missing. Setuid programs of images lie below: nobody but root may enter, whatever modes were there before.
    func make() throws(KernelError) {
        for directory in [root, layers, containers, ingest, replaced, trash] {
            if try !makeDirectory(directory, mode: 0o700) { try Self.close(directory) }
        }
        try makeDirectory(root.appending("empty"), mode: 0o755)
    }

    private static func close(_ path: FilePath) throws(KernelError) {
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let raw = directory.raw
        try kernel("fchmod(2)", path.string) { fchmod(raw, 0o700) }
    }

    /// The names in a directory, without `.` and `..`.
    static func names(in path: FilePath) throws(KernelError) -> [FilePath.Component] {
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        return try directory.entries(of: path.string).compactMap { name, _ in
            FilePath(platformString: name.map { CChar(bitPattern: $0) } + [0]).lastComponent
        }
    }

    static func exists(_ path: FilePath) throws(KernelError) -> Bool {
        do throws(KernelError) {
            _ = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            return true
        } catch  where error.errno == .noSuchFileOrDirectory {
            return false
        }
    }
}
