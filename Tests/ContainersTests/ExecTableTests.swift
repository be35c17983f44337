// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import ShimProtocol
import Testing

@Suite struct ExecTableTests {
    private static func exit(_ code: Int32) -> ShimExit {
        ShimExit(exitCode: code, signal: nil, outOfMemory: false, startedAt: "a", finishedAt: "b")
    }

    @Test("an end that is told before the start is told after it, once") func order() {
        let table = ExecTable()
        table.begin("1", ["true"], at: "a")
        #expect(table.summaries == [], "it is launched still")
        #expect(table.ended("1", Self.exit(3)) == nil)
        #expect(table.started("1", pid: 7)?.exit?.exitCode == 3)
        #expect(table.ended("1", Self.exit(4)) == nil)
        #expect(table.summaries.map(\.exit?.exitCode) == [3])
        #expect(table.ended("2", Self.exit(4)) == nil, "nobody knows of it")
    }

    @Test("a failure leaves nothing; of those that have ended the last 32 stay, and every one that runs") func bounds() {
        let table = ExecTable()
        table.begin("x", ["x"], at: "a")
        table.failed("x")
        table.begin("runs", ["x"], at: "a")
        _ = table.started("runs", pid: 1)
        for number in 0..<100 {
            table.begin("\(number)", ["x"], at: "a")
            _ = table.started("\(number)", pid: 2)
            #expect(table.ended("\(number)", Self.exit(0)) != nil)
        }
        #expect(table.summaries.count == 33)
        #expect(table.summaries.first?.running == true && table.summaries.last?.id == "99")
        #expect(table.endAll { _ in Self.exit(137) }.map(\.id) == ["runs"])
        table.removeAll()
        #expect(table.summaries == [])
    }

    @Test("what a shim says is added to what is known; of ends only the news is told") func merge() {
        let table = ExecTable()
        table.begin("1", ["one"], at: "a")
        _ = table.started("1", pid: 7)
        let statuses = [
            ShimExecStatus(id: "1", pid: 7, startedAt: "a", exit: Self.exit(1)),
            ShimExecStatus(id: "2", pid: 8, startedAt: "a", exit: Self.exit(2)), ShimExecStatus(id: "3", pid: 9, startedAt: "a", exit: nil),
        ]
        #expect(table.merge(statuses) { ["of", $0] }.map(\.id) == ["1", "2"])
        #expect(table.merge(statuses) { ["of", $0] } == [])
        #expect(table.summaries.map(\.command) == [["one"], ["of", "2"], ["of", "3"]])
        #expect(table.summaries.map(\.running) == [false, false, true])
    }
}
