// SPDX-License-Identifier: Apache-2.0

import Images
import Layers
import OCI
import RegistryFixtures
import Testing

/// An archive that must be refused.
struct HostileArchive: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]

    static let image = MadeImage(layers: [MadeTar.layer("a", "1"), MadeTar.layer("b", "2")])
    private static let passwd = "../../../../../../etc/passwd"

    /// A layout without some members, and with others in their place.
    private static func layout(_ name: String, without missing: [UInt8]..., with members: [(String, [UInt8])] = []) -> HostileArchive {
        let absent = Set(missing.map { Archive.blob($0).0 })
        let blobs = Archive.blobs(image).filter { !absent.contains($0.0) }
        return HostileArchive(
            testDescription: name, bytes: Archive.tar([Archive.layoutFile, Archive.index([(image, nil)])] + blobs + members))
    }

    private static func index(_ name: String, _ json: String) -> HostileArchive {
        HostileArchive(
            testDescription: name, bytes: Archive.tar([Archive.layoutFile, ("index.json", Array(json.utf8))] + Archive.blobs(image)))
    }

    private static func docker(_ name: String, _ manifest: (String, [UInt8]), _ more: [(String, [UInt8])] = []) -> HostileArchive {
        let members = Archive.dockerMembers(image).filter { $0.0 != "manifest.json" }
        return HostileArchive(testDescription: name, bytes: Archive.tar(members + [manifest] + more))
    }

    /// A layout in which a blob is a link.
    private static func linked(_ name: String, _ blob: [UInt8], _ kind: MadeTar.Kind, to target: String) -> HostileArchive {
        var tar = MadeTar()
        for (name, content) in [Archive.layoutFile, Archive.index([(image, nil)])] { tar.add(name, content) }
        let path = Archive.blob(blob).0
        for (name, content) in Archive.blobs(image) where name != path { tar.add(name, content) }
        tar.add(path, kind: kind, link: target)
        return HostileArchive(testDescription: name, bytes: tar.bytes)
    }

    private static var config: String { "\(digest(of: image.config).hex).json" }

    static var all: [HostileArchive] { bytes + layouts + links + dockers }

    private static var bytes: [HostileArchive] {
        let good = Archive.layout([(image, nil)])
        return [
            HostileArchive(testDescription: "empty", bytes: []), HostileArchive(testDescription: "text", bytes: Array("no archive".utf8)),
            HostileArchive(testDescription: "zeros", bytes: [UInt8](repeating: 0, count: 4096)),
            HostileArchive(testDescription: "an empty tar", bytes: MadeTar().bytes),
            HostileArchive(testDescription: "a tar of something else", bytes: MadeTar.layer("hello", "world")),
            HostileArchive(testDescription: "cut in a blob", bytes: Array(good.prefix(good.count - 2500))),
            HostileArchive(testDescription: "cut in a header", bytes: Array(good.prefix(700))),
            HostileArchive(testDescription: "gzip of nothing", bytes: [0x1F, 0x8B, 8, 0]),
            HostileArchive(
                testDescription: "gzip of garbage", bytes: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + [UInt8](repeating: 0xFF, count: 500)),
            HostileArchive(testDescription: "zstd of garbage", bytes: [0x28, 0xB5, 0x2F, 0xFD] + [UInt8](repeating: 0xFF, count: 500)),
            HostileArchive(
                testDescription: "index.json without oci-layout", bytes: Archive.tar([Archive.index([(image, nil)])] + Archive.blobs(image))
            ),
        ]
    }

    private static var layouts: [HostileArchive] {
        let (blob, other) = (Archive.blob, MadeTar.layer("x", "y"))
        let entry = "\"mediaType\":\"\(MadeImage.manifestType)\",\"digest\":\"\(image.manifestDigest)\""
        return [
            layout("no manifest", without: image.manifest), layout("no config", without: image.config),
            layout("no layer", without: image.layers[1]),
            layout("another manifest", without: image.manifest, with: [(blob(image.manifest).0, image.config)]),
            layout("another config", without: image.config, with: [(blob(image.config).0, Array("{}".utf8))]),
            layout("another layer", without: image.layers[1], with: [(blob(image.layers[1]).0, other)]),
            layout("a longer layer", without: image.layers[1], with: [(blob(image.layers[1]).0, image.layers[1] + [0])]),
            layout("a shorter layer", without: image.layers[1], with: [(blob(image.layers[1]).0, Array(image.layers[1].dropLast()))]),
            layout("an empty layer", without: image.layers[1], with: [(blob(image.layers[1]).0, [])]),
            layout("the wrong layer comes last", with: [(blob(image.layers[1]).0, other)]),
            index("an index without manifests", #"{"schemaVersion":2,"manifests":[]}"#),
            index("an index without a list", #"{"schemaVersion":2}"#),
            index("an index of null", "null"), index("a broken index", "{"),
            index("an index of numbers", #"{"schemaVersion":2,"manifests":[1]}"#),
            index(
                "an index of attestations",
                "{\"schemaVersion\":2,\"manifests\":[{\(entry),\"size\":\(image.manifest.count),\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}}]}"
            ),
            index("an index with a wrong size", "{\"schemaVersion\":2,\"manifests\":[{\(entry),\"size\":1}]}"),
            index("an index with a negative size", "{\"schemaVersion\":2,\"manifests\":[{\(entry),\"size\":-1}]}"),
            index(
                "an index that leads out",
                "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"\(MadeImage.manifestType)\",\"digest\":\"sha256:\(passwd)\",\"size\":1}]}"
            ),
            index(
                "an index of another type",
                "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"\(MadeImage.indexType)\",\"digest\":\"\(image.manifestDigest)\",\"size\":\(image.manifest.count)}]}"
            ),
            index("an index of 5 MiB", "{\"schemaVersion\":2,\"manifests\":[]}" + String(repeating: " ", count: 5 << 20)),
        ]
    }

    private static var links: [HostileArchive] {
        let layer = Archive.blob(image.layers[1]).0
        return [
            linked("a layer that links out", image.layers[1], .symlink, to: passwd),
            linked("a layer that links to the root", image.layers[1], .symlink, to: "/etc/passwd"),
            linked("a layer that is a hard link out", image.layers[1], .hardLink, to: passwd),
            linked("a layer that links to itself", image.layers[1], .symlink, to: String(layer.split(separator: "/")[2])),
            linked("a layer that is its own hard link", image.layers[1], .hardLink, to: layer),
            linked("a layer that links to another", image.layers[1], .symlink, to: digest(of: image.layers[0]).hex),
            linked("a layer that is a directory", image.layers[1], .directory, to: ""),
            linked("a manifest that links out", image.manifest, .symlink, to: passwd),
            linked("a config that links out", image.config, .symlink, to: passwd),
        ]
    }

    private static var dockers: [HostileArchive] {
        let good = ["0/layer.tar", "1/layer.tar"]
        return [
            docker("no images", ("manifest.json", Array("[]".utf8))), docker("no list", ("manifest.json", Array("{}".utf8))),
            docker("a broken manifest", ("manifest.json", Array("[{".utf8))), docker("no fields", ("manifest.json", Array("[{}]".utf8))),
            docker("layers null", ("manifest.json", Array("[{\"Config\":\"\(config)\",\"Layers\":null}]".utf8))),
            docker("a config outside", Archive.dockerManifest(config: passwd, layers: good)),
            docker("a config at the root", Archive.dockerManifest(config: "/etc/passwd", layers: good)),
            docker("no config", Archive.dockerManifest(config: "", layers: good)),
            docker("a config that is none", Archive.dockerManifest(config: "0/layer.tar", layers: good)),
            docker("a layer outside", Archive.dockerManifest(config: config, layers: ["0/layer.tar", passwd])),
            docker("a layer that is missing", Archive.dockerManifest(config: config, layers: ["0/layer.tar", "2/layer.tar"])),
            docker("too few layers", Archive.dockerManifest(config: config, layers: ["0/layer.tar"])),
            docker("too many layers", Archive.dockerManifest(config: config, layers: good + ["0/layer.tar"])),
            docker("no layers", Archive.dockerManifest(config: config, layers: [])),
            docker("swapped layers", Archive.dockerManifest(config: config, layers: good.reversed())),
            docker("128 layers", Archive.dockerManifest(config: config, layers: Array(repeating: "0/layer.tar", count: 128))),
            docker("a name that is none", Archive.dockerManifest(config: config, layers: good, tags: ["../../x:1"])),
            docker("a name with a control byte", Archive.dockerManifest(config: config, layers: good, tags: ["a\\u001b[31m:1"])),
        ]
    }
}

/// I1, I3: nothing of an archive is taken that its digests don't vouch for, and nothing outside it is looked at.
@Suite(.asRoot, .serialized) struct HostileArchiveTests {
    @Test("a hostile archive is refused with one clear line, and nothing is left", arguments: HostileArchive.all)
    func refused(archive: HostileArchive) async throws {
        try await ImageNode.with { node in
            let error = await failure { try await node.load(archive.bytes) }
            let text = try #require(error?.description, "it was taken")
            #expect(!text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 })
            #expect(!text.contains("root:x:0"), "nothing of the node's files is told")
            try node.expectNothing()
        }
    }

    @Test("the good archive that they are made of is taken")
    func good() async throws {
        for archive in [Archive.layout([(HostileArchive.image, nil)]), Archive.docker(HostileArchive.image)] {
            try await ImageNode.with { node in
                let loaded = try await node.load(archive)
                #expect(loaded.count == 1)
            }
        }
    }
}
