// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

extension ShimServer {
    /// Gives the streams to a client. It has them until its connection closes.
    func attach(_ client: ShimClient, stdin wantsStdin: Bool) {
        // One that has gone may have been heard of in this same round.
        if let attached, attached.isClosed { detach() }
        guard attached == nil else {
            return client.tell(.refused(attached === client ? "this connection is attached already" : "another client is attached"))
        }
        do throws(KernelError) {
            var offer = StreamOffer()
            if configuration.tty {
                try offerTerminal(&offer)
            } else {
                if wantsStdin { try offerStdin(&offer) }
                for output in outputs { try offerOutput(output, &offer) }
            }
            client.tell(.attached(streams: offer.streams), with: offer.descriptors)
        } catch {
            return client.tell(.refused("the streams could not be made: \(error)"))
        }
        if client.isClosed { return releaseFeeds() }
        attached = client
        // Of a container that has a client from the start on, the client's is the only hold on stdin: whatever ends it, the container
        // sees the end of its input. One that was started detached keeps its stdin for the next client, until one says `closeStdin`.
        if wantsStdin && configuration.expectsAttach { stdin = nil }
        stopAwaitingClient()
    }

    /// The client has gone: its streams are the shim's again.
    func detach() {
        attached = nil
        releaseFeeds()
    }

    private func releaseFeeds() {
        terminalInput = nil
        for output in outputs { output.feed = nil }
    }

    private func offerStdin(_ offer: inout StreamOffer) throws(KernelError) {
        guard let copy = try stdinForClient() else { return }
        offer.add(.stdin, copy)
    }

    private func stdinForClient() throws(KernelError) -> OwnedFD? {
        switch stdin {
        case .some(let end): try end.reopenPipe(forWriting: true)
        case .none: nil
        }
    }

    private func offerOutput(_ output: ContainerOutput, _ offer: inout StreamOffer) throws(KernelError) {
        guard isRelayed else {
            if let copy = try output.lend() { offer.add(output.stream, copy) }
            return
        }
        var pipe = try Pipe()
        offer.add(output.stream, pipe.takeReader())
        let writer = pipe.takeWriter()
        try writer.setNonblocking()
        // Of one that has ended the client sees the end: the writer is closed here.
        if !output.isEnded { output.feed = ClientFeed(writer) }
    }

    private func offerTerminal(_ offer: inout StreamOffer) throws(KernelError) {
        guard let terminal, let raw = terminal.descriptor else { return }
        var pair = try UnixSocket.Pair(.stream)
        offer.add(.terminal, pair.takeSecond())
        let near = pair.takeFirst()
        try near.setNonblocking()
        if terminal.isEnded { return }
        terminalInput = TerminalInput(from: try near.duplicate(), to: raw)
        terminal.feed = ClientFeed(near)
    }
}

/// What goes along with `attached`: the descriptors are closed here once they are sent.
struct StreamOffer: ~Copyable {
    private(set) var streams: [ShimStream] = []
    private(set) var descriptors: [CInt] = []

    mutating func add(_ stream: ShimStream, _ descriptor: consuming OwnedFD) {
        streams.append(stream)
        descriptors.append(descriptor.release())
    }

    deinit { for descriptor in descriptors { _ = close(descriptor) } }
}
