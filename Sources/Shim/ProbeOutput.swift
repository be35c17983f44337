// SPDX-License-Identifier: Apache-2.0

internal import ShimProtocol

/// What a probe has said: as much as Docker keeps of it.
struct ProbeOutput: Sendable {
    private var bytes: [UInt8] = []
    private var isCut = false

    mutating func add(_ more: ArraySlice<UInt8>) {
        let room = ShimHealth.outputLimit - bytes.count
        if more.count > room { isCut = true }
        bytes += more.prefix(room)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) + (isCut ? "..." : "") }
}

/// How a probe has come to its end.
struct ProbeAnswer: Sendable, Hashable {
    var exitCode: Int32
    var output: String

    static func failed(_ output: String) -> ProbeAnswer { ProbeAnswer(exitCode: 1, output: output) }
}
