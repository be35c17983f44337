// SPDX-License-Identifier: Apache-2.0

import Client
import Foundation
import Linux
import Synchronization
import SystemPackage

/// A daemon that says, byte for byte, what a test has written down: one answer a connection, or several for several requests on it.
/// It listens on a real Unix socket and reads each request whole before it answers.
final class ScriptedServer: Sendable {
    let path: FilePath
    private let requests = Mutex<[String]>([])
    private let done = DispatchSemaphore(value: 0)
    private let listener: Listener

    /// One connection: its answers, one a request, after which it is closed.
    struct Connection: Sendable {
        var answers: [[UInt8]]
        /// Answer at once and close, without reading what the client says.
        var readsNothing = false

        init(_ answers: String...) { self.answers = answers.map { Array($0.utf8) } }
        init(bytes: [UInt8]) { answers = [bytes] }
    }

    init(_ connections: [Connection]) throws {
        path = FilePath("/tmp/ctr-swift-client-\(UInt32.random(in: 0...UInt32.max)).sock")
        listener = Listener(try UnixSocket.listen(at: path, .stream, mode: 0o600))
        try startThread(name: "scripted") { [self] in
            for connection in connections {
                guard let socket = try? UnixSocket.accept(listener.socket) else { break }
                serve(connection, socket)
            }
            done.signal()
        }
    }

    private final class Listener: Sendable {
        let socket: OwnedFD
        init(_ socket: consuming OwnedFD) { self.socket = socket }
    }

    private func serve(_ connection: Connection, _ socket: borrowing OwnedFD) {
        for answer in connection.answers {
            if !connection.readsNothing {
                guard let request = readRequest(socket) else { return }
                requests.withLock { $0.append(request) }
            }
            say(answer, socket)
        }
        if connection.readsNothing { return }
        // What the client sends beyond is read, so that closing resets nothing.
        shutdown(socket.raw, Int32(SHUT_WR))
        _ = try? readAll(socket, object: "scripted", limit: 64 << 20)
    }

    /// As much as the client takes; one that has gone is no SIGPIPE.
    private func say(_ answer: [UInt8], _ socket: borrowing OwnedFD) {
        var rest = answer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Head and body, as far as its framing says.
    private func readRequest(_ socket: borrowing OwnedFD) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        let next = { (raw: Int32) -> Bool in
            guard read(raw, &byte, 1) == 1 else { return false }
            bytes.append(byte)
            return true
        }
        while !bytes.suffix(4).elementsEqual(Array("\r\n\r\n".utf8)) { guard next(socket.raw) else { return nil } }
        let head = String(decoding: bytes, as: UTF8.self)
        if let range = head.range(of: "Content-Length: "), let length = Int(head[range.upperBound...].prefix { $0.isNumber }) {
            for _ in 0..<length { guard next(socket.raw) else { return nil } }
        } else if head.contains("Transfer-Encoding: chunked") {
            while !bytes.suffix(7).elementsEqual(Array("\r\n0\r\n\r\n".utf8)) { guard next(socket.raw) else { return nil } }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whole requests, in their order. The client has gone by now: what the script has more is not waited for.
    func received() -> [String] {
        shutdown(listener.socket.raw, Int32(SHUT_RDWR))
        done.wait()
        done.signal()
        return requests.withLock { $0 }
    }

    func remove() { try? unlinkFile(path) }
}

/// Runs a body with a client at a scripted server; the client is gone, and the server done, before `received` is asked for.
func withServer<Result>(_ connections: ScriptedServer.Connection..., body: (APIClient) throws -> Result) throws -> (
    result: Swift.Result<Result, any Error>, requests: [String]
) {
    let server = try ScriptedServer(connections)
    defer { server.remove() }
    let result = Swift.Result { try body(APIClient(socketPath: server.path)) }
    return (result, server.received())
}

/// An answer with a length.
func answer(_ body: String, status: String = "200 OK", type: String = "application/json", headers: String = "") -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
}
