// SPDX-License-Identifier: Apache-2.0

import Shim
import ShimProtocol
import Testing

/// What is made of a server's bytes, however they come.
@Suite struct HTTPAnswerTests {
    private static func take(_ text: String, by size: Int) -> HTTPAnswer {
        var answer = HTTPAnswer()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            answer.take(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return answer
    }

    @Test(
        "the status is read when the head is whole", arguments: [1, 3, 1 << 16],
        [
            ("HTTP/1.1 200 OK\r\n\r\n", .answered(status: 200)), ("HTTP/1.0 503\r\n\r\n", .answered(status: 503)),
            ("HTTP/1.1 204 \nX: y\n\n", .answered(status: 204)),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n", .answered(status: 404)),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", .answered(status: 101)),
            ("HTTP/1.1 200 OK\r\nX: y\r\n", .unfinished), ("HTTP/1.1 200 OK", .unfinished), ("", .unfinished),
            ("HTTP/1.1 100 Continue\r\n\r\n", .unfinished),
        ] as [(String, HTTPAnswer.Finding)])
    func heads(size: Int, wanted: (text: String, finding: HTTPAnswer.Finding)) {
        #expect(Self.take(wanted.text, by: size).finding == wanted.finding)
    }

    @Test(
        "what is no answer is refused",
        arguments: [
            "SSH-2.0-OpenSSH\r\n", "\r\n", "HTTP/2 200\r\n", "HTTP/1.1 2000\r\n", "HTTP/1.1 99\r\n", "HTTP/1.1  200\r\n",
            "HTTP/1.1 +20\r\n",
            "\u{0}\u{1}\n", "HTTP/1.1 100 x\r\n\r\nnonsense\r\n",
        ])
    func nonsense(text: String) {
        guard case .refused = Self.take(text, by: 7).finding else {
            Issue.record("\(Self.take(text, by: 7).finding)")
            return
        }
    }

    @Test("a head without end is refused at its limit, and takes no more memory", arguments: ["x", "X: y\r\n"])
    func endless(line: String) {
        var answer = Self.take("HTTP/1.1 200 OK\r\n", by: 100)
        for _ in 0..<HTTPAnswer.headLimit { answer.take(Array(line.utf8)[...]) }
        guard case .refused = answer.finding else {
            Issue.record("\(answer.finding)")
            return
        }
        #expect(answer.body.isEmpty)
    }

    @Test("of the body the beginning is kept; it is done by its length, or when enough is there")
    func bodies() {
        let head = "HTTP/1.1 500 x\r\nContent-Length: 5\r\n\r\n"
        #expect(!Self.take(head + "1234", by: 5).isBodyDone)
        let whole = Self.take(head + "12345", by: 5)
        #expect(whole.isBodyDone && whole.body == Array("12345".utf8) && !whole.isBodyCut)
        var long = Self.take("HTTP/1.1 500 x\r\n\r\n", by: 100)
        for _ in 0..<100 { long.take(Array(repeating: 7, count: 100)[...]) }
        #expect(long.isBodyDone && long.isBodyCut && long.body.count == ShimHealth.outputLimit)
        #expect(!Self.take("HTTP/1.1 500 x\r\nContent-Length: -1\r\n\r\n", by: 9).isBodyDone)
    }
}
