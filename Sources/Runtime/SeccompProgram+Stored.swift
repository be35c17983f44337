// SPDX-License-Identifier: Apache-2.0

extension SeccompProgram {
    /// The form in which a container's filter is kept for the processes that come after its first one: the flags in eight bytes, least
    /// significant first, then the instructions.
    package var stored: [UInt8] { (0..<8).map { $0 < 4 ? UInt8(truncatingIfNeeded: flags >> (8 * $0)) : 0 } + instructions }

    /// - Throws: `LaunchError` for what is no filter.
    package init(stored bytes: [UInt8]) throws(LaunchError) {
        try self.init(instructions: Array(bytes.dropFirst(8)))
        flags = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
