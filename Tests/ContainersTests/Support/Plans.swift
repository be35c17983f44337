// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import JSON
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import Testing

/// Layers of a made-up image, as directories, from the uppermost down. Gone when the value is.
final class TestLayers {
    let store: FilePath
    private var names: [FilePath] = []

    /// - Parameter files: of the one layer; a value that starts with "->" is a link.
    convenience init(_ files: [String: String] = [:]) throws { try self.init(stack: [files]) }

    init(stack: [[String: String]]) throws {
        store = FilePath("/tmp/ctr-swift-layers-\(UInt64.random(in: 0 ... .max))")
        try makeDirectory(store, mode: 0o755)
        for (index, files) in stack.enumerated() {
            let name = FilePath(LayerRecord.shortID(Int64(index))).appending("fs")
            names.append(name)
            try Files.makeDirectories(store.appending(name.components))
            for (path, content) in files { try add(path, content, to: index) }
        }
    }

    deinit { try? removeTree(store) }

    func path(_ name: String, in layer: Int = 0) -> FilePath { store.appending(names[layer].components).pushing(FilePath(name)) }

    func add(_ name: String, _ content: String, to layer: Int = 0) throws {
        let path = path(name, in: layer)
        try Files.makeDirectories(path.removingLastComponent())
        if content.hasPrefix("->") {
            try Files.link(String(content.dropFirst(2)), at: path)
        } else {
            try replaceFile(path, with: Array(content.utf8), mode: 0o644)
        }
    }

    var stack: LayerStack {
        LayerStack(
            store: store,
            layers: names.enumerated().map { index, _ in
                LayerRecord(
                    id: Int64(index), key: .layer(DiffID(.made("layer \(index)"))), size: LayerSize(diskBytes: 0, inodes: 0), createdAt: "")
            })
    }
}

/// A plan and its spec, for a container that is never made.
struct TestPlan {
    let plan: ContainerPlan
    let spec: RuntimeSpec
    let id: ContainerID

    init(
        image: (inout ImageConfig.ContainerConfig) -> Void = { _ in }, layers: TestLayers? = nil,
        _ change: (inout CreateContainerRequest) -> Void
    ) throws {
        let layers = try layers ?? TestLayers()
        var config = ImageConfig.ContainerConfig()
        config.cmd = ["/bin/true"]
        image(&config)
        var request = CreateContainerRequest(image: "example.org/app:1")
        change(&request)
        id = ContainerID()
        plan = try ContainerPlan(
            id: id, name: "name", request: request, image: .made(config), stack: layers.stack,
            paths: ContainerPaths(root: "/root-of-node", state: "/state-of-node", id: id),
            configuration: ContainerConfiguration(
                root: "/root-of-node", state: "/state-of-node", cgroupParent: "parent", shimPath: "/shim", socketGroup: 0))
        spec = try JSON.decode(RuntimeSpec.self, from: plan.specBytes)
    }

    init(image: (inout ImageConfig.ContainerConfig) -> Void = { _ in }, layers: TestLayers? = nil) throws {
        try self.init(image: image, layers: layers) { _ in }
    }

    /// With the engine's own error.
    static func checked(_ change: (inout CreateContainerRequest) -> Void) throws(ContainerError) -> TestPlan {
        do { return try TestPlan(change) } catch let error as ContainerError { throw error } catch { throw .encoding("\(error)") }
    }

    var process: RuntimeSpec.Process { get throws { try #require(spec.process) } }
    var mounts: [RuntimeSpec.Mount] { spec.mounts ?? [] }
    var targets: [String] { mounts.map(\.destination) }
    func mount(_ target: String) throws -> RuntimeSpec.Mount { try #require(mounts.first { $0.destination == target }) }
}

extension RunnableImage {
    static func made(_ config: ImageConfig.ContainerConfig, digest: Digest = .made("manifest")) -> RunnableImage {
        RunnableImage(
            resolvedDigest: .made("index"), manifestDigest: digest,
            config: ImageConfig(platform: Platform(os: "linux", architecture: "amd64"), config: config, diffIDs: []))
    }
}

extension Digest {
    /// A digest of nothing in particular.
    static func made(_ name: String) -> Digest {
        var bytes: [UInt8] = []
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        while bytes.count < 32 {
            for byte in name.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
            bytes.append(UInt8(truncatingIfNeeded: state >> 32))
        }
        return Digest(sha256: bytes)
    }
}
