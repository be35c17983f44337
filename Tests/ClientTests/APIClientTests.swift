// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Linux
import SystemPackage
import Testing

@Suite struct APIClientTests {
    private static let version = #"{"version":"1","api":"v1","swift":"6","os":"linux","architecture":"amd64","kernel":"6"}"#
    private static let event = #"{"time":"t","type":"image","action":"pull","id":"x","attributes":{}}"#

    private func ask(_ client: APIClient) throws -> VersionResponse {
        try client.request(.get, ["v1", "version"], body: nil as String?, as: VersionResponse.self)
    }

    private func problem<Value>(_ outcome: Result<Value, any Error>) throws -> ClientError {
        try #require(throws: ClientError.self) { try outcome.get() }
    }

    @Test("one connection carries one request after the other")
    func keepsConnection() throws {
        let (result, requests) = try withServer(.init(answer(Self.version), answer(Self.version))) { client in
            (try ask(client), try ask(client))
        }
        #expect(try result.get().1.version == "1")
        #expect(requests.count == 2)
        #expect(requests.allSatisfy { $0.hasPrefix("GET /v1/version HTTP/1.1\r\nHost: localhost\r\n") })
    }

    @Test("a connection that the daemon closes is made anew")
    func reconnects() throws {
        let (result, requests) = try withServer(.init(answer(Self.version, headers: "Connection: close\r\n")), .init(answer(Self.version)))
        {
            (try ask($0), try ask($0))
        }
        #expect(throws: Never.self) { try result.get() }
        #expect(requests.count == 2)
    }

    @Test("a problem keeps its code, its remedy and its exit code, and loses its control characters")
    func problemDetails() throws {
        let body =
            #"{"type":"urn:x","status":404,"title":"t","detail":"no \u001b[2J image","remedy":"pull\u202e it","code":"image-not-found","exitCode":127}"#
        let (result, _) = try withServer(.init(answer(body, status: "404 Not Found", type: "application/problem+json"))) { try ask($0) }
        let error = try problem(result)
        guard case .problem(let problem) = error else { throw error }
        #expect(problem.code == "image-not-found" && problem.exitCode == 127)
        #expect(error.message == "no \\x1b[2J image")
        #expect(error.remedy == "pull\\u{202e} it")
    }

    @Test(
        "an answer that can't be understood is an error that says so",
        arguments: [
            answer(""), answer("{"), answer("[]"), answer("{}"), answer(#"{"version":1}"#), answer("not json", status: "404 Not Found"),
            answer("<h1>\u{1b}[2J</h1>", status: "500 Oops", type: "text/html"),
            answer("", status: "302 Found", headers: "Location: http://x/\r\n"),
            "HTTP/1.1 204 No Content\r\n\r\n", answer(String(repeating: "[", count: 1000)),
        ])
    func badAnswers(text: String) throws {
        let error = try problem(try withServer(.init(text)) { try ask($0) }.result)
        guard case .badAnswer = error else { throw error }
        #expect(!error.message.unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test("a daemon that refuses without reading is heard all the same")
    func refusedUnread() throws {
        var refusal = ScriptedServer.Connection(
            answer(
                #"{"type":"u","status":403,"title":"t","detail":"not you","code":"permission-denied"}"#, status: "403 Forbidden",
                type: "application/problem+json"))
        refusal.readsNothing = true
        var request = CreateContainerRequest(image: "x")
        // More than a socket's buffers take, so that sending it must fail.
        request.environment = [String(repeating: "x", count: 8 << 20)]
        let (result, _) = try withServer(refusal) {
            try $0.request(.post, ["v1", "containers"], body: request, as: CreateContainerResponse.self)
        }
        let error = try problem(result)
        guard case .problem(let problem) = error else { throw error }
        #expect(problem.code == "permission-denied")
    }

    @Test("lines of a stream come one by one, however they are cut; empty ones keep the connection alive")
    func lines() throws {
        let body = "\(Self.event)\n\n\r\n\(Self.event)\r\n\(Self.event)"
        let chunks = body.utf8.map { "1\r\n\(Character(Unicode.Scalar($0)))\r\n" }.joined() + "0\r\n\r\n"
        let text = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
        let (result, _) = try withServer(.init(text)) { client in
            var count = 0
            try client.stream(.get, ["v1", "events"], body: nil as String?, of: Event.self) { event throws(ClientError) in
                count += event.action == "pull" ? 1 : 0
            }
            return count
        }
        #expect(try result.get() == 3)
    }

    @Test("a line without an end is not collected for ever")
    func endlessLine() throws {
        let text = "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 5 << 20)
        let (result, _) = try withServer(.init(text)) { client in
            try client.stream(.get, ["v1", "events"], body: nil as String?, of: Event.self) { _ throws(ClientError) in }
        }
        guard case .connection(.tooLong) = try problem(result) else { throw try problem(result) }
    }

    @Test("a stream's error status is its problem, and no line is handed over")
    func streamProblem() throws {
        let body = #"{"type":"u","status":404,"title":"t","detail":"none","code":"container-not-found"}"#
        let (result, _) = try withServer(.init(answer(body, status: "404 Not Found"))) { client in
            try client.stream(.get, ["v1", "events"], body: nil as String?, of: Event.self) { _ throws(ClientError) in
                Issue.record("no line was sent")
            }
        }
        guard case .problem = try problem(result) else { throw try problem(result) }
    }

    @Test(
        "a socket that can't be reached is named, with what to do",
        arguments: [("/tmp/ctr-swift-nobody-here.sock", "systemctl start"), ("/dev/null", "systemctl start")])
    func unreachable(path: String, remedy: String) throws {
        let error = try #require(throws: ClientError.self) { try ask(APIClient(socketPath: FilePath(path))) }
        #expect(error.message.contains(path))
        #expect(error.remedy?.contains(remedy) == true)
    }

    /// Bytes in pieces that don't fit the client's buffer.
    private struct Source: UploadSource {
        var left: Int
        var fails = false
        mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(KernelError) -> Int {
            if left == 0, fails { throw KernelError(call: "read(2)", object: "source", errno: .ioError) }
            let count = min(left, 70_001, buffer.count)
            for index in 0..<count { buffer[index] = UInt8(ascii: "x") }
            left -= count
            return count
        }
    }

    private func upload(_ client: APIClient, _ source: Source, length: Int64? = nil) throws {
        var source = source
        try client.upload(["v1", "images", "load"], contentType: "application/x-tar", length: length, source: &source, of: PullEvent.self) {
            _ throws(ClientError) in
        }
    }

    @Test("an upload is sent in chunks, or by its length")
    func uploads() throws {
        let (result, requests) = try withServer(.init(answer(""), answer(""))) { client in
            try upload(client, Source(left: 200_000))
            try upload(client, Source(left: 200_000), length: 200_000)
        }
        #expect(throws: Never.self) { try result.get() }
        try #require(requests.count == 2)
        #expect(requests[0].contains("Transfer-Encoding: chunked") && requests[0].count { $0 == "x" } >= 200_000)
        #expect(requests[0].hasSuffix("\r\n0\r\n\r\n"))
        #expect(requests[1].contains("Content-Length: 200000"))
    }

    @Test("an upload that the daemon cuts short ends with the daemon's reason, and its connection is not used again")
    func cutShort() throws {
        let body = #"{"type":"u","status":507,"title":"t","detail":"full","code":"no-space"}"#
        var refusal = ScriptedServer.Connection(answer(body, status: "507 Insufficient Storage"))
        refusal.readsNothing = true
        let (result, _) = try withServer(refusal, .init(answer(Self.version))) { client in
            let refused = Result { try upload(client, Source(left: 64 << 20)) }
            return (refused, try ask(client))
        }
        let error = try problem(result.get().0)
        guard case .problem(let problem) = error else { throw error }
        #expect(problem.code == "no-space")
    }

    @Test("a source that can't be read on is the error, not the daemon's answer")
    func sourceFails() throws {
        let (result, _) = try withServer(.init(answer(""))) { try upload($0, Source(left: 100_000, fails: true)) }
        #expect(try problem(result) == .upload(KernelError(call: "read(2)", object: "source", errno: .ioError)))
    }
}
