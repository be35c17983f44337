// SPDX-License-Identifier: Apache-2.0

import Linux
import ShimProtocol
import Testing

/// The words of a native probe.
@Suite struct ProbeTargetTests {
    @Test(
        "a target is read, and told in full",
        arguments: [
            ("http://:8080/ready", "http://127.0.0.1:8080/ready"), ("http://localhost", "http://127.0.0.1:80/"),
            ("http://:80?x=1", "http://127.0.0.1:80/?x=1"), ("http://[::1]:81/a/b?c=%20", "http://[::1]:81/a/b?c=%20"),
            ("tcp://:5432", "tcp://127.0.0.1:5432"), ("tcp://10.1.2.3:1", "tcp://10.1.2.3:1"),
            ("tcp://[fe80::1]:65535", "tcp://[fe80::1]:65535"),
        ])
    func read(text: String, full: String) throws {
        let target = try ProbeTarget(parsing: text)
        #expect(target.description == full)
        #expect(try ProbeTarget(parsing: full) == target)
    }

    @Test(
        "what can't be a target is refused, with a reason",
        arguments: [
            ("", "scheme"), ("8080", "scheme"), ("https://:443/", "scheme"), ("grpc://:1", "scheme"), ("exec:/bin/true", "scheme"),
            ("tcp://", "no port"), ("tcp://:", "port"), ("tcp://:0", "port"), ("tcp://:65536", "port"), ("tcp://:-1", "port"),
            ("tcp://:+1", "port"), ("tcp://:80x", "port"), ("tcp://:80/", "path"), ("http://example.org/", "address"),
            ("http://::1:80/", "port"), ("http://[::1/", "port"), ("http://u@:80/", "user"), ("http://:80/a b", "path"),
            ("http://:80/\r\nX: y", "path"),
            ("http://:80/ü", "path"), ("http://:80/#x", "path"),
        ])
    func refused(text: String, part: String) {
        let refusal = #expect(throws: ProbeTarget.Refusal.self) { try ProbeTarget(parsing: text) }
        #expect(refusal?.reason.contains(part) == true, "\(refusal?.reason ?? "")")
    }

    @Test("an address does not end where a string of C does")
    func zero() {
        #expect(throws: ProbeTarget.Refusal.self) { try ProbeTarget(parsing: "http://127.0.0.1\u{0}:80/") }
        #expect(throws: ProbeTarget.Refusal.self) { try ProbeTarget(parsing: "http://:80/\u{0}") }
    }
}
