// SPDX-License-Identifier: Apache-2.0

import APITypes
import ContentStore
import Glibc
import Images
import Linux
import Metadata
import OCI
import RegistryFixtures
import Snapshots
import Synchronization
import SystemPackage
import Testing

/// Damage in a layer, in a fix-up and in documents is found by name, and layers are made anew.
@Suite(.asRoot, .serialized) struct RepairTests {
    /// A directory that only the lower layer lists: the upper one's needs a fix-up.
    private static let lower: [UInt8] = {
        var tar = MadeTar()
        tar.add("d/", kind: .directory, mode: 0o700)
        tar.add("d/a", Array("lower".utf8))
        return tar.bytes
    }()
    private static let upper: [UInt8] = {
        var tar = MadeTar()
        tar.add("d/b", Array("upper".utf8))
        tar.add("d/c", kind: .hardLink, link: "d/a")
        return tar.bytes
    }()

    private func serve(_ body: (ScriptedRegistry, ImageNode) async throws -> Void) async throws {
        let image = MadeImage(layers: [Self.lower, Self.upper])
        try await ScriptedRegistry.serve({ image.answer($0) }) { registry in
            try await ImageNode.with { node in
                let pulled = try await node.pull("\(registry.host)/team/app:1")
                #expect(pulled.fixup != nil, "the stack needs one")
                #expect(try await node.findings(full: true) == [])
                try await body(registry, node)
            }
        }
    }

    @Test("a layer is fetched again from the registry that its reference names") func layer() async throws {
        try await serve { _, node in
            let layer = try #require(try node.metadata.layer(.layer(DiffID(digest(of: Self.upper)))))
            try node.flipByte("d/b", of: layer)
            #expect(try await node.findings(full: false) == [])
            #expect(try await node.findings(full: true).map(\.path) == ["d/b"])
            #expect(try node.metadata.damagedLayers().map(\.id) == [layer.id])
            let result = try await node.repair(layer.shortID)
            #expect(result.source.contains("team/app:1"))
            #expect(try node.read(Self.upper, "d/b") == "upper")
            #expect(try await node.findings(full: true) == [])
            #expect(try node.metadata.damagedLayers() == [])
        }
    }

    @Test("a fix-up is built again from its stack, but not on a damaged layer") func fixup() async throws {
        try await serve { _, node in
            let layers = try node.metadata.layers()
            let fixup = try #require(layers.first { $0.key.diffID == nil })
            let lower = try #require(try node.metadata.layer(.layer(DiffID(digest(of: Self.lower)))))
            try node.flipByte("d/c", of: fixup)
            try node.flipByte("d/a", of: lower)
            #expect(try await Set(node.findings(full: true).map(\.path)) == ["d/a", "d/c"])
            let refused = await failure { try await node.repair(fixup.key.shortText) }
            guard case .snapshots(.damagedLayer(let named, finding: _)) = refused else { return unexpected(refused) }
            #expect(named.id == lower.id)
            _ = try await node.repair(lower.key.text)
            #expect(try await node.repair(fixup.key.text).source == "layers below")
            #expect(try await node.findings(full: true) == [])
        }
    }

    @Test("a blob from the registry that is not the promised one repairs nothing") func wrongBytes() async throws {
        try await serve { registry, node in
            let layer = try #require(try node.metadata.layer(.layer(DiffID(digest(of: Self.upper)))))
            try node.flipByte("d/b", of: layer)
            registry.answer { _ in .ok(MadeTar.layer("d/b", "other")) }
            let refused = await failure { try await node.repair(layer.key.text) }
            guard case .layer = refused else { return unexpected(refused) }
            #expect(try await node.findings(full: true).map(\.path) == ["d/b"])
            for directory in ["ingest", "replaced"] { #expect(try node.names(directory) == []) }
        }
    }

    @Test("a damaged document is found") func document() async throws {
        try await serve { registry, node in
            let image = try #require(try node.images.images().first)
            let path = try node.content.path(of: image.configDigest)
            try replaceFile(path, with: Array("{}".utf8))
            let found = try await node.findings(full: false)
            #expect(Set(found.map(\.kind)) == [.blob, .image])
            #expect(try await node.check(CheckRequest(targets: ["\(registry.host)/team/app:1"])).summary.findings == found.count)
        }
    }
}

extension ImageNode {
    fileprivate func check(_ request: CheckRequest) async throws -> (summary: CheckSummary, findings: [CheckFinding]) {
        let findings = Mutex<[CheckFinding]>([])
        let summary = try await images.check(request) { event in
            if let finding = event.finding { findings.withLock { $0.append(finding) } }
        }
        return (summary, findings.withLock { $0 })
    }

    fileprivate func findings(full: Bool) async throws -> [CheckFinding] {
        let (summary, findings) = try await check(CheckRequest(full: full))
        #expect(summary.findings == findings.count && summary.full == full && summary.unlisted == [])
        return findings
    }

    fileprivate func repair(_ layer: String) async throws -> RepairResult {
        try await images.repair(RepairRequest(layer: layer), runningHolders: { _ in [] }, tell: { _ in })
    }

    /// And gives the file its time back.
    fileprivate func flipByte(_ name: String, of layer: LayerRecord) throws {
        let path = snapshots.filesystem(of: layer).appending(FilePath(name).components)
        var status = stat()
        try #require(stat(path.string, &status) == 0)
        let file = try openFile(path, O_RDWR)
        var byte = try readAll(file, object: name, limit: 1 << 20)[0] ^ 1
        try #require(pwrite(file.raw, &byte, 1, 0) == 1)
        let times = [status.st_atim, status.st_mtim]
        try #require(futimens(file.raw, times) == 0)
    }
}
