// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import ShimProtocol
import SystemPackage

/// A client of a shim, with the streams that it was given.
final class TestClient {
    private let connection: ShimConnection
    private(set) var streams: [ShimStream: CInt] = [:]

    init(_ connection: consuming ShimConnection) { self.connection = connection }

    deinit { for descriptor in streams.values { _ = Glibc.close(descriptor) } }

    func send(_ request: ShimRequest) throws { try connection.send(request) }
    func message() throws -> ShimMessage? { try connection.receiveMessage() }

    func ask(_ request: ShimRequest) throws -> ShimMessage? {
        try send(request)
        return try message()
    }

    /// What this project's client would never send.
    func sendRaw(_ bytes: [UInt8]) { Glibc.send(connection.descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }

    @discardableResult
    func attach(stdin: Bool = false) throws -> [ShimStream] { try attach(.attach(stdin: stdin)) }

    func attach(_ request: ShimRequest) throws -> [ShimStream] {
        try connection.send(request)
        guard var delivery = try connection.receive() else { throw Unexpected(nil) }
        guard case .attached(let names) = delivery.message else { throw Unexpected(delivery.message) }
        for name in names { streams[name] = delivery.takeDescriptor()?.release() ?? -1 }
        return names
    }

    func write(_ text: String, to stream: ShimStream = .stdin) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(streams[stream] ?? -1, $0.baseAddress, $0.count) }
            if count < 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    func close(_ stream: ShimStream) {
        if let descriptor = streams.removeValue(forKey: stream) { Glibc.close(descriptor) }
    }

    /// Everything until the stream's end.
    func readAll(_ stream: ShimStream = .stdout) -> String {
        var text: [UInt8] = []
        while let bytes = read(stream) { text += bytes }
        return String(decoding: text, as: UTF8.self)
    }

    /// What comes until it holds `expected`, or the stream ends or says nothing for a minute.
    func read(_ stream: ShimStream, until expected: String) -> String {
        var text = ""
        while !text.contains(expected), let bytes = read(stream) { text += String(decoding: bytes, as: UTF8.self) }
        return text
    }

    /// nil at the stream's end, and when nothing comes for a minute.
    private func read(_ stream: ShimStream) -> [UInt8]? {
        var entry = pollfd(fd: streams[stream] ?? -1, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 60_000) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(streams[stream] ?? -1, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}
