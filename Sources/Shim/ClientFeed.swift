// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import SystemPackage

/// What one client still has to be given of one stream: a pipe or socket that is never waited for, and what did not fit into it.
final class ClientFeed {
    /// From here on the container's stream is not read until the client has caught up.
    static let limit = 1 << 20

    private let end: OwnedFD
    private var backlog: [UInt8] = []
    /// Where the backlog begins: taken bytes are removed seldom.
    private var given = 0
    private(set) var isGone = false
    /// When the client last took something.
    private(set) var lastTaken = Moment.now

    /// - Parameter end: doesn't block.
    init(_ end: consuming OwnedFD) { self.end = end }

    var descriptor: CInt { end.raw }
    var isBehind: Bool { given < backlog.count }
    var isFull: Bool { backlog.count - given >= Self.limit }

    func give(_ bytes: ArraySlice<UInt8>) {
        guard !isGone else { return }
        let taken = isBehind ? 0 : put(bytes)
        if !isGone, taken < bytes.count { backlog.append(contentsOf: bytes.dropFirst(taken)) }
    }

    /// There is room again.
    func continueGiving() {
        given += put(backlog[given...])
        if given >= backlog.count {
            backlog.removeAll(keepingCapacity: false)
            given = 0
        } else if given > Self.limit / 2 {
            backlog.removeFirst(given)
            given = 0
        }
    }

    /// Closing a socket that holds unread input would reset the client's end before it has read everything.
    func finish() {
        var rest = [UInt8](repeating: 0, count: 4096)
        while recv(end.raw, &rest, rest.count, CInt(MSG_DONTWAIT)) > 0 {}
    }

    private func put(_ bytes: ArraySlice<UInt8>) -> Int {
        let raw = end.raw
        var done = 0
        while done < bytes.count {
            do throws(KernelError) {
                let rest = bytes.dropFirst(done)
                let count = try rest.span.withUnsafeBytes { rest throws(KernelError) in try writeSome(raw, rest, object: "a client") }
                if count == 0 { break }
                done += count
                lastTaken = .now
            } catch {
                // EPIPE: the client closed this stream. It has lost interest, the container has not.
                isGone = true
                backlog = []
                given = 0
                return 0
            }
        }
        return done
    }
}
