// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Foundation
import Images
import Linux
import Metadata
import OCI
import RegistryFixtures
import SystemPackage
import TestSupport

extension ImageNode {
    /// Loads an archive as the daemon does it: from a spool file.
    func load(_ archive: [UInt8], events: Events = Events()) async throws -> [ImageRecord] {
        let path = try content.newSpoolFile()
        defer { try? content.removeSpoolFile(path) }
        try Data(archive).write(to: URL(filePath: path.string))
        return try await images.load(archive: path, progress: { events.note($0) })
    }
}

/// Archives of images, as tools write them.
enum Archive {
    /// - Parameter directory: where the members are, such as "./".
    static func tar(_ members: [(String, [UInt8])], in directory: String = "") -> [UInt8] {
        var tar = MadeTar()
        for (name, content) in members { tar.add(directory + name, content) }
        return tar.bytes
    }

    static let layoutFile = ("oci-layout", Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8))

    static func blob(_ bytes: [UInt8]) -> (String, [UInt8]) { ("blobs/sha256/\(digest(of: bytes).hex)", bytes) }

    /// index.json with manifests that may have names.
    static func index(_ images: [(image: MadeImage, name: String?)]) -> (String, [UInt8]) {
        let entries = images.map { image, name in
            let named = name.map { ",\"annotations\":{\"io.containerd.image.name\":\"\($0)\"}" } ?? ""
            return """
                {"mediaType":"\(MadeImage.manifestType)","digest":"\(image.manifestDigest)","size":\(image.manifest.count)\(named)}
                """
        }
        return ("index.json", Array("{\"schemaVersion\":2,\"manifests\":[\(entries.joined(separator: ","))]}".utf8))
    }

    static func blobs(_ image: MadeImage) -> [(String, [UInt8])] { ([image.manifest, image.config] + image.layers).map(blob) }

    static func layout(_ images: [(image: MadeImage, name: String?)], in directory: String = "") -> [UInt8] {
        tar([layoutFile, index(images)] + images.flatMap { blobs($0.image) }, in: directory)
    }

    /// What `docker save` writes.
    static func docker(_ image: MadeImage, tags: [String] = ["test/saved:1"]) -> [UInt8] {
        tar(dockerMembers(image, tags: tags))
    }

    static func dockerMembers(_ image: MadeImage, tags: [String] = ["test/saved:1"]) -> [(String, [UInt8])] {
        let config = "\(digest(of: image.config).hex).json"
        return image.layers.enumerated().map { ("\($0)/layer.tar", $1) } + [
            (config, image.config),
            dockerManifest(config: config, layers: image.layers.indices.map { "\($0)/layer.tar" }, tags: tags),
        ]
    }

    static func dockerManifest(config: String, layers: [String], tags: [String] = []) -> (String, [UInt8]) {
        func list(_ texts: [String]) -> String { "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]" }
        return ("manifest.json", Array("[{\"Config\":\"\(config)\",\"RepoTags\":\(list(tags)),\"Layers\":\(list(layers))}]".utf8))
    }

    /// By a tool of the system, from stdin to stdout.
    static func filtered(_ bytes: [UInt8], by words: String...) throws -> [UInt8] {
        let outcome = try command(words, input: bytes)
        guard outcome.code == 0 else { throw Failure("\(words): \(outcome.errors)") }
        return outcome.bytes
    }
}
