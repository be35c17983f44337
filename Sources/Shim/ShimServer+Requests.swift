// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

extension ShimServer {
    func serveClient(_ client: ShimClient) {
        let request: ShimRequest?
        do throws(KernelError) { request = try client.connection.receiveRequest() } catch {
            client.tell(.refused("\(error)"))
            client.isClosed = true
            return
        }
        switch request {
        case .none: client.isClosed = true
        case .attach(let stdin): attach(client, stdin: stdin)
        case .closeStdin:
            stdin = nil
            client.tell(.done)
        case .resize(let rows, let columns): resize(client, rows, columns)
        case .signal(let number): signal(client, number)
        case .status: client.tell(.status(ShimStatus(shimPID: getpid(), started: started, exit: exit)))
        }
        if let exit, !client.isClosed, !client.wasToldExit {
            client.wasToldExit = true
            client.tell(.exited(exit))
        }
    }

    private func resize(_ client: ShimClient, _ rows: UInt16, _ columns: UInt16) {
        guard let raw = terminalDescriptor else { return client.tell(.refused("the container has no terminal")) }
        do throws(KernelError) {
            try WindowSize(rows: rows, columns: columns).apply(to: raw)
            client.tell(.done)
        } catch {
            client.tell(.refused("\(error)"))
        }
    }

    private var terminalDescriptor: CInt? { configuration.tty ? output.raw : nil }

    /// The number can't be anyone else's: PID 1 is our child and not reaped yet.
    private func signal(_ client: ShimClient, _ number: Int32) {
        guard exit == nil else { return client.tell(.done) }
        client.tell(kill(initProcess.pid, number) == 0 ? .done : .refused("kill(2) signal \(number): \(lastErrno())"))
    }

    private func attach(_ client: ShimClient, stdin wantsStdin: Bool) {
        if client.isAttached { return client.tell(.refused("this connection is attached already")) }
        if !isLogged, clients.contains(where: { $0.holdsStreams }) {
            return client.tell(.refused("another client is attached, and a container without a log has only one"))
        }
        if isLogged { attachToFeed(client, wantsStdin) } else { lendStreams(client, wantsStdin) }
        awaitsClient = false
        deadline = exit == nil ? nil : Self.now() + Self.patience
    }

    /// The container's own descriptors: from now on the shim is not in the way.
    private func lendStreams(_ client: ShimClient, _ wantsStdin: Bool) {
        client.holdsStreams = true
        if configuration.tty {
            guard let raw = output.raw else { return client.tell(.attached(streams: [])) }
            return client.tell(.attached(streams: [.terminal]), descriptors: [raw])
        }
        var streams: [ShimStream] = []
        var descriptors: [CInt] = []
        if wantsStdin, let raw = stdinDescriptor {
            streams.append(.stdin)
            descriptors.append(raw)
        }
        if let raw = output.raw {
            streams.append(.stdout)
            descriptors.append(raw)
        }
        if let raw = errors.raw {
            streams.append(.stderr)
            descriptors.append(raw)
        }
        client.tell(.attached(streams: streams), descriptors: descriptors)
        // The client's is the only one now: when it closes it, the container sees the end of its input.
        if wantsStdin { stdin = nil }
    }

    private var stdinDescriptor: CInt? { stdin != nil ? stdin?.raw : nil }

    private func attachToFeed(_ client: ShimClient, _ wantsStdin: Bool) {
        do throws(KernelError) {
            var outputPipe = try Pipe()
            var errorPipe = try Pipe()
            let (output, errors) = (output.raw, errors.raw)
            let outputReader = outputPipe.takeReader()
            let errorReader = errorPipe.takeReader()
            let outputWriter = outputPipe.takeWriter()
            let errorWriter = errorPipe.takeWriter()
            try outputWriter.setNonblocking()
            try errorWriter.setNonblocking()
            var streams: [ShimStream] = []
            var descriptors: [CInt] = []
            if wantsStdin, let raw = configuration.tty ? output : stdinDescriptor {
                streams.append(.stdin)
                descriptors.append(raw)
            }
            streams.append(.stdout)
            descriptors.append(outputReader.raw)
            if !configuration.tty {
                streams.append(.stderr)
                descriptors.append(errorReader.raw)
            }
            client.tell(.attached(streams: streams), descriptors: descriptors)
            client.output = output == nil ? nil : ShimClient.FeedBox(ClientFeed(outputWriter))
            client.errors = errors == nil ? nil : ShimClient.FeedBox(ClientFeed(errorWriter))
            if wantsStdin, !configuration.tty { stdin = nil }
        } catch {
            client.tell(.refused("\(error)"))
        }
    }
}
