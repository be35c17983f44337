// SPDX-License-Identifier: Apache-2.0

import OCI
import TestSupport
import Testing

/// The same references to skopeo, whose grammar Docker's, Podman's and CRI-O's is. It reads the destination's name before it looks for the
/// source, which is not there: nothing is asked of any network.
@Suite(.enabled("needs skopeo: run `make setup`") { (try? command(["skopeo", "--version"]))?.code == 0 }) struct ReferencePeerTests {
    @Test(
        "skopeo takes and refuses the same references, but for what is known",
        arguments: ReferenceTests.accepted.map(\.text) + ReferenceTests.refused)
    func judged(_ text: String) throws {
        // No argument of a program can hold one.
        if text.utf8.contains(0) { return }
        let outcome = try command(["skopeo", "copy", "dir:/nonexistent", "docker://\(text)"])
        #expect(outcome.code != 0)
        let refusal = outcome.errors.contains("Invalid destination name")
        #expect(refusal || outcome.errors.contains("no such file"), "\(outcome)")
        if let reason = Self.known[text] { return #expect(refusal != Self.isRefused(text), "a difference no more: \(reason)") }
        if refusal, outcome.errors.contains("both a tag and digest") { return #expect(!Self.isRefused(text)) }
        #expect(refusal == Self.isRefused(text), "\(outcome.errors)")
    }

    private static func isRefused(_ text: String) -> Bool { (try? ImageReference(parsing: text)) == nil }

    /// Where this project decides otherwise, and why.
    private static let known = [
        "Uppercase/app": "skopeo 1.9 knows no host by its capitals yet; distribution/reference does",
        "[::1]/app": "skopeo 1.9 knows no IPv6", "[::1]:5000/app:t": "IPv6", "[FE80::ABCD]:1/a/b": "IPv6",
        "[2001:db8:1:2:3:4:5:6]/app@\(sha256)": "IPv6",
        "exa_mple.org/a": "no host has an underscore; skopeo reads it as a path, and asks that host all the same",
        "host:65536/a": "no port", "host:123456/a": "no port",
    ]
}
