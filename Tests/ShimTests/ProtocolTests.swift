// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// The form on the wire, as docs/api/attach.md promises it to clients in other languages.
@Suite struct ProtocolTests {
    @Test(
        "requests look as described, and come back as they were",
        arguments: [
            (.begin, #"{"request":"begin"}"#), (.attach(stdin: true), #"{"request":"attach","stdin":true}"#),
            (.closeStdin, #"{"request":"closeStdin"}"#),
            (.resize(rows: 24, columns: 80), #"{"request":"resize","rows":24,"columns":80}"#),
            (.signal(15), #"{"request":"signal","signal":15}"#),
            (.status, #"{"request":"status"}"#), (.watch, #"{"request":"watch"}"#), (.probe, #"{"request":"probe"}"#),
            (
                .exec(ShimExec(id: "a1", openStdin: true, detached: false)),
                #"{"request":"exec","exec":{"id":"a1","openStdin":true,"detached":false}}"#
            ),
            (.attachExec(id: "a1", stdin: false), #"{"request":"attachExec","id":"a1","stdin":false}"#),
        ] as [(ShimRequest, String)])
    func requests(request: ShimRequest, text: String) throws {
        #expect(String(decoding: try JSON.encode(request), as: UTF8.self) == text)
        #expect(try JSON.decode(ShimRequest.self, from: Array(text.utf8)) == request)
    }

    private static let exit = ShimExit(exitCode: 137, signal: 9, outOfMemory: true, startedAt: "a", finishedAt: "b")
    private static let started = ShimStarted(pid: 7, startTicks: 8, startedAt: "a", timings: [ShimStep(step: "exec", microseconds: 9)])

    @Test(
        "messages look as described, and come back as they were",
        arguments: [
            (
                .started(started),
                #"{"message":"started","started":{"pid":7,"startTicks":8,"startedAt":"a","timings":[{"step":"exec","microseconds":9}]}}"#
            ),
            (
                .failed(
                    ShimFailure(
                        step: "exec", reason: nil, kernel: KernelError(call: "execve(2)", object: "/x", errno: .noSuchFileOrDirectory),
                        exitCode: 127)),
                #"{"message":"failed","failure":{"step":"exec","kernel":{"call":"execve(2)","object":"/x","errno":2},"exitCode":127}}"#
            ),
            (.attached(streams: [.stdin, .stdout, .stderr]), #"{"message":"attached","streams":["stdin","stdout","stderr"]}"#),
            (.execStarted(id: "a1", pid: 7), #"{"message":"execStarted","id":"a1","pid":7}"#),
            (
                .execs([ShimExecStatus(id: "a1", pid: 7, startedAt: "a", exit: nil)]),
                #"{"message":"execs","execs":[{"id":"a1","pid":7,"startedAt":"a"}]}"#
            ),
            (
                .execExited(id: "a1", exit: exit),
                #"{"message":"execExited","id":"a1","exit":{"exitCode":137,"signal":9,"outOfMemory":true,"startedAt":"a","finishedAt":"b"}}"#
            ),
            (
                .health(
                    ShimHealthReport(
                        status: .unhealthy, failingStreak: 3,
                        result: ShimHealthResult(startedAt: "a", finishedAt: "b", exitCode: -1, output: "c"))),
                #"{"message":"health","health":{"status":"unhealthy","failingStreak":3,"result":{"startedAt":"a","finishedAt":"b","exitCode":-1,"output":"c"}}}"#
            ),
            (.done, #"{"message":"done"}"#), (.refused("no"), #"{"message":"refused","reason":"no"}"#),
            (
                .exited(exit),
                #"{"message":"exited","exit":{"exitCode":137,"signal":9,"outOfMemory":true,"startedAt":"a","finishedAt":"b"}}"#
            ),
        ] as [(ShimMessage, String)])
    func messages(message: ShimMessage, text: String) throws {
        #expect(String(decoding: try JSON.encode(message), as: UTF8.self) == text)
        #expect(try JSON.decode(ShimMessage.self, from: Array(text.utf8)) == message)
    }

    @Test("descriptors travel with a message, are close-on-exec, and are closed where nobody takes them")
    func descriptors() throws {
        let pair = try ShimConnection.pair()
        let shim = ShimConnection(try pair.shim.duplicate())
        let engine = pair.engineOnly()
        for taking in [true, false] {
            var pipe = try Pipe()
            let writer = pipe.takeWriter()
            try shim.send(.attached(streams: [.stdout, .stderr]), with: [writer.raw, writer.raw])
            _ = consume writer
            do {
                guard var delivery = try engine.receive() else { throw Unexpected(nil) }
                #expect(delivery.message == .attached(streams: [.stdout, .stderr]))
                #expect(delivery.descriptorCount == 2)
                if taking, let end = delivery.takeDescriptor() {
                    #expect(fcntl(end.raw, F_GETFD) & FD_CLOEXEC != 0)
                    try Array("hello".utf8).span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(end, bytes, object: "pipe") }
                }
            }
            // All write ends are closed now, so that this ends.
            #expect(try readAll(pipe.takeReader(), object: "pipe", limit: 100) == (taking ? Array("hello".utf8) : []))
        }
    }

    @Test("what was sent before the end can be read after it, also where requests were left unread")
    func end() throws {
        let pair = try ShimConnection.pair()
        var shim: ShimConnection? = ShimConnection(try pair.shim.duplicate())
        let engine = pair.engineOnly()
        try engine.send(.status)
        try shim?.send(.done)
        shim = nil
        #expect(try engine.receiveMessage() == .done)
        #expect(try engine.receiveMessage() == nil)
    }

    @Test("one that does not wait is told that nothing is there")
    func notWaiting() throws {
        let pair = try ShimConnection.pair()
        let error = #expect(throws: KernelError.self) {
            let shim = ShimConnection(try pair.shim.duplicate())
            _ = try shim.receiveRequest(waiting: false)
        }
        #expect(error?.errno == .resourceTemporarilyUnavailable)
    }
}
