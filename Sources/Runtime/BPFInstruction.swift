// SPDX-License-Identifier: Apache-2.0

/// One instruction of classic BPF, as seccomp(2) takes it. Source: <linux/filter.h>, <linux/bpf_common.h>.
struct BPFInstruction: Sendable, Hashable {
    var code: UInt16
    var then: UInt8 = 0
    var otherwise: UInt8 = 0
    var value: UInt32

    /// BPF_LD | BPF_W | BPF_ABS: a word of `struct seccomp_data` into the accumulator.
    static let load: UInt16 = 0x20
    /// BPF_RET | BPF_K.
    static let `return`: UInt16 = 0x06
    /// BPF_JMP | BPF_JA.
    static let jump: UInt16 = 0x05

    enum Comparison: UInt16 {
        case equal = 0x15
        case above = 0x25
        case notBelow = 0x35

        func holds(_ accumulator: UInt32, _ value: UInt32) -> Bool {
            switch self {
            case .equal: accumulator == value
            case .above: accumulator > value
            case .notBelow: accumulator >= value
            }
        }
    }

    static func load(_ offset: UInt32) -> Self { Self(code: load, value: offset) }
    static func `return`(_ action: UInt32) -> Self { Self(code: `return`, value: action) }
    static func jump(by distance: Int) -> Self { Self(code: jump, value: UInt32(distance)) }
    static func jump(_ comparison: Comparison, _ value: UInt32, then: UInt8, else otherwise: UInt8) -> Self {
        Self(code: comparison.rawValue, then: then, otherwise: otherwise, value: value)
    }

    var comparison: Comparison? { Comparison(rawValue: code) }
    /// BPF_JMP with two ways on, whatever it compares.
    var isBranch: Bool { code & 0x07 == 0x05 && code != Self.jump }
    /// BPF_RET, whatever it returns.
    var isReturn: Bool { code & 0x07 == 0x06 }

    /// As `struct sock_filter` lies in memory.
    var bytes: [UInt8] {
        [UInt8(code & 0xFF), UInt8(code >> 8), then, otherwise] + (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// - Parameter bytes: whole instructions.
    static func program(_ bytes: [UInt8]) -> [BPFInstruction] {
        stride(from: 0, to: bytes.count - 7, by: 8).map { at in
            let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + 4 + $1]) << (8 * UInt32($1)) }
            return BPFInstruction(
                code: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8, then: bytes[at + 2], otherwise: bytes[at + 3], value: value)
        }
    }
}
