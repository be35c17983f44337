// SPDX-License-Identifier: Apache-2.0

import OCI
import Testing

let sha256 = "sha256:\(String(repeating: "0123456789abcdef", count: 4))"
private let sha512 = "sha512:\(String(repeating: "0123456789abcdef", count: 8))"

/// What a text must come to.
struct Parts: Sendable, CustomTestStringConvertible {
    let text: String
    let registry: String
    let repository: String
    let tag: String?
    let digest: String?
    var testDescription: String { text.count > 80 ? "\(text.prefix(80))… (\(text.utf8.count) bytes)" : text }

    init(_ text: String, _ registry: String, _ repository: String, tag: String? = nil, digest: String? = nil) {
        self.text = text
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }
}

/// References as Docker and OCI write them. Source: distribution/reference grammar; distribution-spec, "Pulling manifests".
@Suite struct ReferenceTests {
    static let accepted: [Parts] = [
        // One word, and Docker's defaults.
        Parts("busybox", "docker.io", "library/busybox"),
        Parts("busybox:1.36", "docker.io", "library/busybox", tag: "1.36"),
        Parts("busybox@\(sha256)", "docker.io", "library/busybox", digest: sha256),
        Parts("busybox:1.36@\(sha256)", "docker.io", "library/busybox", tag: "1.36", digest: sha256),
        Parts("docker.io/busybox", "docker.io", "library/busybox"),
        Parts("index.docker.io/busybox", "docker.io", "library/busybox"),
        Parts("docker.io/library/busybox:latest", "docker.io", "library/busybox", tag: "latest"),
        Parts("library/busybox", "docker.io", "library/busybox"),
        Parts("user/app", "docker.io", "user/app"),
        Parts("user/team/app:v1", "docker.io", "user/team/app", tag: "v1"),
        // What makes the first part a host.
        Parts("localhost/app", "localhost", "app"),
        Parts("localhost", "docker.io", "library/localhost"),
        Parts("localhost:5000", "docker.io", "library/localhost", tag: "5000"),
        Parts("localhost:5000/app", "localhost:5000", "app"),
        Parts("localhost:5000/app:5000", "localhost:5000", "app", tag: "5000"),
        Parts("registry.example.com/app", "registry.example.com", "app"),
        Parts("registry.example.com:443/a/b/c:t@\(sha256)", "registry.example.com:443", "a/b/c", tag: "t", digest: sha256),
        Parts("registry:5000/app", "registry:5000", "app"),
        Parts("Uppercase/app", "Uppercase", "app"),
        Parts("EXAMPLE.com/app", "EXAMPLE.com", "app"),
        Parts("xn--n3h.com/app:t", "xn--n3h.com", "app", tag: "t"),
        Parts("1.2.3.4/app", "1.2.3.4", "app"),
        Parts("1.2.3.4:65535/app", "1.2.3.4:65535", "app"),
        Parts("a-b.c-d.e/app", "a-b.c-d.e", "app"),
        Parts("docker.io/quay.io/app", "docker.io", "quay.io/app"),
        // IPv6 stands in brackets.
        Parts("[::1]/app", "[::1]", "app"),
        Parts("[::1]:5000/app:t", "[::1]:5000", "app", tag: "t"),
        Parts("[2001:db8:1:2:3:4:5:6]/app@\(sha256)", "[2001:db8:1:2:3:4:5:6]", "app", digest: sha256),
        Parts("[FE80::ABCD]:1/a/b", "[FE80::ABCD]:1", "a/b"),
        // Separators inside a component.
        Parts("example.org/a.b_c__d-e---f/g", "example.org", "a.b_c__d-e---f/g"),
        Parts("example.org/a--b", "example.org", "a--b"),
        Parts("example.org/a__b", "example.org", "a__b"),
        Parts("0/1/2:3", "docker.io", "0/1/2", tag: "3"),
        Parts("foo/foo_bar.com:8080", "docker.io", "foo/foo_bar.com", tag: "8080"),
        // Tags have upper case, underscores, dots, and 128 bytes at most.
        Parts("app:_T.a-g_", "docker.io", "library/app", tag: "_T.a-g_"),
        Parts("app:\(String(repeating: "A", count: 128))", "docker.io", "library/app", tag: String(repeating: "A", count: 128)),
        // Digests of both algorithms; hexadecimal names that are no image IDs.
        Parts("app@\(sha512)", "docker.io", "library/app", digest: sha512),
        Parts(String(repeating: "a", count: 63), "docker.io", "library/\(String(repeating: "a", count: 63))"),
        Parts("\(String(repeating: "a", count: 64)):t", "docker.io", "library/\(String(repeating: "a", count: 64))", tag: "t"),
        // The whole name has 255 bytes at most: "example.org/" and 243 more.
        Parts("example.org/\(String(repeating: "a", count: 243))", "example.org", String(repeating: "a", count: 243)),
    ]

    @Test("a reference is taken apart, defaults filled in", arguments: accepted) func parses(_ expected: Parts) throws {
        let reference = try ImageReference(parsing: expected.text)
        #expect(reference.registry == expected.registry)
        #expect(reference.repository == expected.repository)
        #expect(reference.tag == expected.tag)
        #expect(reference.digest?.description == expected.digest)
    }

    @Test("every form that a reference is written in parses to the same reference", arguments: accepted)
    func roundTrips(_ expected: Parts) throws {
        let reference = try ImageReference(parsing: expected.text)
        #expect(try ImageReference(parsing: reference.canonical) == reference)
        #expect(try ImageReference(parsing: reference.familiar) == reference)
        #expect(reference.canonical.hasPrefix(reference.name))
    }

    static let refused: [String] = [
        // Nothing, and parts of nothing.
        "", ":tag", "@\(sha256)", "/", "/app", "app/", "a//b", "example.org/", "example.org//a", "app:", "app@", "app:@\(sha256)",
        // Short, wrong and doubled digests.
        "app@sha256:", "app@sha256:abc", "app@sha256:xyz", "app@" + String(sha256.dropLast()), "app@\(sha256)0",
        "app@\(sha256.uppercased())",
        "app@SHA256:\(sha256.dropFirst(7))", "app@md5:d41d8cd98f00b204e9800998ecf8427e", "app@\(sha256)@\(sha256)", "app@\(sha256):tag",
        "app@sha256:../../../../etc/passwd", "app@\(sha256.dropFirst(7))", "app@sha512:\(sha256.dropFirst(7))", "app@\(sha256)/x",
        // Upper case in a path; what isn't in the alphabet.
        "Busybox", "user/App", "example.org/APP", "localhost:5000/App:t", "a b", " app", "app ", "app\n", "app\t:t", "app\r\n", "a\u{0}b",
        "app:t\u{0}", "bücher/app", "app:täg", "\u{202e}app", "a\u{301}pp", "app?x=1", "app#x", "a%2fb", "a&b", "a;b", "a'b", "a\"b",
        "$(id)",
        "a\\b", "a*b", "a+b", "a~b", "user@host/app", "http://example.org/app", "https://example.org/app",
        // Ways up and out.
        "..", ".", "../app", "a/../b", "a/./b", "example.org/../../etc/passwd", "example.org/a/..", "./app", "/etc/passwd", "-app",
        "--help",
        // Separators at the ends, doubled, mixed.
        "a..b", "a___b", "a._b", "a-_b", "a_-b", ".a", "a.", "_a", "a_", "-a/b", "a-/b", "example.org/-a", "example.org/a-",
        // Tags.
        "app:.t", "app:-t", "app:a:b", "app:a/b", "app:t t", "app:t+1", "app:\(String(repeating: "a", count: 129))",
        // Hosts and ports.
        "-host.org/a", "host-.org/a", ".org/a", "org./a", "a..b/c", "foo_bar.com:8080/a", "exa_mple.org/a", "host:/a", "host:port/a",
        "host:65536/a", "host:123456/a", "host:-1/a", "host:+1/a", "host:80:80/a", "1.2.3.4:0x50/a", "::1/a", "[::1]",
        "[::1]a/b", "[::1/a", "::1]/a", "[]/a", "[::1]:/a", "[::1]:http/a", "[::g]/a", "[1:2:3:4:5:6:7:8:9]/a", "[fe80::1%eth0]/a",
        "[::ffff:1.2.3.4]/a", "[1.2.3.4]/a", "[[::1]]/a", "[::1]x:80/a",
        // Lengths, and an image ID.
        "example.org/\(String(repeating: "a", count: 244))", String(repeating: "a", count: 256), "\(String(repeating: "a/", count: 600))a",
        String(repeating: "a", count: 64), "docker.io/\(String(repeating: "a/", count: 119))abcdefgh",
    ]

    @Test("what is no reference is refused, with a reason and without a control byte", arguments: refused) func refuses(_ text: String) {
        let error = #expect(throws: ReferenceError.self) { try ImageReference(parsing: text) }
        let message = error?.description ?? ""
        #expect(error?.reason.isEmpty == false)
        #expect(message.utf8.count < 600)
        #expect(message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0.properties.generalCategory != .format })
    }

    @Test("a short digest is refused for what it is") func shortDigest() {
        let error = #expect(throws: ReferenceError.self) { try ImageReference(parsing: "busybox@sha256:0123456789ab") }
        #expect(error?.reason.contains("short ones are not accepted") == true)
    }

    @Test("a name that looks like a host stays written out below docker.io") func familiarName() throws {
        #expect(try ImageReference(parsing: "docker.io/quay.io/app").familiar == "docker.io/quay.io/app")
        #expect(try ImageReference(parsing: "docker.io/library/busybox:1").familiar == "busybox:1")
        #expect(try ImageReference(parsing: "docker.io/user/app").familiar == "user/app")
        #expect(try ImageReference(parsing: "library/a/b").familiar == "library/a/b")
        #expect(try ImageReference(parsing: "localhost:5000/app").familiar == "localhost:5000/app")
        let hex = String(repeating: "a", count: 64)
        #expect(try ImageReference(parsing: "\(hex)@\(sha256)").familiarName == "docker.io/library/\(hex)")
    }

    @Test("latest stands in only where there is neither tag nor digest") func latest() throws {
        #expect(try ImageReference(parsing: "app").taggedOrLatest.tag == "latest")
        #expect(try ImageReference(parsing: "app:1").taggedOrLatest.tag == "1")
        #expect(try ImageReference(parsing: "app@\(sha256)").taggedOrLatest.tag == nil)
    }
}
