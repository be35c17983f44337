// SPDX-License-Identifier: Apache-2.0

import Images
import Metadata
import OCI
import Registry
import RegistryFixtures
import Testing

/// A manifest and config that a registry gives, and that an honest one would not.
struct Document: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var manifest: Answer
    var config: [UInt8] = goodImage.config

    static let goodImage = MadeImage(layers: [MadeTar.layer("a", "1"), MadeTar.layer("b", "2")])

    /// The good manifest with one text replaced, where it comes first.
    static func manifest(_ name: String, _ old: String, _ new: String, type: String = MadeImage.manifestType) -> Document {
        Document(testDescription: name, manifest: .manifest(replace(goodImage.manifest, old, new), type: type))
    }

    /// The good config with one text replaced, and a manifest that fits it.
    static func config(_ name: String, _ old: String, _ new: String) -> Document {
        let config = replace(goodImage.config, old, new)
        let layers = goodImage.layers.map {
            "{\"mediaType\":\"\(MadeImage.layerType)\",\"digest\":\"\(digest(of: $0))\",\"size\":\($0.count)}"
        }
        return Document(
            testDescription: name,
            manifest: .manifest(MadeImage.manifest(config: config, layers: layers.joined(separator: ","))), config: config)
    }

    static func bytes(_ name: String, _ text: String, type: String = MadeImage.manifestType) -> Document {
        Document(testDescription: name, manifest: .manifest(Array(text.utf8), type: type))
    }

    private static func replace(_ bytes: [UInt8], _ old: String, _ new: String) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let range = text.firstRange(of: old) else { fatalError("no \"\(old)\" in \(text)") }
        return Array(text.replacingCharacters(in: range, with: new).utf8)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}

/// R-04 to R-19: no document takes the daemon down, leads anything anywhere, or is half believed.
@Suite(.asRoot, .serialized) struct DocumentTests {
    private static let layerSize = "\"size\":2048}"
    private static let layerDigest = "\(digest(of: Document.goodImage.layers[0]))"
    private static let diffs = "[" + Document.goodImage.layers.map { "\"\(digest(of: $0))\"" }.joined(separator: ",") + "]"
    private static let zeros = String(repeating: "0", count: 64)

    private static let sizes =
        ["-1", "9223372036854775808", "1e400", "1.5", "\"2048\"", "null", "[]", "true"].map {
            Document.manifest("size \($0)", layerSize, "\"size\":\($0)}")
        } + [
            .manifest("no size", ",\(layerSize)", "}"),
            .manifest("config size -1", "\"size\":\(Document.goodImage.config.count)", "\"size\":-1"),
            .manifest("config size 2^62", "\"size\":\(Document.goodImage.config.count)", "\"size\":4611686018427387904"),
            .manifest("config larger than 4 MiB", "\"size\":\(Document.goodImage.config.count)", "\"size\":4194305"),
        ]

    private static let digests =
        [
            "", "sha256:", "sha256:xyz", "sha256:\(zeros.dropLast())", "sha256:\(zeros)0", "SHA256:\(zeros)",
            "sha256:\(String(repeating: "A", count: 64))", "md5:\(String(repeating: "0", count: 32))", "sha256:../../../../canary",
            "../canary",
            "sha256:\(zeros)\\n", "sha256:\(zeros.dropLast(3))/..", "sha256:\(zeros)\\u0000", "sha256:sha256:\(zeros)", "\(zeros)",
            "sha512:\(zeros)\(zeros)",
        ].flatMap { text in
            [
                Document.manifest("layer digest \(text)", layerDigest, text),
                .manifest("config digest \(text)", "\(digest(of: Document.goodImage.config))", text),
                .config("diff ID \(text)", layerDigest, text),
            ]
        } + [.manifest("layer digest null", "\"\(layerDigest)\"", "null"), .config("diff ID null", "\"\(layerDigest)\"", "null")]

    private static let types: [Document] = [
        .manifest("fields of both kinds", "\"layers\":", "\"manifests\":[],\"layers\":"),
        .manifest("mediaType of an index", MadeImage.manifestType, MadeImage.indexType),
        .manifest("Content-Type of an index", "{", "{", type: MadeImage.indexType),
        .manifest("Docker by Content-Type", "{", "{", type: "application/vnd.docker.distribution.manifest.v2+json"),
        .manifest("text/html", "{", "{", type: "text/html"), .manifest("octets", "{", "{", type: "application/octet-stream"),
        .manifest("mediaType no string", "\"mediaType\":\"\(MadeImage.manifestType)\"", "\"mediaType\":7"),
        .manifest("layer of an unknown type", MadeImage.layerType, "application/x-thing"),
        .manifest("artifact by config", "vnd.oci.image.config.v1+json", "vnd.example.thing+json"),
        .manifest("artifact by type", "\"layers\":", "\"artifactType\":\"a/b\",\"layers\":"),
        .manifest("schemaVersion 1", "\"schemaVersion\":2", "\"schemaVersion\":1"),
        .manifest("schemaVersion 3", "\"schemaVersion\":2", "\"schemaVersion\":3"),
        .manifest("schemaVersion as text", "\"schemaVersion\":2", "\"schemaVersion\":\"2\""),
        .manifest("no schemaVersion", "\"schemaVersion\":2,", ""),
        .bytes(
            "schema 1", #"{"schemaVersion":1,"name":"x","fsLayers":[],"history":[]}"#,
            type: "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        .bytes("neither", #"{"schemaVersion":2}"#), .bytes("empty", ""), .bytes("a list", "[]"), .bytes("null", "null"),
        .bytes("broken", #"{"schemaVersion":2,"#), .bytes("two documents", #"{"schemaVersion":2}{}"#),
        .bytes("deep", String(repeating: "[", count: 100_000)), .bytes("deep objects", String(repeating: #"{"a":"#, count: 100_000)),
        .bytes("layers no list", #"{"schemaVersion":2,"config":{},"layers":{}}"#),
        .bytes("layers of numbers", #"{"schemaVersion":2,"config":{},"layers":[1]}"#),
        .bytes("index without manifests", #"{"schemaVersion":2,"manifests":[]}"#, type: MadeImage.indexType),
        .bytes("index of nothing", #"{"schemaVersion":2,"manifests":[{}]}"#, type: MadeImage.indexType),
        .bytes("index, manifests null", #"{"schemaVersion":2,"manifests":null}"#, type: MadeImage.indexType),
        Document(
            testDescription: "no layers", manifest: .manifest(MadeImage.manifest(config: Document.goodImage.config, layers: ""))),
        Document(testDescription: "no UTF-8", manifest: .manifest([0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D])),
    ]

    private static let configs: [Document] = [
        .config("one diff ID", diffs, "[\"\(layerDigest)\"]"), .config("no diff IDs", diffs, "[]"), .config("diff IDs null", diffs, "null"),
        .config("three diff IDs", "\"diff_ids\":[", "\"diff_ids\":[\"\(layerDigest)\","),
        .config("rootfs of another type", "\"type\":\"layers\"", "\"type\":\"layer\""),
        .config("no rootfs", "\"rootfs\"", "\"rootsf\""), .config("rootfs null", "{\"type\":\"layers\",\"diff_ids\":\(diffs)}", "null"),
        .config("diff IDs no list", diffs, "{}"), .config("Cmd a string", "[\"true\"]", "\"true\""), .config("broken", "}}", "}"),
        .config("os a number", "\"linux\"", "7"),
    ]

    @Test("a hostile document is refused before any layer is asked for, and nothing is left", arguments: sizes + digests + types + configs)
    func refused(document: Document) async throws {
        let config = "/v2/team/app/blobs/\(digest(of: document.config))"
        try await ScriptedRegistry.serve({ request in
            if request.path.contains("/manifests/") { return document.manifest }
            return request.path == config ? .ok(document.config) : .notFound()
        }) { registry in
            try await ImageNode.with { node in
                let error = await failure { try await node.pull("\(registry.host)/team/app:1") }
                switch error {
                case .document, .registry, .noMatchingPlatform: break
                default: unexpected(error)
                }
                #expect(error?.description.utf8.allSatisfy { $0 >= 0x20 } == true, "one line, no control bytes")
                #expect(registry.requests.allSatisfy { $0.path == "/v2/team/app/manifests/1" || $0.path == config })
                try node.expectNothing()
            }
        }
    }

    @Test(
        "what is odd and legal is taken",
        arguments: [
            Document.manifest("as it is", "{", "{"), .manifest("a parameter", "{", "{", type: MadeImage.manifestType + "; charset=utf-8"),
            .manifest("in capitals", "{", "{", type: "Application/vnd.OCI.image.manifest.v1+JSON"),
            .manifest("no mediaType", "\"mediaType\":\"\(MadeImage.manifestType)\",", ""),
            .manifest("unknown fields", "{", "{\"subject\":{},\"x\":[1,2],"), .manifest("white space", "{", " \n\t{ "),
            .manifest("zero size", "{", "{\"annotations\":{\"a\":\"\\u0000\"},"),
            .config("history", "{", "{\"history\":[{\"empty_layer\":true}],\"created\":\"\","),
            Document(
                testDescription: "no Content-Type",
                manifest: .ok(Document.goodImage.manifest)),
        ])
    func accepted(document: Document) async throws {
        try await ScriptedRegistry.serve({ request in
            if request.path.contains("/manifests/") { return document.manifest }
            return request.path.hasSuffix(digest(of: document.config).hex) ? .ok(document.config) : Document.goodImage.answer(request)
        }) { registry in
            try await ImageNode.with { node in
                let image = try await node.pull("\(registry.host)/team/app:1")
                #expect(image.layers.count == 2)
            }
        }
    }
}
