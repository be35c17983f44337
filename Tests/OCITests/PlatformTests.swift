// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

private typealias D = Documents

/// Source: image-spec image-index.md, "platform"; the variants' order is that of Go's GOARM and GOAMD64.
@Suite struct PlatformTests {
    @Test(
        "a platform is normalised, so that each has one spelling",
        arguments: [
            ("linux/amd64", "linux/amd64"), ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v2", "linux/amd64/v2"),
            ("linux/x86_64", "linux/amd64"), ("linux/x86-64/v3", "linux/amd64/v3"), ("Linux/AMD64/V2", "linux/amd64/v2"),
            ("linux/arm64", "linux/arm64"), ("linux/arm64/v8", "linux/arm64"), ("linux/arm64/8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"), ("linux/aarch64/v8", "linux/arm64"), ("linux/arm64/v9", "linux/arm64/v9"),
            ("linux/arm", "linux/arm/v7"), ("linux/arm/7", "linux/arm/v7"), ("linux/arm/v7", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/arm/v5", "linux/arm/v5"), ("linux/armhf", "linux/arm/v7"), ("linux/armel", "linux/arm/v6"), ("linux/i386", "linux/386"),
            ("linux/i686", "linux/386"), ("linux/riscv64", "linux/riscv64"), ("windows/amd64", "windows/amd64"),
        ])
    func normalised(_ text: String, _ expected: String) throws {
        let platform = try #require(Platform(parsing: text))
        #expect(platform.description == expected)
        #expect(Platform(parsing: expected) == platform)
    }

    @Test(
        "what is no platform is refused",
        arguments: [
            "", "linux", "linux/", "/amd64", "linux//v8", "linux/arm/v7/x", "linux/amd64/", " linux/amd64", "linux/amd 64", "linux/amd64\n",
            "linux/\u{661}", "línux/amd64", "linux\u{0}/amd64", "linux/amd64;v2", "linux\\amd64",
        ])
    func refuses(_ text: String) {
        #expect(Platform(parsing: text) == nil)
    }

    private static let choices: [(wanted: String, offered: [String], chosen: Int?)] = [
        ("linux/amd64", ["linux/arm64", "linux/amd64", "windows/amd64"], 1),
        ("linux/amd64", ["windows/amd64", "linux/386"], nil),
        ("linux/arm64", ["linux/arm/v8", "linux/arm64/v8"], 1),
        ("linux/arm64/v8", ["linux/arm64"], 0),
        ("linux/aarch64", ["linux/arm64/v8"], 0),
        // An older variant runs on a newer processor, a newer one doesn't on an older.
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], 1),
        ("linux/arm/v8", ["linux/arm/v5", "linux/arm/v7", "linux/arm/v6"], 1),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], 1),
        ("linux/arm/v5", ["linux/arm/v6", "linux/arm/v7"], nil),
        ("linux/arm", ["linux/arm/v6", "linux/arm/v7"], 1),
        ("linux/arm/v7", ["linux/arm"], 0),
        ("linux/arm/v6", ["linux/arm"], nil),
        ("linux/amd64", ["linux/amd64/v2", "linux/amd64/v3"], nil),
        ("linux/amd64", ["linux/amd64/v3", "linux/amd64/v1"], 1),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], 1),
        ("linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2"], 0),
        ("linux/amd64/v2", ["linux/amd64"], 0),
        // Ten is more than nine, though not as text.
        ("linux/arm64/v9", ["linux/arm64/v10", "linux/arm64"], 1),
        // A variant that nobody knows suits only itself.
        ("linux/riscv64", ["linux/riscv64/rva22"], nil),
        ("linux/riscv64/rva22", ["linux/riscv64", "linux/riscv64/rva22"], 1),
        ("linux/mips64le", ["linux/mips64le"], 0),
        // The first among equals.
        ("linux/amd64", ["linux/amd64", "linux/amd64/v1", "linux/amd64"], 0),
        ("linux/amd64", [], nil),
    ]

    @Test("the entry of an index that suits best is chosen", arguments: choices)
    private func choice(_ wanted: String, _ offered: [String], _ chosen: Int?) throws {
        let digits = Array("0123456789abcdef")
        let entries = offered.enumerated().map { D.entry($0.element, D.digest(digits[$0.offset])) }
        let index = try #require(try D.parse(D.index(D.ociIndex, entries)).index)
        let platform = try #require(Platform(parsing: wanted))
        if let chosen {
            #expect(try index.choose(platform).digest.description == D.digest(digits[chosen]))
        } else {
            let error = #expect(throws: ImageIndex.NoMatchingPlatform.self) { try index.choose(platform) }
            #expect(error?.description.hasPrefix("no image for \(platform); there is ") == true)
            for text in offered { #expect(error?.description.contains(Platform(parsing: text)?.description ?? "?") == true) }
        }
    }

    @Test("attestations and artifacts are never chosen, however they are marked")
    func attestations() throws {
        let marked = #","annotations":{"vnd.docker.reference.type":"attestation-manifest"}"#
        let never = [
            D.entry("unknown/unknown", D.digest("a"), adding: marked), D.entry("linux/amd64", D.digest("b"), adding: marked),
            D.entry("linux/unknown", D.digest("c")), D.entry("unknown/amd64", D.digest("d")),
            D.entry("linux/amd64", D.digest("e"), type: D.ociLayer), D.entry("linux/amd64", D.digest("f"), type: D.ociConfig),
            D.entry("linux/amd64", D.digest("0"), adding: #","artifactType":"application/vnd.example""#),
        ]
        let platform = Platform(os: "linux", architecture: "amd64")
        let without = try #require(try D.parse(D.index(D.ociIndex, never)).index)
        let error = #expect(throws: ImageIndex.NoMatchingPlatform.self) { try without.choose(platform) }
        #expect(error?.offered == [])
        let with = try #require(try D.parse(D.index(D.ociIndex, never + [D.entry("linux/amd64", D.digest("1"))])).index)
        #expect(try with.choose(platform).digest.description == D.digest("1"))
    }

    @Test("an entry without a platform is chosen only where it is the only image")
    func withoutPlatform() throws {
        let bare = D.descriptor(D.dockerManifest, D.digest("a"))
        let attestation = D.entry("unknown/unknown", D.digest("b"))
        let platform = Platform(os: "linux", architecture: "amd64")
        let alone = try #require(try D.parse(D.index(D.ociIndex, [attestation, bare])).index)
        #expect(try alone.choose(platform).digest.description == D.digest("a"))
        for other in [D.entry("linux/arm64", D.digest("c")), bare] {
            let index = try #require(try D.parse(D.index(D.ociIndex, [bare, other])).index)
            #expect(throws: ImageIndex.NoMatchingPlatform.self) { try index.choose(platform) }
        }
        let better = try #require(try D.parse(D.index(D.ociIndex, [bare, D.entry("linux/amd64", D.digest("d"))])).index)
        #expect(try better.choose(platform).digest.description == D.digest("d"))
    }

    @Test("an error that lists what there is stays short and clean, whatever the index lists")
    func boundedError() throws {
        let many = (0..<500).map { D.entry("linux/a\($0)", D.digest("a")) }
        let hostile = D.descriptor(
            D.ociManifest, adding: #","platform":{"os":"\u001b]52;c;eA==\u0007","architecture":"\#(String(repeating: "x", count: 5000))"}"#)
        let index = try #require(try D.parse(D.index(D.ociIndex, [hostile] + many)).index)
        let error = #expect(throws: ImageIndex.NoMatchingPlatform.self) { try index.choose(Platform(os: "linux", architecture: "amd64")) }
        let message = error?.description ?? ""
        #expect(message.contains("and 469 more"))
        #expect(message.utf8.count < 1024)
        #expect(message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
    }

    @Test("os.version and unknown members of a platform survive")
    func members() throws {
        let text = #"{"os":"windows","architecture":"amd64","os.version":"10.0.1","os.features":["win32k"],"x":1}"#
        let platform = try JSON.decode(Platform.self, from: Array(text.utf8))
        #expect(platform.osVersion == "10.0.1")
        #expect(try JSON.parse(JSON.encode(platform)) == JSON.parse(Array(text.utf8)))
    }
}
