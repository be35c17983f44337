// SPDX-License-Identifier: Apache-2.0

internal import CISAL

/// CRC-64/XZ of a file's content, in pieces: what a layer's listing records, and what `fsck --full` compares.
///
/// Why no SHA-256: the listing is to find what a disk, a cable or a careless hand changed, and 64 bits do that (every burst of up to 64 bits
/// for certain, anything else but for one in 2^64). Who can write to the store as root writes the listing, too. Measured here, for the 462 MB
/// of an image that unpacks in 4.4 s of CPU: SHA-256 (with the processor's instructions) 0.25 s at 1.8 GB/s, ISA-L's CRC-64 0.01 s at 45 GB/s;
/// without such instructions SHA-256 takes four times as long. That the bytes are the right ones is known from the diff ID, a SHA-256.
package struct Checksum64: Sendable, Hashable {
    package private(set) var value: UInt64 = 0

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        value = crc64_ecma_refl(value, base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
    }

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// As if so many zero bytes came: a hole of a terabyte takes no longer than one of a byte.
    package mutating func update(zeros count: UInt64) {
        guard count > 0 else { return }
        // x^(8 * count), by squaring; in the reflected form 1 << 63 is x^0.
        var power: UInt64 = 1 << 63
        var square: UInt64 = 1 << 55
        var left = count
        while left > 0 {
            if left & 1 == 1 { power = Self.product(power, square) }
            square = Self.product(square, square)
            left >>= 1
        }
        value = ~Self.product(power, ~value)
    }

    /// Of two polynomials over GF(2), modulo ECMA-182's.
    private static func product(_ first: UInt64, _ second: UInt64) -> UInt64 {
        var sum: UInt64 = 0
        var shifted = second
        var bit: UInt64 = 1 << 63
        while bit != 0 {
            if first & bit != 0 { sum ^= shifted }
            shifted = shifted & 1 == 1 ? shifted >> 1 ^ 0xC96C_5795_D787_0F42 : shifted >> 1
            bit >>= 1
        }
        return sum
    }
}

extension Checksum64 {
    /// Of extended attributes, in the order of their keys; 0 for none.
    package static func of(attributes: [(key: [UInt8], value: [UInt8])]) -> UInt64 {
        var sum = Checksum64()
        var isEmpty = true
        for (key, value) in attributes.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) where !isKernels(key) {
            isEmpty = false
            sum.update(key + [0])
            sum.update((0..<8).map { UInt8(truncatingIfNeeded: value.count >> (8 * $0)) })
            sum.update(value)
        }
        return isEmpty ? 0 : max(1, sum.value)
    }

    /// Labels that a security module gives by itself, and changes by its policy.
    private static func isKernels(_ key: [UInt8]) -> Bool {
        ["security.selinux", "security.ima", "security.evm", "security.SMACK64"].contains { key.elementsEqual($0.utf8) }
    }
}
