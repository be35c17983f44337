// SPDX-License-Identifier: Apache-2.0

import Layers
import Testing

@Suite struct ChecksumTests {
    @Test("the checksum is CRC-64/XZ") func isKnown() {
        var sum = Checksum64()
        sum.update(Array("123456789".utf8))
        // Source: the catalogue of CRC algorithms, "CRC-64/XZ", check.
        #expect(sum.value == 0x995D_C9BB_DF19_39FA)
    }

    @Test("zeros that are counted are zeros that are read", arguments: [0, 1, 7, 8, 255, 4096, 1_000_003])
    func zeros(count: Int) {
        var read = Checksum64()
        read.update(Array("before".utf8) + [UInt8](repeating: 0, count: count) + Array("behind".utf8))
        var counted = Checksum64()
        counted.update(Array("before".utf8))
        counted.update(zeros: UInt64(count))
        counted.update(Array("behind".utf8))
        #expect(read == counted)
    }

    @Test("attributes are summed whatever their order, without labels that the kernel gives") func attributes() {
        let one = (key: Array("user.one".utf8), value: [UInt8(1)])
        let two = (key: Array("user.two".utf8), value: [UInt8]())
        let label = (key: Array("security.selinux".utf8), value: [UInt8(9)])
        #expect(Checksum64.of(attributes: [one, two]) == Checksum64.of(attributes: [two, label, one]))
        #expect(Checksum64.of(attributes: [label]) == 0)
        #expect(Checksum64.of(attributes: [one]) != Checksum64.of(attributes: [one, two]))
        #expect(Checksum64.of(attributes: [(key: one.key + two.key, value: [])]) != Checksum64.of(attributes: [one, two]))
    }
}
