// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// One stream that the container writes, and the client that is fed with it, if one is.
///
/// A class, because a list of what can't be copied can't be walked. One thread has it.
final class ContainerOutput {
    let stream: ShimStream
    /// Never waits. A client gets an open file description of its own, so that nobody can make this one wait.
    private var source: OwnedFD?
    /// Nothing more comes, or is looked at.
    private(set) var isEnded = false
    /// Logged and terminal streams: where a client's copy goes.
    var feed: ClientFeed?

    init(_ stream: ShimStream, _ source: consuming OwnedFD) throws(KernelError) {
        try source.setNonblocking()
        self.stream = stream
        self.source = consume source
    }

    /// nil once it was closed.
    var descriptor: CInt? {
        switch source {
        case .some(let source): source.raw
        case .none: nil
        }
    }

    /// A client's own open file description of the pipe; nil once it was closed.
    func lend() throws(KernelError) -> OwnedFD? {
        switch source {
        case .some(let source): try source.reopenPipe(forWriting: false)
        case .none: nil
        }
    }

    /// Nobody will read it any more, and the container is told so: SIGPIPE, EPIPE.
    func close() {
        isEnded = true
        source = nil
    }

    enum Taken {
        case bytes(Int)
        /// Nothing now.
        case nothing
        case end
    }

    func read(into buffer: inout [UInt8]) -> Taken {
        guard let raw = descriptor else { return .end }
        var span = buffer.mutableSpan
        do throws(KernelError) {
            let count = try span.withUnsafeMutableBytes { bytes throws(KernelError) in
                try readSome(raw, into: bytes, object: "the container's output")
            }
            guard let count else { return .nothing }
            return count > 0 ? .bytes(count) : .end
        } catch {
            // EIO from a terminal whose last user has closed it; nothing else is expected, and nothing else would get better.
            return .end
        }
    }

    /// The client, if one is fed, gets what is left for it and then sees the end.
    func end() {
        isEnded = true
        releaseFeedIfDone()
    }

    func releaseFeedIfDone() {
        guard let feed, isEnded, !feed.isBehind else { return }
        feed.finish()
        self.feed = nil
    }
}
