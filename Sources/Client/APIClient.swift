// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import JSON
internal import Linux
package import SystemPackage

/// The daemon's API over its socket: one connection, one request at a time.
package final class APIClient {
    private let socketPath: FilePath
    private var connection: HTTPConnection?

    private static let bodyLimit = 64 << 20

    package init(socketPath: FilePath) { self.socketPath = socketPath }

    /// A request with a JSON answer.
    package func request<Answer: Decodable>(
        _ method: HTTPRequest.Method, _ path: [String], query: [(name: String, value: String?)] = [],
        body: (some Encodable)? = nil as String?,
        as type: Answer.Type
    ) throws(ClientError) -> Answer {
        let bytes = try exchange(method, path, query, body)
        do throws(JSONError) { return try JSON.decode(type, from: bytes) } catch { throw .badAnswer("\(error)") }
    }

    /// A request whose answer says nothing.
    package func request(
        _ method: HTTPRequest.Method, _ path: [String], query: [(name: String, value: String?)] = [],
        body: (some Encodable)? = nil as String?
    ) throws(ClientError) { _ = try exchange(method, path, query, body) }

    private func exchange(
        _ method: HTTPRequest.Method, _ path: [String], _ query: [(name: String, value: String?)], _ body: (some Encodable)?
    ) throws(ClientError) -> [UInt8] {
        let (connection, head) = try begin(method, path, query, body)
        return try rest(connection, head)
    }

    /// A request whose answer is a stream of lines, each handed over as it comes.
    package func stream<Line: Decodable>(
        _ method: HTTPRequest.Method, _ path: [String], query: [(name: String, value: String?)] = [],
        body: (some Encodable)? = nil as String?,
        of type: Line.Type, _ each: (Line) throws(ClientError) -> Void
    ) throws(ClientError) {
        let (connection, head) = try begin(method, path, query, body)
        try lines(connection, head, type, each)
    }

    /// Streams a body up, then reads lines.
    package func upload<Line: Decodable>(
        _ path: [String], contentType: String, length: Int64?, source: inout some UploadSource, of type: Line.Type,
        _ each: (Line) throws(ClientError) -> Void
    ) throws(ClientError) {
        let target = try Self.target(path)
        let connection = try open()
        try http { () throws(HTTPError) in
            try connection.send(HTTPRequest(.post, target, body: .stream(length: length, contentType: contentType)))
        }
        let outcome: UploadOutcome
        do throws(UploadError) { outcome = try connection.sendBody(&source, length: length) } catch {
            switch error {
            case .source(let error): throw .upload(error)
            case .connection(let error): throw .connection(error)
            }
        }
        if case .wrongLength = outcome {
            throw .upload(KernelError(call: "read(2)", object: "what is sent, whose size changed", errno: .ioError))
        }
        let head = try http { () throws(HTTPError) in try connection.receiveHead() }
        try lines(connection, head, type, each)
    }

    private func lines<Line: Decodable>(
        _ connection: HTTPConnection, _ head: HTTPResponseHead, _ type: Line.Type, _ each: (Line) throws(ClientError) -> Void
    ) throws(ClientError) {
        guard head.status < 300 else {
            _ = try rest(connection, head)
            return
        }
        var splitter = LineSplitter()
        while true {
            let bytes = try http { () throws(HTTPError) in try connection.receiveBody() }
            let whole = try http { () throws(HTTPError) in try splitter.lines(in: bytes) }
            for line in whole + (bytes.isEmpty ? splitter.last().map { [$0] } ?? [] : []) {
                let value: Line
                do throws(JSONError) { value = try JSON.decode(type, from: line) } catch { throw .badAnswer("\(error)") }
                try each(value)
            }
            if bytes.isEmpty { return }
        }
    }

    /// Without its last name a path would be another one's.
    private static func target(_ path: [String], _ query: [(name: String, value: String?)] = []) throws(ClientError) -> String {
        guard !path.contains("") else { throw .usage(UsageError("an empty name", remedy: "is a variable of a script not set?")) }
        return HTTPRequest.target(path, query: query)
    }

    func begin(
        _ method: HTTPRequest.Method, _ path: [String], _ query: [(name: String, value: String?)], _ body: (some Encodable)?
    ) throws(ClientError) -> (HTTPConnection, HTTPResponseHead) {
        let target = try Self.target(path, query)
        var content = HTTPRequest.Body.none
        if let body {
            do throws(JSONError) { content = .bytes(try JSON.encode(body), contentType: APIMediaType.json) } catch {
                throw .badAnswer("\(error)")
            }
        }
        let connection = try open()
        let head = try http { () throws(HTTPError) in
            try connection.send(HTTPRequest(method, target, body: content))
            return try connection.receiveHead()
        }
        return (connection, head)
    }

    func rest(_ connection: HTTPConnection, _ head: HTTPResponseHead) throws(ClientError) -> [UInt8] {
        let bytes = try http { () throws(HTTPError) in try connection.receiveWholeBody(limit: Self.bodyLimit) }
        guard head.status >= 300 else { return bytes }
        let problem: Problem
        do throws(JSONError) { problem = try JSON.decode(Problem.self, from: bytes) } catch { throw .badAnswer("HTTP \(head.status)") }
        throw .problem(problem)
    }

    func open() throws(ClientError) -> HTTPConnection {
        if let connection, connection.isReusable { return connection }
        do throws(KernelError) {
            let made = HTTPConnection(owning: try UnixSocket.connect(to: socketPath, .stream))
            connection = made
            return made
        } catch {
            throw .connection(.unreachable(socket: socketPath.string, error))
        }
    }

    func http<Value>(_ body: () throws(HTTPError) -> Value) throws(ClientError) -> Value {
        do throws(HTTPError) { return try body() } catch { throw .connection(error) }
    }
}
