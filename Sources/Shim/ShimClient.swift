// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import ShimProtocol

/// One connection to the shim: the engine's, or a client's. A class, because a list of what can't be copied can't be walked and changed.
final class ShimClient {
    let connection: ShimConnection
    /// It holds the container's own descriptors: the shim does not touch these streams meanwhile.
    var holdsStreams = false
    /// In logged mode what it still has to get, by stream.
    var output: FeedBox?
    var errors: FeedBox?
    var isClosed = false
    var wasToldExit = false

    init(_ connection: consuming ShimConnection) { self.connection = connection }

    var isAttached: Bool { holdsStreams || output != nil }
    var isFull: Bool { output?.feed.isFull == true || errors?.feed.isFull == true }
    var isBehind: Bool { output?.feed.isBehind == true || errors?.feed.isBehind == true }

    /// One that does not read its messages is closed: the shim waits for nobody.
    func tell(_ message: ShimMessage, descriptors: [CInt] = []) {
        guard !isClosed else { return }
        do throws(KernelError) { try connection.send(message, with: descriptors, waiting: false) } catch { isClosed = true }
    }

    final class FeedBox {
        var feed: ClientFeed
        init(_ feed: consuming ClientFeed) { self.feed = feed }
    }
}
