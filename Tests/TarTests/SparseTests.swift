// SPDX-License-Identifier: Apache-2.0

import Foundation
import Tar
import Testing

@Suite struct SparseTests {
    @Test("GNU tar's sparse files come out whole", arguments: ["gnu", "pax 0.0", "pax 0.1", "pax 1.0"])
    func gnuTar(form: String) throws {
        let words = form.split(separator: " ")
        let options = words[0] == "gnu" ? ["--format=gnu"] : ["--format=pax", "--sparse-version=\(words[1])"]
        try withDirectory { directory in
            // More parts than the first header holds, data at the end, a hole at the end, and nothing but a hole.
            let script = """
                parts = lambda name, places, size: (lambda f: ([(f.seek(p), f.write(b'part %d' % p)) for p in places], f.truncate(size)))(open(name, 'wb'))
                parts('many', [65536 * i for i in range(40)], 65536 * 40)
                parts('tail', [200000], 200006 + 6)
                parts('hole', [0], 1000000)
                parts('none', [], 300000)
                open('plain', 'w').write('plain')
                """
            _ = try run(["python3", "-c", script], in: directory)
            let names = ["many", "tail", "hole", "none", "plain"]
            let bytes = try run(["tar", "-c", "--sparse"] + options + names, in: directory)
            for piece in [700, Int.max] {
                let members = try read(bytes, piece: piece)
                #expect(members.map { String(decoding: $0.entry.path, as: UTF8.self) } == names)
                for (name, member) in zip(names, members) {
                    let original = [UInt8](try Data(contentsOf: directory.appending(path: name)))
                    #expect(member.content == original, "\(name)")
                    #expect(member.entry.size == UInt64(original.count))
                }
                #expect(members.dropLast().allSatisfy { $0.entry.sparse != nil })
            }
        }
    }

    @Test("a map without parts is a file that is nothing but a hole") func emptyMap() throws {
        let members = try sparse(record("GNU.sparse.map", "") + record("GNU.sparse.size", "5000"), stored: "", size: "00000000000")
        #expect(members.map(\.content) == [[UInt8](repeating: 0, count: 5000)])
        #expect(members.first?.entry.sparse == [])
    }

    private func sparse(_ records: [UInt8], stored: String, size: String) throws -> [Member] {
        try read(
            paxHeader(records) + rawHeader("s", size: size) + Array(stored.utf8) + TarWriter.padding(after: UInt64(stored.utf8.count))
                + TarWriter.end)
    }

    @Test("a hole of 2^40 bytes needs neither memory nor time")
    func hugeHole() throws {
        let records = record("GNU.sparse.map", "1099511627776,3") + record("GNU.sparse.size", "1099511627779")
        let entry = try #require(try sparse(records, stored: "abc", size: "00000000003").first?.entry)
        #expect(entry.size == 1_099_511_627_779)
        #expect(entry.sparse == [TarEntry.Extent(offset: 1 << 40, length: 3)])
    }

    @Test(
        "maps that lie are refused",
        arguments: [
            "0,3,1,3", "5,3,0,3", "0,3", "0,6,18446744073709551615,2", "0,3,8,4", "0", "0,x", ",", "18446744073709551615,6",
            "0,18446744073709551615,0,6",
        ])
    func lyingMaps(map: String) throws {
        #expect(throws: TarError.self) {
            try sparse(record("GNU.sparse.map", map) + record("GNU.sparse.size", "10"), stored: "abcdef", size: "00000000006")
        }
    }

    @Test(
        "stored maps that lie are refused",
        arguments: ["9999999999\n", "1\n0\n", "x\n", "2\n0\n1\n0\n1\n", "99999999999999999999999\n", ""])
    func lyingStoredMaps(map: String) throws {
        let records = record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.realsize", "10")
        let stored = map + String(repeating: "\0", count: 512 - map.utf8.count)
        #expect(throws: TarError.self) { try sparse(records, stored: stored, size: "00000001000") }
    }

    @Test("an old GNU map of endless continuations ends at the limit")
    func endlessOldMap() throws {
        var first = [UInt8](repeating: 0, count: 512)
        first[504] = 1
        var bytes = rawHeader(
            "s", type: "S", size: "00000000000", changes: [257: Array("ustar  \0".utf8), 482: [1], 483: Array("00000000000".utf8)])
        for block in 0..<13_000 {
            for slot in 0..<21 {
                let text = String(block * 21 + slot, radix: 8)
                first.replaceSubrange(
                    slot * 24..<slot * 24 + 24, with: Array((String(repeating: "0", count: 11 - text.count) + text + " 00000000000 ").utf8))
            }
            bytes += first
        }
        #expect(throws: TarError.self) { try read(bytes) }
    }
}
