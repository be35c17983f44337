// SPDX-License-Identifier: Apache-2.0

internal import CISAL

/// gzip by ISA-L: every member's CRC and length are checked; what follows a member must be another one.
final class GzipInflater: Inflater {
    private let state: UnsafeMutablePointer<inflate_state>
    private var isBetweenMembers = false
    private var hasMember = false

    init() {
        state = .allocate(capacity: 1)
        isal_inflate_init(state)
        state.pointee.crc_flag = UInt32(ISAL_GZIP)
    }

    deinit { state.deallocate() }

    var isWhole: Bool { hasMember && isBetweenMembers }

    func step(_ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) throws(CompressionError) -> Int {
        var produced = 0
        while true {
            if isBetweenMembers {
                if input.isEmpty { return produced }
                // Some writers fill up with zeros; a reader that skips them would give several blobs the same content.
                guard input.first == 0x1F else { throw .trailingBytes(.gzip) }
                isal_inflate_reset(state)
                state.pointee.crc_flag = UInt32(ISAL_GZIP)
                isBetweenMembers = false
            }
            produced += try inflate(&input, UnsafeMutableRawBufferPointer(rebasing: output[produced...]))
            guard isBetweenMembers, produced < output.count else { return produced }
        }
    }

    private func inflate(_ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) throws(CompressionError) -> Int {
        let taken = min(input.count, Int(UInt32.max))
        state.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_in = UInt32(taken)
        state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_out = UInt32(clamping: output.count)
        let result = isal_inflate(state)
        guard result >= 0 else { throw .corrupt(.gzip, Self.reason(result)) }
        input = UnsafeRawBufferPointer(rebasing: input[(taken - Int(state.pointee.avail_in))...])
        hasMember = true
        if state.pointee.block_state == ISAL_BLOCK_FINISH { isBetweenMembers = true }
        return output.count - Int(state.pointee.avail_out)
    }

    /// Source: igzip_lib.h, "Inflate return values".
    private static func reason(_ code: Int32) -> String {
        switch code {
        case ISAL_INVALID_BLOCK: "an invalid block"
        case ISAL_INVALID_SYMBOL: "an invalid symbol"
        case ISAL_INVALID_LOOKBACK: "a reference before its start"
        case ISAL_INVALID_WRAPPER: "an invalid header"
        case ISAL_UNSUPPORTED_METHOD: "an unknown method"
        case ISAL_INCORRECT_CHECKSUM: "its checksum is wrong"
        default: "error \(code)"
        }
    }
}
