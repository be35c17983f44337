// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import TestSupport

/// A further process and the client that is attached to it.
struct AttachedExec {
    let id: String
    let pid: Int32
    private let client: Client

    private final class Client {
        let connection: ShimConnection
        let output: OwnedFD
        init(_ connection: consuming ShimConnection, _ output: consuming OwnedFD) {
            self.connection = connection
            self.output = output
        }
    }

    static func start(_ node: TestNode, _ container: Container, _ request: ExecRequest) async throws -> AttachedExec {
        let made = try await node.service.exec(container, request)
        let connection = try ShimConnection.connect(to: FilePath(made.attachSocket ?? ""))
        limitWaits(connection.descriptor)
        try connection.send(.attachExec(id: made.id, stdin: false))
        guard var delivery = try connection.receive(), case .attached(let streams) = delivery.message, streams.first == .stdout,
            let output = delivery.takeDescriptor()
        else { throw NotAttached() }
        return AttachedExec(id: made.id, pid: made.pid, client: Client(connection, output))
    }

    struct NotAttached: Error {}
    /// Nothing came for a minute.
    struct Silent: Error {}

    /// Reads to the end.
    func finish() throws -> (lines: [String], exit: ShimExit?) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var poll = Poll<Void>()
            poll.add(client.output.raw, .readable, ())
            guard try poll.wait(milliseconds: 60_000) > 0 else { throw Silent() }
            let count = read(client.output.raw, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { String($0) }
        while let message = try client.connection.receiveMessage() {
            if case .exited(let exit) = message { return (lines, exit) }
        }
        return (lines, nil)
    }
}

extension TestNode {
    /// Runs a script in a container to its end.
    func exec(
        _ container: Container, shell script: String, _ change: (inout ExecRequest) -> Void = { _ in }
    ) async throws -> (lines: [String], exit: ShimExit?) {
        var request = ExecRequest(command: ["/bin/sh", "-c", script])
        change(&request)
        return try await AttachedExec.start(self, container, request).finish()
    }
}
