// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

private let hex64 = String(repeating: "0123456789abcdef", count: 4)
private let hex128 = "\(hex64)\(hex64)"

/// Source: image-spec descriptor.md, "Digests".
@Suite struct DigestTests {
    @Test("whole digests of sha256 and sha512 are taken, and written as they came", arguments: ["sha256:\(hex64)", "sha512:\(hex128)"])
    func accepts(_ text: String) throws {
        let digest = try #require(Digest(text))
        #expect(digest.description == text)
        #expect(digest.algorithm.rawValue == text.prefix(6))
        #expect(digest.hex == text.dropFirst(7))
        #expect(digest.short() == "0123456789ab")
    }

    private static let refused: [String] = [
        "", ":", "sha256", "sha256:", hex64, ":\(hex64)", "sha256\(hex64)", "sha256::\(hex64)", "sha256:\(hex64.dropLast())",
        "sha256:\(hex64)0",
        "sha256:\(hex64.uppercased())", "SHA256:\(hex64)", "Sha256:\(hex64)", "sha256:\(hex128)", "sha512:\(hex64)",
        "sha512:\(hex128.dropLast())", "sha512:\(hex128)0", "sha384:\(hex64)\(hex64.prefix(32))",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha256+b64:\(hex64)", "sha256:\(hex64.dropLast())g",
        "sha256:\(hex64.dropLast())\n", "sha256:\(hex64)\n", "\nsha256:\(hex64)", " sha256:\(hex64)", "sha256:\(hex64) ",
        "sha256:\(hex64.dropLast())\u{0}", "sha256: \(hex64.dropFirst())", "sha256:-\(hex64.dropFirst())",
        "sha256:../../../../../../../../../../../../../../../../../../../etc/pass", "../sha256:\(hex64)", "sha256:0x\(hex64.dropFirst(2))",
        // 64 characters that Unicode calls digits, and 64 bytes that aren't 64 characters.
        "sha256:\(String(repeating: "\u{ff11}", count: 64))", "sha256:\(String(repeating: "\u{e9}", count: 32))",
    ]

    @Test("anything else is no digest, from text or from a document", arguments: refused) func refuses(_ text: String) throws {
        #expect(Digest(text) == nil)
        let document = try JSON.encode([text])
        let error = #expect(throws: JSONError.self) { try JSON.decode([Digest].self, from: document) }
        #expect(error?.place == "[0]")
        #expect(error?.reason.contains("is not a digest") == true)
    }

    @Test("a digest made of bytes is the one that parses from its text") func fromBytes() {
        let bytes = (0..<32).map { UInt8($0 * 8) }
        let digest = Digest(sha256: bytes)
        #expect(digest.description == "sha256:0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8")
        #expect(Digest(digest.description) == digest)
    }

    @Test("digests sort as their text, and the same hash of another algorithm is another digest") func order() throws {
        let low = try #require(Digest("sha256:\(hex64)"))
        let high = try #require(Digest("sha256:f\(hex64.dropFirst())"))
        let other = try #require(Digest("sha512:\(hex128)"))
        #expect([other, high, low].sorted() == [low, high, other])
        #expect(Set([low, high, other, low]).count == 3)
    }

    @Test("a chain is the hash of chain, space and diff ID, from the second layer on") func chain() throws {
        let diffIDs = try ["a", "b", "c"].map { DiffID(try #require(Digest("sha256:" + String(repeating: $0, count: 64)))) }
        /// Not a hash: the text's length and last digit are enough to see what was asked for.
        var asked: [String] = []
        let chain = ChainID.of(diffIDs) { text in
            asked.append(String(decoding: text, as: UTF8.self))
            return [UInt8](repeating: UInt8(asked.count), count: 32)
        }
        let first = "sha256:\(String(repeating: "01", count: 32))"
        #expect(asked == ["\(diffIDs[0]) \(diffIDs[1])", "\(first) \(diffIDs[2])"])
        #expect(chain?.description == "sha256:\(String(repeating: "02", count: 32))")
        #expect(ChainID.of([diffIDs[0]]) { _ in [] }?.digest == diffIDs[0].digest)
        #expect(ChainID.of([]) { _ in [] } == nil)
    }
}
