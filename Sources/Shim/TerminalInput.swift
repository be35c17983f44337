// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import SystemPackage

/// What a client types, on its way to the container's terminal. At most one chunk is held: a container that does not read stops its
/// client, not the shim.
final class TerminalInput {
    private let source: OwnedFD
    private let terminal: CInt
    private var chunk = [UInt8](repeating: 0, count: 4096)
    private var pending = 0..<0
    private(set) var isEnded = false

    /// - Parameters:
    ///   - source: doesn't block.
    ///   - terminal: its main end, which outlives this value; doesn't block.
    init(from source: consuming OwnedFD, to terminal: CInt) {
        self.source = source
        self.terminal = terminal
    }

    var descriptor: CInt { source.raw }
    var wantsToRead: Bool { pending.isEmpty && !isEnded }
    var wantsToWrite: Bool { !pending.isEmpty }

    func read() {
        let raw = source.raw
        var span = chunk.mutableSpan
        do throws(KernelError) {
            let count = try span.withUnsafeMutableBytes { buffer throws(KernelError) in
                try readSome(raw, into: buffer, object: "a client's terminal")
            }
            guard let count else { return }
            if count == 0 { isEnded = true }
            pending = 0..<count
        } catch {
            isEnded = true
        }
        write()
    }

    func write() {
        let terminal = terminal
        do throws(KernelError) {
            while !pending.isEmpty {
                let rest = chunk[pending]
                let count = try rest.span.withUnsafeBytes { bytes throws(KernelError) in
                    try writeSome(terminal, bytes, object: "the terminal")
                }
                if count == 0 { return }
                pending = (pending.lowerBound + count)..<pending.upperBound
            }
        } catch {
            // EIO: nobody has the terminal open, so nobody can be meant.
            pending = 0..<0
        }
    }
}
