// SPDX-License-Identifier: Apache-2.0

import Tar
import Testing

@Suite struct MutationTests {
    @Test("no change of any bytes traps or runs on; checksums are made right, so that the fields are reached", arguments: 0..<8)
    func mutations(seed: UInt64) throws {
        var random = Seeded(seed)
        let sparse = record("GNU.sparse.map", "0,3,600,3") + record("GNU.sparse.size", "1000") + record("SCHILY.xattr.user.a", "b")
        let seeds = [
            try archive([file("a", "abc"), file("n" + String(repeating: "x", count: 200), String(repeating: "y", count: 700))]),
            paxHeader(sparse) + rawHeader("s", size: "00000000006") + Array("abcdef".utf8) + TarWriter.padding(after: 6) + TarWriter.end,
            paxHeader(record("GNU.sparse.major", "1") + record("GNU.sparse.realsize", "9")) + rawHeader("s", size: "00000001003")
                + Array("1\n0\n3\n".utf8) + [UInt8](repeating: 0, count: 506) + Array("abc".utf8) + TarWriter.padding(after: 3)
                + TarWriter.end,
            rawHeader(
                "old", type: "S", size: "00000000003",
                changes: [
                    257: Array("ustar  \0".utf8), 386: Array("00000000000 00000000003 ".utf8), 483: Array("00000000010 ".utf8),
                ]) + Array("abc".utf8) + TarWriter.padding(after: 3) + TarWriter.end,
        ]
        for round in 0..<4000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] =
                    Bool.random(using: &random)
                    ? UInt8.random(in: 0...255, using: &random) : [0, 0x30, 0x37, 0x39, 0x80, 0xFF][Int.random(in: 0..<6, using: &random)]
            }
            if Int.random(in: 0..<4, using: &random) == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            for block in stride(from: 0, to: bytes.count - 511, by: 512) where bytes[block + 257] == 0x75 { repairChecksum(&bytes, block) }
            _ = try? read(bytes, limit: 1 << 20)
        }
    }

    private func repairChecksum(_ bytes: inout [UInt8], _ block: Int) {
        for index in 148..<156 { bytes[block + index] = 0x20 }
        let text = String(bytes[block..<block + 512].reduce(0) { $0 + Int($1) }, radix: 8)
        bytes.replaceSubrange(
            block + 148..<block + 156, with: Array(String(repeating: "0", count: 6 - text.count).utf8) + Array(text.utf8) + [0, 0x20])
    }
}
