// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

private typealias D = Documents

/// Source: image-spec config.md; Docker's image spec v1.2.
@Suite struct ImageConfigTests {
    /// As `docker build` writes it.
    static let docker = #"""
        {"architecture":"amd64","config":{"Hostname":"","Domainname":"","User":"app:www","AttachStdin":false,"ExposedPorts":{"80/tcp":{}},
        "Tty":false,"Env":["PATH=/bin","EMPTY=","NO_VALUE"],"Cmd":["-c","echo \"hi\""],"Healthcheck":{"Test":["CMD","true"],"Interval":5000000000},
        "ArgsEscaped":true,"Image":"sha256:x","Volumes":{"/data":{}},"WorkingDir":"/srv","Entrypoint":["/bin/sh"],"OnBuild":null,
        "Labels":{"a":"b"},"StopSignal":"SIGRTMIN+3","Shell":["/bin/ash","-c"]},"container":"abc","container_config":{"Cmd":["x"]},
        "created":"2026-11-21T06:25:00.123456789Z","docker_version":"20.10.24","os":"linux",
        "history":[{"created":"2026-11-21T06:25:00Z","created_by":"/bin/sh -c #(nop) ADD file:x in / "},
        {"created_by":"ENV A=b","empty_layer":true,"comment":"buildkit.dockerfile.v0"}],
        "rootfs":{"type":"layers","diff_ids":["DIGEST"]},"moby.buildkit.buildinfo.v1":"eyJ9","variant":"v2"}
        """#.replacing("DIGEST", with: D.digest)

    /// As umoci and buildah write it.
    static let oci = #"""
        {"created":"2026-11-21T07:25:00+01:00","author":"A <a@example.org>","architecture":"arm64","os":"linux","os.version":"x","config":
        {"Env":["PATH=/bin"],"Entrypoint":["/app"],"x-custom":[1,2.0]},"rootfs":{"type":"layers","diff_ids":["DIGEST","DIGEST"]},
        "history":[{"author":"x"},{}]}
        """#.replacing("DIGEST", with: D.digest)

    private func config(_ text: String) throws(DocumentError) -> ImageConfig { try ImageConfig.parse(Array(text.utf8)) }

    @Test("Docker's config is read: process, history, layers") func dockerConfig() throws {
        let image = try config(Self.docker)
        let process = try #require(image.config)
        #expect(process.user == "app:www")
        #expect(process.env == ["PATH=/bin", "EMPTY=", "NO_VALUE"])
        #expect(process.entrypoint == ["/bin/sh"])
        #expect(process.cmd == ["-c", "echo \"hi\""])
        #expect(process.workingDir == "/srv")
        #expect(process.stopSignal == "SIGRTMIN+3")
        #expect(process.labels == ["a": "b"])
        #expect(process.volumes?.keys.sorted() == ["/data"])
        #expect(process.exposedPorts?.keys.sorted() == ["80/tcp"])
        #expect(image.platform.description == "linux/amd64/v2")
        #expect(image.rootfs.diffIDs.map(\.description) == [D.digest])
        #expect(image.history?.map { $0.emptyLayer ?? false } == [false, true])
        #expect(image.history?.first?.createdBy == "/bin/sh -c #(nop) ADD file:x in / ")
        #expect(process.others.members["Shell"] == .array([.string("/bin/ash"), .string("-c")]))
    }

    @Test("an OCI config is read, absent members are nil") func ociConfig() throws {
        let image = try config(Self.oci)
        #expect(image.author == "A <a@example.org>")
        #expect(image.platform.description == "linux/arm64")
        #expect(image.config?.cmd == nil)
        #expect(image.config?.user == nil)
        #expect(image.rootfs.diffIDs.count == 2)
        #expect(image.history?.count == 2)
        let least = try config(#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#)
        #expect(least.config == nil)
        #expect(least.history == nil)
    }

    @Test(
        "the steps that made layers are told from those that made none; where they don't fit nobody guesses",
        arguments: [
            (#"[{"created_by":"a"},{"created_by":"ENV","empty_layer":true},{"created_by":"b","empty_layer":false}]"#, ["a", "b"]),
            (#"[{"created_by":"a"},{}]"#, ["a", nil]),
            (#"[{"created_by":"a"}]"#, nil), (#"[{"created_by":"a"},{"created_by":"b"},{"created_by":"c"}]"#, nil),
            (#"[{"empty_layer":true}]"#, nil),
        ] as [(String, [String?]?)]) func steps(history: String, expected: [String?]?) throws
    {
        let ids = "\"\(D.digest)\",\"\(D.digest)\""
        let image = try config(
            #"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["# + ids + #"]},"history":"# + history + "}")
        if let expected {
            #expect(image.layerSteps.commands == expected)
        } else {
            #expect(image.layerSteps == .mismatched)
        }
    }

    @Test("a config without history says so", arguments: ["", #","history":[]"#, #","history":null"#]) func noHistory(member: String) throws
    {
        let text = #"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["DIGEST"]}"# + member + "}"
        #expect(try config(text.replacing("DIGEST", with: D.digest)).layerSteps == .missing)
    }

    @Test("a null stands for absent, as Go writes it") func nulls() throws {
        let text = #"""
            {"os":"linux","architecture":"amd64","config":{"Env":null,"Cmd":null,"Entrypoint":null,"Volumes":null,"Labels":null},
            "rootfs":{"type":"layers","diff_ids":[]},"history":null}
            """#
        let image = try config(text)
        #expect(image.config == ImageConfig.ContainerConfig())
        #expect(image.history == nil)
    }

    @Test("what is read is written again whole, unknown members included") func roundTrip() throws {
        #expect(try JSON.parse(JSON.encode(config(Self.oci))) == JSON.parse(Array(Self.oci.utf8)))
        #expect(try JSON.parse(JSON.encode(config(Self.docker))) == JSON.parse(Array(Self.docker.utf8)))
        #expect(try config(String(decoding: JSON.encode(config(Self.docker), .pretty), as: UTF8.self)) == config(Self.docker))
    }

    @Test(
        "R-16, R-19: values of another type are refused with their place",
        arguments: [
            ("\"linux\"", "7", "os"), ("\"layers\"", "null", "rootfs.type"), ("\"\(D.digest)\"", "null", "rootfs.diff_ids[0]"),
            ("\"\(D.digest)\"", "\"sha256:abc\"", "rootfs.diff_ids[0]"), ("\"/bin/sh\"", "1", "config.Entrypoint[0]"),
            ("[\"/bin/sh\"]", "\"/bin/sh\"", "config.Entrypoint"), ("{\"a\":\"b\"}", "{\"a\":[]}", "config.Labels.a"),
            ("{\"a\":\"b\"}", "[]", "config.Labels"), ("\"app:www\"", "0", "config.User"),
            ("\"empty_layer\":true", "\"empty_layer\":1", "history[1].empty_layer"),
            ("[\"\(D.digest)\"]", "{}", "rootfs.diff_ids"), ("\"os\":\"linux\",", "", ""), ("\"architecture\":\"amd64\",", "", ""),
        ])
    func types(_ good: String, _ bad: String, _ place: String) throws {
        let text = Self.docker.replacing(good, with: bad, maxReplacements: 1)
        try #require(text != Self.docker)
        let error = #expect(throws: DocumentError.self) { try config(text) }
        guard case .malformed(let reason) = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(reason.place == place)
    }

    @Test(
        "members that other readers would take for known ones are refused",
        arguments: [
            (#""os":"linux""#, #""os":"linux","OS":"windows""#), (#""User":"#, #""user":"root","User":"#),
            (#""Env":"#, #""ENV":[],"Env":"#),
            (#""type":"layers""#, #""type":"layers","DIFF_IDS":[]"#), (#""Entrypoint":"#, #""entrypoint":[],"Entrypoint":"#),
            (#""variant":"v2""#, #""rootf\u017f":{}"#), (#""StopSignal":"#, #""StopſIGNAL":"#),
        ])
    func lookalikes(_ good: String, _ bad: String) throws {
        let text = Self.docker.replacing(good, with: bad, maxReplacements: 1)
        try #require(text != Self.docker)
        let error = #expect(throws: DocumentError.self) { try config(text) }
        guard case .invalid = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }

    @Test("a config of more than 4 MiB is refused before it is parsed") func size() {
        #expect(throws: DocumentError.tooLarge(bytes: ImageDocument.sizeLimit + 1, limit: ImageDocument.sizeLimit)) {
            try ImageConfig.parse([UInt8](repeating: 0, count: ImageDocument.sizeLimit + 1))
        }
    }

    private func manifest(_ layers: Int, config: String = D.ociConfig, layer: String = D.ociLayer, adding more: String = "") throws
        -> ImageManifest
    {
        let layers = [String](repeating: D.descriptor(layer), count: layers)
        return try #require(try D.parse(D.manifest(config: D.descriptor(config), layers: layers, adding: more)).manifest)
    }

    @Test("R-15, R-16: a config with fewer or more diff IDs than layers is refused") func layerCount() throws {
        let image = try config(Self.oci)
        try manifest(2).validate(config: image)
        for count in [1, 3] { #expect(throws: DocumentError.self) { try manifest(count).validate(config: image) } }
        var other = image
        other.rootfs.type = "layers+base"
        #expect(throws: DocumentError.self) { try manifest(2).validate(config: other) }
    }

    @Test("R-19: an artifact, a layer that is no file system and an image without layers are refused") func artifacts() throws {
        try manifest(1).validate()
        for bad in [
            try manifest(0), try manifest(1, config: "application/vnd.oci.empty.v1+json"),
            try manifest(1, layer: "application/vnd.in-toto+json"),
            try manifest(1, layer: D.ociConfig), try manifest(1, adding: #","artifactType":"application/vnd.example""#),
            try manifest(1, layer: D.ociLayer + "+encrypted"), try manifest(1, layer: ""),
        ] {
            #expect(throws: DocumentError.self) { try bad.validate() }
        }
    }
}

extension ImageConfig.LayerSteps {
    fileprivate var commands: [String?]? { if case .known(let steps) = self { steps.map(\.createdBy) } else { nil } }
}
