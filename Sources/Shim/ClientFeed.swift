// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import SystemPackage

/// What one client still has to be given of one stream: a pipe that is never waited for, and what did not fit into it.
struct ClientFeed: ~Copyable {
    /// From here on the container's stream is not read until the client has caught up.
    static let enough = 1 << 20

    private let pipe: OwnedFD
    private var backlog: [UInt8] = []
    private(set) var isGone = false

    init(_ pipe: consuming OwnedFD) { self.pipe = pipe }

    var descriptor: CInt { pipe.raw }
    var isBehind: Bool { !isGone && !backlog.isEmpty }
    var isFull: Bool { !isGone && backlog.count >= Self.enough }

    mutating func give(_ bytes: ArraySlice<UInt8>) {
        guard !isGone else { return }
        if backlog.isEmpty {
            let written = put(bytes)
            backlog.append(contentsOf: bytes.dropFirst(written))
        } else {
            backlog.append(contentsOf: bytes)
        }
    }

    /// The pipe has room again.
    mutating func continueGiving() {
        let written = put(backlog[...])
        backlog.removeFirst(written)
    }

    private mutating func put(_ bytes: ArraySlice<UInt8>) -> Int {
        var done = 0
        while done < bytes.count {
            let rest = bytes.dropFirst(done)
            let count = rest.withUnsafeBytes { write(pipe.raw, $0.baseAddress, $0.count) }
            if count > 0 {
                done += count
                continue
            }
            let errno = lastErrno()
            if errno == .interrupted { continue }
            if errno != .resourceTemporarilyUnavailable {
                // EPIPE: the client closed this stream. It has lost interest, the container has not.
                isGone = true
                backlog = []
                return bytes.count
            }
            break
        }
        return done
    }
}
