// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import TestSupport
import Testing

/// Images that a container mounts beside its own.
@Suite(.asRoot, .busybox, .shim, .serialized) struct ImageMountTests {
    private static let tools = Digest.made("tools")

    /// Two layers, of which the upper one changes and deletes.
    private func installTools(_ node: TestNode) throws {
        var layers: [NewLayer] = []
        for (index, name) in ["lower", "upper"].enumerated() {
            let ingest = try node.snapshots.beginIngest()
            let root = ingest.filesystem
            for directory in ["share", "share/doc"] { try Files.makeDirectories(root.appending(FilePath(directory).components)) }
            try replaceFile(root.appending("share/version"), with: Array("\(name)\n".utf8), mode: 0o644)
            if index == 0 {
                try replaceFile(root.appending("share/gone"), with: [], mode: 0o644)
                try replaceFile(root.appending("share/doc/read"), with: Array("words\n".utf8), mode: 0o600)
                try Files.link("../../../../../../etc", at: root.appending("out"))
            } else {
                try #require(mknod(root.appending("share/gone").string, S_IFCHR, 0) == 0)
            }
            layers.append(
                NewLayer(
                    ingest: ingest, key: .layer(DiffID(.made("tools \(name)"))), size: LayerSize(diskBytes: 0, inodes: 0),
                    facts: Array("{}".utf8)))
        }
        try node.snapshots.commit(
            ImageRecord(
                manifestDigest: Self.tools, mediaType: "application/vnd.oci.image.manifest.v1+json", configDigest: .made("tools config"),
                platform: "linux/amd64", layers: ["lower", "upper"].map { ImageRecord.Layer(diffID: DiffID(.made("tools \($0)"))) }),
            layers: layers, references: [], blobs: [])
    }

    private func create(
        _ node: TestNode, _ script: String, subpath: String? = nil, image: Digest = tools,
        _ change: (inout CreateContainerRequest) -> Void = { _ in }
    ) async throws -> Container {
        var request = CreateContainerRequest(image: "example.org/busybox")
        request.arguments = ["/bin/sh", "-c", script]
        var mount = MountRequest(type: .image, source: "tools", target: "/tools", readOnly: true)
        mount.subpath = subpath
        request.mounts = [mount]
        change(&request)
        var runnable = RunnableImage.made(.init(), digest: TestNode.image)
        runnable.mounted = ["tools": image]
        return try await node.service.create(request, image: runnable).0
    }

    @Test("the image's merged tree is there, read-only, with the owners that it has", arguments: [false, true])
    func tree(isMapped: Bool) async throws {
        try await withNode { node in
            try installTools(node)
            let container = try await create(
                node,
                "cat /tools/share/version /tools/share/doc/read; ls /tools/share; touch /tools/new 2>&1 | grep -c Read-only; stat -c %u /tools/share/version"
            ) { if isMapped { UserNamespaceTests.auto(&$0) } }
            #expect(try await node.output(container) == ["upper", "words", "doc", "version", "1", "0"])
            let mount = try #require(container.detail.mounts.first { $0.target == "/tools" })
            #expect(mount.type == "image" && mount.source == "tools")
            #expect(container.detail.lowerDiffIDs.count == 1)
        }
    }

    @Test("a part of it is mounted, be it a directory or a file, and no link leads out of it")
    func subpath() async throws {
        try await withNode { node in
            try installTools(node)
            let directory = try await create(node, "ls /tools; cat /tools/doc/read", subpath: "share")
            #expect(try await node.output(directory) == ["doc", "version", "words"])
            let file = try await create(node, "cat /tools", subpath: "share/version")
            #expect(try await node.output(file) == ["upper"])
            for (path, words) in [("out", "No such file"), ("no/such", "No such file")] {
                let container = try await create(node, "true", subpath: path)
                let error = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
                #expect(error.map { "\($0)" }?.contains(words) == true, "\(error.map { "\($0)" } ?? "")")
            }
            for path in ["/share", "../x", "share/../..", ""] {
                await #expect(throws: ContainerError.self) { try await create(node, "true", subpath: path) }
            }
        }
    }

    @Test("an image of one layer, and the container's own, can be mounted")
    func ownImage() async throws {
        try await withNode(["etc/app": "from the image\n"]) { node in
            let container = try await create(node, "echo changed > /etc/app; cat /tools/etc/app", image: TestNode.image)
            #expect(try await node.output(container) == ["from the image"])
        }
    }

    @Test("its image is in use, and its layers stay without it, until the container goes")
    func held() async throws {
        try await withNode { node in
            try installTools(node)
            let container = try await create(node, "cat /tools/share/version")
            #expect(try node.metadata.containers(ofImage: Self.tools.description) == [container.id.text])
            let pruned = try node.metadata.predict(PruneSelection())
            #expect(pruned.images.isEmpty)
            var without = PruneSelection()
            without.withoutContainers = [container.id.text]
            let afterwards = try node.metadata.predict(without)
            #expect(afterwards.images.contains { $0.manifestDigest == Self.tools })
            // By force.
            _ = try node.metadata.delete(image: Self.tools)
            _ = try node.snapshots.removeUnreferencedLayers()
            #expect(try await node.output(container) == ["upper"])
            try await node.service.remove(container, force: false)
            let left = try node.metadata.layers().map(\.key.text)
            #expect(left.count == 1, "\(left)")
        }
    }

    @Test("a mount of nothing, or of what no image is, is refused")
    func refused() async throws {
        try await withNode { node in
            try installTools(node)
            func refused(_ words: String, _ change: @escaping @Sendable (inout MountRequest) -> Void) async {
                let error = await #expect(throws: ContainerError.self) { try await create(node, "true") { change(&$0.mounts[0]) } }
                #expect(error.map { "\($0)" }?.contains(words) == true, "\(error.map { "\($0)" } ?? "")")
            }
            await refused("names no image") { $0.source = nil }
            await refused("names no image") { $0.source = "other" }
            await refused("not known for a image mount") { $0.options = ["size=1m"] }
            await refused("a subpath of the tmpfs mount") { ($0.type, $0.source, $0.subpath) = (.tmpfs, nil, "x") }
        }
    }
}
