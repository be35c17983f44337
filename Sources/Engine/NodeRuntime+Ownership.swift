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
    /// Which images stand on which layers.
    public func snapshotTree() async throws(EngineError) -> SnapshotTree {
        let names = try await imageNames()
        return try await storeWork { store throws(SnapshotError) in
            let images: [ImageRecord]
            do throws(MetadataError) { images = try store.metadata.images() } catch { throw .metadata(error) }
            return SnapshotTree(
                images: images.map { image in
                    SnapshotTree.Image(
                        manifestDigest: image.manifestDigest.description, references: names[image.manifestDigest.description] ?? [],
                        layers: image.diffIDs.map(\.description), fixup: image.fixup?.description)
                }, layers: try store.lowerUsage().map(SnapshotSummary.init))
        }
    }

    /// What lies below the root without a record, with what will happen to it.
    public func snapshotOrphans() async throws(EngineError) -> [SnapshotOrphan] {
        try await storeWork { store throws(SnapshotError) in try store.orphans().map(SnapshotOrphan.init) }
    }

    /// To what a path of the host, below the root, belongs.
    public func owner(ofPath path: String) async throws(EngineError) -> SnapshotOwner {
        guard path.hasPrefix("/") else { throw EngineError(.invalidRequest, "\"\(printable(path))\" is not an absolute path") }
        let root = configuration.root
        let names = try await imageNames()
        let owner = try await storeWork { store throws(SnapshotError) -> SnapshotOwner? in
            let path = FilePath(path)
            guard let place = try store.place(of: path) else { return nil }
            var owner = try SnapshotOwner(place, store)
            let status = try store.object(at: path)
            owner.path = path.string
            owner.type = status?.typeName
            owner.sizeInBytes = status.map { $0.blocks * 512 }
            if status == nil { owner.note = "nothing is there now" }
            return owner
        }
        guard var owner else {
            throw EngineError(
                .invalidRequest, "\"\(printable(path))\" is not below the root \(root)",
                remedy: "for a path in a container write CONTAINER:/path")
        }
        owner.references = owner.images.flatMap { names[$0] ?? [] }
        return owner
    }

    /// From where a path in a container comes, whether it runs or not. Links before the end are followed within the container.
    public func owner(of path: String, in id: String) async throws(EngineError) -> SnapshotOwner {
        guard path.hasPrefix("/") else { throw EngineError(.invalidRequest, "\"\(printable(path))\" is not an absolute path") }
        let container = try find(id)
        if let mount = container.mount(over: path) { return mount }
        let names = try await imageNames()
        let (key, layerIDs, inMemory) = (container.id.text, container.stackLayerIDs, container.memo.upperMode == .tmpfs)
        let owner = try await storeWork { store throws(SnapshotError) in
            try SnapshotOwner(of: path, container: key, layerIDs, inMemory: inMemory, store)
        }
        guard var owner else {
            throw EngineError(
                EngineError.Code.invalidRequest, "container \(container.id.short) has no \"\(printable(path))\"",
                remedy: "`ctr-swift snapshot usage \(container.memo.name)` lists what it has deleted")
        }
        owner.references = owner.images.flatMap { names[$0] ?? [] }
        return owner
    }
}

extension SnapshotOwner {
    /// Without what is there.
    fileprivate init(_ place: StorePlace, _ store: SnapshotStore) throws(SnapshotError) {
        switch place {
        case .root: self.init(kind: .root)
        case .layer(let layer, let inside): self = try Self.lower(layer, inside, store)
        case .layerFacts(let layer):
            self = try Self.lower(layer, LayerPath([]), store)
            kind = .records
            inside = nil
        case .upper(let id, let inside): self.init(kind: .upper, key: id, inside: inside.text.text, containers: [id])
        case .container(let id): self.init(kind: .container, key: id, containers: [id])
        case .blob(let hex):
            guard let digest = Digest("sha256:" + hex) else {
                self.init(kind: .orphan)
                return
            }
            do throws(MetadataError) {
                self.init(
                    kind: try store.metadata.blob(digest) == nil ? .orphan : .blob, key: digest.description,
                    images: try store.metadata.images(holding: digest).map(\.description))
            } catch {
                throw .metadata(error)
            }
        case .database: self.init(kind: .records)
        case .ingest: self.init(kind: .underWay)
        case .trash: self.init(kind: .trash)
        case .orphan: self.init(kind: .orphan)
        case .unknown: self.init(kind: .unknown)
        }
    }

    private static func lower(_ layer: LayerRecord, _ inside: LayerPath, _ store: SnapshotStore) throws(SnapshotError) -> SnapshotOwner {
        let usage = try store.lowerUsage().first { $0.layer.id == layer.id }
        let kind: Kind = if case .fixup = layer.key { .fixup } else { .layer }
        return SnapshotOwner(
            kind: kind, key: layer.key.digestText, inside: inside.text.text, images: usage?.images.map(\.description) ?? [],
            containers: usage?.containers ?? [])
    }

    /// nil where the container has nothing there.
    fileprivate init?(
        of path: String, container: String, _ layerIDs: [Int64], inMemory: Bool, _ store: SnapshotStore
    ) throws(SnapshotError) {
        let layers: [LayerRecord]
        do throws(MetadataError) { layers = try store.metadata.layers(ids: layerIDs) } catch { throw .metadata(error) }
        let upper = try store.upper(container: container).upper
        let directories = (inMemory ? [] : [upper]) + layers.map { store.filesystem(of: $0) }
        let found: MergedTree.Found?
        do throws(KernelError) {
            found = try MergedTree(lowerdirs: directories).lookup(LayerPath(bytes: Array(path.utf8)))
        } catch {
            throw .kernel(.measure, error)
        }
        guard let found, let first = found.layers.first else { return nil }
        let keys = (inMemory ? [] : [container]) + layers.map(\.key.digestText)
        if !inMemory && first == 0 {
            self.init(kind: .upper, key: container, inside: found.path.text.text, containers: [container])
        } else {
            self = try Self.lower(layers[first - (inMemory ? 0 : 1)], found.path, store)
        }
        self.path = directories[first].appending(found.path.components.compactMap(FilePath.Component.init(bytes:))).string
        type = found.status.typeName
        sizeInBytes = found.status.blocks * 512
        merged = found.status.kind == .directory ? found.layers.map { keys[$0] } : nil
        if inMemory { note = "its writable layer is in memory, where only it can look: what it has written is not seen here" }
    }
}

extension FilePath.Component {
    /// A name as overlay has it; nil where it is none.
    fileprivate init?(bytes: [UInt8]) {
        self.init(platformString: bytes.map { CChar(bitPattern: $0) } + [0])
    }
}

extension Container {
    /// What is mounted over a path, or over a directory that leads to it.
    fileprivate func mount(over path: String) -> SnapshotOwner? {
        let path = FilePath(path).lexicallyNormalized()
        let own = ["/proc", "/sys", "/dev"].map { (target: FilePath($0), source: String?.none) }
        let mounts = own + memo.mounts.map { (target: FilePath($0.target), source: $0.type == "bind" ? Optional($0.source) : nil) }
        guard let mount = mounts.filter({ path.starts(with: $0.target) }).max(by: { $0.target.length < $1.target.length }) else {
            return nil
        }
        return SnapshotOwner(
            kind: .mount, key: mount.target.string, path: mount.source, inside: path.string, containers: [id.text],
            note: "it is mounted there, and is no part of the container's layers")
    }
}

extension FileStatus {
    fileprivate var typeName: String {
        switch kind {
        case .regular: "file"
        case .directory: "directory"
        case .symlink: "link"
        case .characterDevice, .blockDevice: "device"
        case .fifo: "pipe"
        case .socket: "socket"
        }
    }
}

extension SnapshotOrphan {
    fileprivate init(_ orphan: Orphan) {
        let kind: Kind =
            switch orphan.kind {
            case .layer: .layer
            case .container: .container
            case .blob: .blob
            case .ingest: .ingest
            case .trash: .trash
            case .unknown: .unknown
            }
        let fate: Fate =
            switch orphan.fate {
            case .deleted: .deleted
            case .swept: .swept
            case .underWay: .underWay
            case .kept: .kept
            }
        self.init(kind: kind, path: orphan.path.string, sizeInBytes: orphan.usage.bytes, inodes: orphan.usage.inodes, fate: fate)
    }
}
