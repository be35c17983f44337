// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import SystemPackage

/// One of our own outputs, written without ever waiting for its reader: what is not taken yet is kept, and nothing more is fetched
/// until it is. So a pager that stands still does not keep signals from the container.
///
/// A class, because it owns a descriptor and stands in lists. One thread has it.
final class OutputSink {
    /// Where it is written; our own open file description where there can be one, so that nobody else's flags are changed.
    let descriptor: CInt
    private let own: OwnedFD?
    /// What one write may hold and still not wait after poll(2) has said "writable".
    private let piece: Int
    private var pending: ArraySlice<UInt8> = []

    /// - Parameter raw: 1 or 2.
    init(_ raw: CInt) {
        var status = stat()
        let kind = fstat(raw, &status) == 0 ? status.st_mode & S_IFMT : 0
        if kind == S_IFIFO, let pipe = try? openFile(FilePath("/proc/self/fd/\(raw)"), O_WRONLY | O_NONBLOCK) {
            descriptor = pipe.raw
            own = consume pipe
            piece = .max
        } else {
            descriptor = raw
            own = nil
            // A file never makes poll(2) wait. For the rest POSIX promises PIPE_BUF.
            piece = kind == S_IFREG ? .max : 4096
        }
    }

    var isBehind: Bool { !pending.isEmpty }

    /// - Returns: false where nobody reads any more, or it can't be written.
    func give(_ bytes: ArraySlice<UInt8>) -> Bool {
        pending = bytes
        return piece == .max ? continueGiving() : true
    }

    /// To be called when poll(2) says "writable".
    func continueGiving() -> Bool {
        while !pending.isEmpty {
            let count = pending.prefix(piece).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                pending = pending.dropFirst(count)
                if piece != .max { return true }
                continue
            }
            switch lastErrno() {
            case .interrupted: continue
            case .resourceTemporarilyUnavailable, .wouldBlock: return true
            default:
                pending = []
                return false
            }
        }
        return true
    }
}
