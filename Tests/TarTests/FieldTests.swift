// SPDX-License-Identifier: Apache-2.0

import Tar
import Testing

@Suite struct FieldTests {
    private func entry(_ records: [UInt8]) throws -> TarEntry {
        try #require(try read(paxHeader(records) + rawHeader("name") + TarWriter.end).first?.entry)
    }

    @Test(
        "pax times have fractions and signs",
        arguments: [
            ("1.5", 1, 500_000_000), ("-1.5", -2, 500_000_000), ("-1", -1, 0), ("0", 0, 0),
            ("1700000000.123456789123", 1_700_000_000, 123_456_789),
            ("9223372036854775807", .max, 0), ("5.", 5, 0),
        ] as [(String, Int64, Int64)])
    func times(text: String, seconds: Int64, nanoseconds: Int64) throws {
        let entry = try entry(record("mtime", text))
        #expect(entry.modifiedSeconds == seconds)
        #expect(entry.modifiedNanoseconds == nanoseconds)
    }

    @Test(
        "owners up to 2^64-1 are read exactly: who may have which is another's rule",
        arguments: [
            0, 65_534, 1 << 31, (1 << 32) - 2, (1 << 32) - 1, 1 << 32, 1 << 63, .max,
        ] as [UInt64])
    func owners(number: UInt64) throws {
        let entry = try entry(record("uid", "\(number)") + record("gid", "\(number)"))
        #expect(entry.uid == number)
        #expect(entry.gid == number)
    }

    @Test(
        "numbers that are none are refused, and never 0",
        arguments: [
            ("uid", "-1"), ("uid", "0x0"), ("uid", " 0"), ("uid", "18446744073709551616"), ("size", "-1"), ("size", "9223372036854775807"),
            ("size", "1e3"),
            ("gid", "1.5"), ("mtime", "tomorrow"), ("mtime", "1.x"), ("mtime", "99999999999999999999"), ("GNU.sparse.major", "one"),
        ])
    func badNumbers(key: String, value: String) throws {
        #expect(throws: TarError.self) { try entry(record(key, value)) }
    }

    @Test("a record without a value changes nothing")
    func emptyValues() throws {
        let entry = try entry(record("path", "") + record("uid", "") + record("mtime", "") + record("size", ""))
        #expect(entry.path == Array("name".utf8))
    }

    @Test(
        "malformed records are refused",
        arguments: [
            "5 a=b\n", "7 a=b\n", "3 \n", "6 ab\n\n", "x a=b\n", "99999999999999999999999 a=b\n", "6 a=bc", "0 a=b\n", "-6 a=b\n", "6",
            "6 ", "\n", "  ", "4 =\n\n",
        ])
    func badRecords(text: String) throws {
        #expect(throws: TarError.self) { try entry(Array(text.utf8)) }
    }

    @Test("a NUL in a name is refused: the kernel would see another name", arguments: ["path", "linkpath", "GNU.sparse.name"])
    func nulInName(key: String) throws {
        #expect(throws: TarError.self) { try entry(record(key, "a\0b")) }
    }

    @Test("attributes come in both spellings; of a key that comes twice the last one counts")
    func attributes() throws {
        let entry = try entry(
            record("SCHILY.xattr.user.a", "one") + record("LIBARCHIVE.xattr.user.b%3d", "dHdv") + record("SCHILY.xattr.user.a", "three")
                + record("LIBARCHIVE.xattr.user.a", "Zm91cg=="))
        #expect(
            entry.attributes == [
                TarEntry.Attribute(key: Array("user.b=".utf8), value: Array("two".utf8)),
                TarEntry.Attribute(key: Array("user.a".utf8), value: Array("three".utf8)),
            ])
    }

    @Test("attributes that are malformed or too many are refused")
    func badAttributes() throws {
        #expect(throws: TarError.self) { try entry(record("LIBARCHIVE.xattr.user.a", "!")) }
        #expect(throws: TarError.self) { try entry(record("LIBARCHIVE.xattr.user.%zz", "AA==")) }
        #expect(throws: TarError.self) { try entry(record("SCHILY.xattr.", "a")) }
        #expect(throws: TarError.self) { try entry((0..<1001).flatMap { record("SCHILY.xattr.user.\($0)", "a") }) }
    }

    @Test("base 256 numbers are read, and refused where they don't fit")
    func base256() throws {
        func uid(_ bytes: [UInt8]) throws -> UInt64? { try read(rawHeader("a", changes: [108: bytes]) + TarWriter.end).first?.entry.uid }
        #expect(try uid([0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFE]) == 4_294_967_294)
        #expect(try uid([0x80, 0, 0, 1, 0, 0, 0, 0]) == 1 << 32)
        #expect(throws: TarError.self) { try uid([UInt8](repeating: 0xFF, count: 8)) }
        let early = try read(rawHeader("a", changes: [136: [UInt8](repeating: 0xFF, count: 12)]) + TarWriter.end).first?.entry
        #expect(early?.modifiedSeconds == -1)
        #expect(throws: TarError.self) { try read(rawHeader("a", changes: [124: [0x80, 0x7F] + [UInt8](repeating: 0xFF, count: 10)])) }
    }

    @Test("sizes near 2^63 are refused before anything is made of them")
    func hugeSizes() throws {
        #expect(throws: TarError.self) {
            try read(rawHeader("a", changes: [124: [0x80, 0, 0, 0, 0x7F] + [UInt8](repeating: 0xFF, count: 7)]))
        }
        #expect(throws: TarError.self) { try entry(record("size", "18446744073709551615")) }
    }

    @Test("an extension header that is too large is refused before it is read")
    func hugeExtension() throws {
        #expect(throws: TarError.extensionTooLarge(bytes: 8 << 20, limit: 1 << 20, offset: 0)) {
            try read(rawHeader("x", type: "x", size: "00040000000"))
        }
        #expect(throws: TarError.extensionTooLarge(bytes: 8 << 20, limit: 1 << 20, offset: 0)) {
            try read(rawHeader("L", type: "L", size: "00040000000"))
        }
    }

    @Test("a checksum that is wrong is told; one over signed bytes is right")
    func checksums() throws {
        var wrong = rawHeader("a")
        wrong[0] ^= 1
        #expect(throws: TarError.badChecksum(offset: 0)) { try read(wrong) }
        var signed = rawHeader("a\u{e9}")
        signed.replaceSubrange(148..<156, with: Array("        ".utf8))
        let sum = String(signed.reduce(0) { $0 + Int(Int8(bitPattern: $1)) }, radix: 8)
        signed.replaceSubrange(148..<156, with: Array(String(repeating: "0", count: 6 - sum.count).utf8) + Array(sum.utf8) + [0, 0x20])
        #expect(try read(signed + TarWriter.end).count == 1)
    }
}
