// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// Probes by connections, to servers of every kind in the container.
@Suite(.asRoot, .busybox) struct NetworkProbeTests {
    /// - Parameter serve: a script, for each connection.
    private func serving(_ serve: String, _ health: ShimHealth) throws -> TestShim {
        let container = try TestContainer(
            shell:
                "mkdir /tmp/w; busybox nc -ll -p 8080 -e /bin/sh /bin/serve & until busybox nc -w 5 127.0.0.1 8080 < /dev/null > /dev/null; "
                .replacing("mkdir /tmp/w; ", with: "") + "do sleep 0.02; done; echo > /tmp/ready; wait")
        try replaceFile(container.layer.appending("bin/serve"), with: Array(serve.utf8), mode: 0o755)
        container.configuration.health = health
        let shim = try container.start()
        try shim.started()
        return shim
    }

    private func answer(_ text: String) -> String { "read line; printf '\(text)'; cat > /dev/null" }

    /// Until the server is there.
    private func probe(_ shim: TestShim) throws -> ShimHealthResult {
        for _ in 0..<3000 {
            guard let result = try shim.probe().result else { break }
            if !result.output.contains("Connection refused") { return result }
            usleep(20_000)
        }
        throw Failure("the server does not come")
    }

    @Test(
        "a status from 200 to 399 is healthy; of others the body is told",
        arguments: [
            ("HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nyes", 0, "HTTP 200"),
            ("HTTP/1.0 302 Found\\r\\nLocation: /x\\r\\n\\r\\n", 0, "HTTP 302"),
            ("HTTP/1.1 503 Not yet\\r\\nContent-Length: 9\\r\\n\\r\\nnot ready", 1, "HTTP 503: not ready"),
            ("HTTP/1.1 404 x\\r\\nContent-Length: 0\\r\\n\\r\\n", 1, "HTTP 404"), ("SSH-2.0-x\\r\\n", 1, "no answer of HTTP"),
        ] as [(String, Int32, String)])
    func statuses(text: String, code: Int32, words: String) throws {
        let shim = try serving(answer(text), .never("http://:8080/ready?x=1"))
        let result = try probe(shim)
        #expect(result.exitCode == code && result.output.contains(words), "\(result)")
    }

    @Test("the request says where to, and that nothing follows")
    func request() throws {
        let script =
            "while read line; do echo \"$line\" >> /tmp/request; [ ${#line} = 1 ] && break; done; printf 'HTTP/1.1 204 x\\r\\n\\r\\n'; sleep 1"
        let shim = try serving(script, .never("http://localhost:8080/a%20b"))
        #expect(try probe(shim).exitCode == 0)
        let text = String(decoding: try readFile(shim.container.path.appending("upper/tmp/request")), as: UTF8.self)
        for line in ["GET /a%20b HTTP/1.1", "Host: 127.0.0.1:8080", "Connection: close"] { #expect(text.contains(line + "\r\n")) }
    }

    @Test("a port that accepts is healthy; another one, and one of the node's, is not")
    func ports() throws {
        let shim = try serving("sleep 1", .never("tcp://:8080"))
        #expect(try probe(shim).exitCode == 0)
        // Of the node's own network: a listener that the container can't reach.
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        #expect(listen(listener, 8) == 0)
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(listener, $0, &size) }
        }
        let other = try TestShim.running(health: .never("tcp://:\(UInt16(bigEndian: address.sin_port))"))
        let result = try #require(try other.probe().result)
        #expect(result.exitCode == 1 && result.output.contains("Connection refused"), "\(result)")
        #expect(try link("/proc/\(other.pid)/ns/net") == link("/proc/self/ns/net"), "the shim is where it was")
    }

    private func link(_ path: String) throws -> String {
        try command(["/bin/readlink", path.replacing("self", with: "\(getpid())")]).lines.first ?? ""
    }

    @Test(
        "a server that gives no answer, or one drop by drop, or one without end, is ended by the time or by what is read of it",
        arguments: [
            ("sleep 1000", "no answer"), ("read line; while :; do printf H; sleep 0.05; done", "no answer"),
            ("read line; printf 'HTTP/1.1 200 OK\\r\\n'; while :; do printf 'X: y\\r\\n'; sleep 0.05; done", "no answer"),
            ("read line; printf 'HTTP/1.1 200 OK\\r\\n'; yes 'X: y'", "16384 bytes"),
            ("read line; yes | busybox tr -d '\\n'", "16384 bytes"),
            ("read line; printf 'HTTP/1.1 500 x\\r\\n\\r\\n'; sleep 1000", "HTTP 500"),
            ("read line; printf 'HTTP/1.1 500 x\\r\\n\\r\\n'; yes", "HTTP 500: y\ny"), ("exit 0", "closed"),
        ])
    func hostile(serve: String, words: String) throws {
        let shim = try serving(serve, .never("http://:8080/", timeout: words == "no answer" ? 1500 : 30_000))
        let memory = try shim.status("RssAnon")
        let result = try probe(shim)
        #expect(result.exitCode != 0)
        #expect(result.output.contains(words) || (words == "closed" && result.output.contains("reset")), "\(result)")
        #expect(result.output.utf8.count < 5000)
        #expect(try shim.status("RssAnon") < memory + 2048, "KiB")
    }

    @Test("while a server is silent the shim serves everybody else")
    func served() throws {
        let shim = try serving("echo > /tmp/connected; sleep 1000", .never("http://:8080/", timeout: 600_000))
        let waiting = try shim.connect()
        let connected = shim.container.path.appending("upper/tmp/connected").string
        for _ in 0..<500 where access(connected, F_OK) != 0 {
            try waiting.send(.probe)
            usleep(20_000)
        }
        for _ in 0..<20 { #expect(try shim.keptHealth().failingStreak >= 0) }
        let exec = try TestExec.start(shim, ["/bin/echo", "word"])
        let client = try shim.connect()
        try client.attach(exec)
        #expect(client.readAll() == "word\n")
        #expect(try shim.connect().ask(.signal(SIGKILL)) == .done)
        #expect(shim.end() == 0)
    }
}
