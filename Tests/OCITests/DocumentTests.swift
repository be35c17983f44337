// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

private typealias D = Documents

/// Manifests and indexes of both kinds, and everything that is neither. Numbers such as R-07 are rows of the threat table.
@Suite struct DocumentTests {
    @Test("an OCI manifest is read whole, its layers in order") func ociManifest() throws {
        let text = D.manifest(
            layers: [
                D.descriptor(D.ociLayer, D.digest("a")),
                D.descriptor("application/vnd.oci.image.layer.v1.tar+zstd", D.digest("b"), size: "0"),
            ],
            adding: #","annotations":{"org.opencontainers.image.title":"x"}"#)
        let manifest = try #require(try D.parse(text).manifest)
        #expect(manifest.mediaType == .ociManifest)
        #expect(manifest.config.mediaType == .ociConfig)
        #expect(manifest.layers.map(\.digest.description) == [D.digest("a"), D.digest("b")])
        #expect(manifest.layers.map(\.size) == [7, 0])
        #expect(manifest.layers.map(\.mediaType.layerCompression) == [.gzip, .zstd])
        #expect(manifest.annotations == ["org.opencontainers.image.title": "x"])
        try manifest.validate()
    }

    @Test("a Docker manifest of schema 2 is read, foreign layers too") func dockerManifest() throws {
        let foreign = D.descriptor(
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", D.digest("b"), adding: #","urls":["https://example.org/x"]"#)
        let text = D.manifest(D.dockerManifest, config: D.descriptor(D.dockerConfig), layers: [D.descriptor(D.dockerLayer), foreign])
        let manifest = try #require(try D.parse(text, contentType: D.dockerManifest, descriptor: D.dockerManifest).manifest)
        #expect(manifest.layers[1].urls == ["https://example.org/x"])
        try manifest.validate()
    }

    @Test("an index and a manifest list are read", arguments: [D.ociIndex, D.dockerIndex]) func index(_ type: String) throws {
        let text = D.index(type, [D.entry("linux/amd64", D.digest("a")), D.entry("linux/arm/v7", D.digest("b"))])
        let index = try #require(try D.parse(text, contentType: type, descriptor: type).index)
        #expect(index.manifests.map(\.digest.description) == [D.digest("a"), D.digest("b")])
        #expect(index.manifests.map { $0.platform?.description } == ["linux/amd64", "linux/arm/v7"])
    }

    @Test("without a media type of its own a document is what it has the members of") func shape() throws {
        #expect(try D.parse(D.manifest(nil)).manifest != nil)
        #expect(try D.parse(D.index(nil)).index != nil)
        #expect(try D.parse(D.index(nil), contentType: D.dockerIndex).index != nil)
        #expect(try D.parse(D.manifest(nil), descriptor: D.dockerManifest).manifest != nil)
    }

    @Test("R-09: parameters, spaces and case of a Content-Type are no difference")
    func contentTypeParameters() throws {
        for type in ["\(D.ociManifest); charset=utf-8", " \(D.ociManifest) ;q=1", D.ociManifest.uppercased()] {
            #expect(try D.parse(D.manifest(), contentType: type).manifest != nil)
        }
    }

    private static let contradictions: [(text: String, contentType: String?, descriptor: String?)] = [
        // R-08, R-09: two types that differ, in every pair of places.
        (D.manifest(), D.ociIndex, nil), (D.manifest(), nil, D.ociIndex), (D.index(), D.ociManifest, nil), (D.index(), nil, D.ociManifest),
        (D.manifest(), D.dockerManifest, nil), (D.manifest(), nil, D.dockerManifest), (D.index(), D.dockerIndex, nil),
        (D.index(), nil, D.dockerIndex), (D.manifest(D.ociIndex), nil, nil), (D.index(D.ociManifest), nil, nil),
        (D.manifest(nil), D.ociIndex, nil), (D.index(nil), D.ociManifest, nil), (D.index(nil), nil, D.dockerManifest),
        (D.manifest(), "text/html", nil), (D.manifest(), "application/json", nil), (D.manifest(nil), "application/octet-stream", nil),
        (D.manifest(), "", nil), (D.manifest(), nil, D.ociLayer), (D.manifest("application/json"), nil, nil), (D.manifest(""), nil, nil),
        (D.manifest(D.ociManifest.replacing("k", with: "\u{212a}") + "\u{200b}"), nil, nil),
        // R-07: fields of both.
        (D.manifest(D.ociManifest, adding: #","manifests":[]"#), nil, nil), (D.index(D.ociIndex, [], adding: #","layers":[]"#), nil, nil),
        (D.index(D.ociIndex, [], adding: #","config":null"#), nil, nil), (D.index(nil, [], adding: #","fsLayers":[]"#), nil, nil),
        (D.manifest(nil, adding: #","manifests":null"#), D.ociManifest, nil),
        // Neither.
        ("{}", nil, nil), (#"{"schemaVersion":2}"#, D.ociManifest, nil), ("[]", nil, nil), ("null", nil, nil), ("2", nil, nil),
        // Names that other readers take for known ones.
        (D.manifest(D.ociManifest, adding: #","Manifests":[]"#), nil, nil),
        (D.index(D.ociIndex, [], adding: #","layer\u017f":[]"#), nil, nil),
        (D.manifest(D.ociManifest, adding: #","MEDIATYPE":"x""#), nil, nil),
        (D.manifest(layers: [D.descriptor(D.ociLayer, adding: #","Digest":"x""#)]), nil, nil),
        (D.index(D.ociIndex, [D.entry("linux/amd64", adding: #","\u0053ize":1"#)]), nil, nil),
        (D.manifest(config: D.descriptor(D.ociConfig, adding: #","platForm":{}"#)), nil, nil),
        // The version and the type are what they must be.
        (
            D.manifest().replacing(#""schemaVersion":2"#, with: #""mediaType":2"#).replacing(
                #""mediaType":"\#(D.ociManifest)","#, with: ""), nil, nil
        ),
    ]

    @Test("R-07, R-08: a document that says two things is refused as invalid", arguments: contradictions.indices)
    private func contradiction(_ index: Int) {
        let (text, contentType, descriptor) = Self.contradictions[index]
        let error = #expect(throws: DocumentError.self, "\(text)") {
            try D.parse(text, contentType: contentType, descriptor: descriptor)
        }
        guard case .invalid = error else { return #expect(Bool(false), "\(text): \(String(describing: error))") }
    }

    @Test("R-12: schema 1 is refused by name")
    func schema1() {
        let one = #"{"schemaVersion":1,"name":"x","tag":"t","fsLayers":[{"blobSum":"\#(D.digest)"}],"history":[]}"#
        for (text, type) in [
            (one, nil), (one, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
            (D.manifest(), "application/vnd.docker.distribution.manifest.v1+json"),
        ] as [(String, String?)] {
            let error = #expect(throws: DocumentError.self) { try D.parse(text, contentType: type) }
            #expect(error?.description.contains("schema 1") == true)
        }
    }

    @Test("a schemaVersion that is not the number 2 is refused", arguments: ["3", "\"2\"", "2.0", "null", "true", "[2]", "-2", "2e0"])
    func version(_ version: String) {
        let text = D.manifest().replacing(#""schemaVersion":2"#, with: #""schemaVersion":\#(version)"#)
        #expect(throws: DocumentError.unsupported("schemaVersion is not 2")) { try D.parse(text) }
        #expect(throws: DocumentError.self) { try D.parse(D.manifest().replacing(#""schemaVersion":2,"#, with: "")) }
    }

    @Test("R-10: 4 MiB are read, one byte more is refused before it is parsed") func size() throws {
        let text = Array(D.manifest().utf8)
        let space = [UInt8](repeating: 0x20, count: ImageDocument.sizeLimit - text.count)
        #expect(try ImageDocument.parse(text + space).manifest != nil)
        #expect(throws: DocumentError.tooLarge(bytes: ImageDocument.sizeLimit + 1, limit: ImageDocument.sizeLimit)) {
            try ImageDocument.parse([UInt8](repeating: 0, count: ImageDocument.sizeLimit + 1))
        }
    }

    @Test(
        "R-19: members of another type, or missing, are named with their place",
        arguments: [
            (D.manifest(layers: ["{}"]), "layers[0]"), (D.manifest(layers: [D.descriptor(D.ociLayer), "null"]), "layers[1]"),
            (D.manifest(layers: [D.descriptor(D.ociLayer, size: "\"7\"")]), "layers[0].size"), (D.manifest(config: "[]"), "config"),
            (D.manifest(config: D.descriptor(D.ociConfig, "sha256:xyz")), "config.digest"),
            (D.index(D.ociIndex, [D.descriptor(D.ociManifest, adding: #","platform":{"os":"linux"}"#)]), "manifests[0].platform"),
            (
                D.index(D.ociIndex, [D.descriptor(D.ociManifest, adding: #","platform":{"os":1,"architecture":"x"}"#)]),
                "manifests[0].platform.os"
            ),
            (D.manifest(D.ociManifest, adding: #","annotations":{"a":1}"#), "annotations.a"),
            (D.manifest(D.ociManifest, adding: #","annotations":[]"#), "annotations"),
        ])
    func place(_ text: String, _ place: String) {
        let error = #expect(throws: DocumentError.self) { try D.parse(text) }
        guard case .malformed(let reason) = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(reason.place == place)
    }

    @Test("what isn't JSON is malformed, and a member that is there twice too")
    func malformed() {
        for text in ["", "{", D.manifest() + "x", D.manifest(D.ociManifest, adding: #","layers":[]"#), "\u{feff}" + D.manifest(), "<html>"]
        {
            let error = #expect(throws: DocumentError.self) { try D.parse(text) }
            guard case .malformed = error else { return #expect(Bool(false), "\(text): \(String(describing: error))") }
        }
    }

    @Test(
        "members that are not known here survive reading and writing",
        arguments: [
            D.manifest(D.ociManifest, adding: #","subject":{"x":[1,2.50,null]},"zz":"é""#),
            D.index(D.ociIndex, [D.entry("linux/arm64", adding: #","data":"eA==","x-y":{"z":1e5}"#)], adding: #","subject":null"#),
        ])
    func unknownMembers(_ text: String) throws {
        let written =
            switch try D.parse(text) {
            case .index(let index): try JSON.encode(index)
            case .manifest(let manifest): try JSON.encode(manifest)
            }
        // A null of a known member may go; one of an unknown member stays.
        #expect(try JSON.parse(written) == JSON.parse(Array(text.utf8)))
    }
}
