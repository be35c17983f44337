// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing

@Suite struct CgroupTextTests {
    @Test("keyed lines are read; what is no number, or too large for one, is left out") func keyed() {
        let text = "cache 4096\nrss 0\nname x\nhuge 99999999999999999999\nlast 18446744073709551615\n"
        #expect(CgroupText.keyed(Array(text.utf8)) == ["cache": 4096, "rss": 0, "last": .max])
        #expect(CgroupText.number("max\n".utf8) == nil && CgroupText.number("12\n".utf8) == 12 && CgroupText.number("".utf8) == nil)
    }

    @Test("v1's block I/O is summed over devices, without its totals") func operationsV1() {
        let text = "8:0 Read 100\n8:0 Write 20\n8:0 Sync 120\n8:16 Read 1\n8:16 Write 2\nTotal 123\n"
        let sum = CgroupText.operationsV1(Array(text.utf8))
        #expect(sum.reads == 101 && sum.writes == 22)
    }

    @Test("so is v2's") func operationsV2() {
        let text = "8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=9 dios=9\n8:16 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n254:0\n"
        let sum = CgroupText.operationsV2(Array(text.utf8))
        #expect((sum.readBytes, sum.writtenBytes, sum.reads, sum.writes) == (101, 22, 4, 5))
    }

    @Test("pressure is read in hundredths of a percent; the CPU's may have no full line") func pressure() throws {
        let text = "some avg10=0.05 avg60=12.30 avg300=100.00 total=71364\nfull avg10=0.00 avg60=1.00 avg300=0.00 total=7\n"
        let both = try #require(CgroupText.pressure(Array(text.utf8)))
        #expect((both.some.average10, both.some.average60, both.some.average300, both.some.totalMicroseconds) == (5, 1230, 10000, 71364))
        #expect(both.full?.average60 == 100)
        let one = try #require(CgroupText.pressure(Array(text.utf8.prefix { $0 != 0x0A })))
        #expect(one.full == nil)
        #expect(CgroupText.pressure([]) == nil)
    }

    @Test("this process's details are ps's") func ownDetails() throws {
        let own = try #require(try ProcessDetails.of(getpid()))
        #expect(own.pid == getpid() && own.parent == getppid() && own.uid == geteuid() && own.threads >= 1)
        #expect(own.residentBytes > 1 << 20 && !own.arguments.isEmpty)
        #expect(abs(own.startedAtSeconds - wallClock().seconds) < 86_400)
        #expect(try ProcessDetails.of(1 << 22) == nil)
    }

    @Test(
        "ps's words choose the columns",
        arguments: [
            ([], ProcessColumn.full), (["-ef"], ProcessColumn.full), (["-o", "pid,cmd"], [.pid, .cmd]),
            (["-eo", "user,args"], [.uid, .cmd]),
            (["-e", "-opid", "-o", "nlwp"], [.pid, .threads]),
        ] as [([String], [ProcessColumn])])
    func columns(options: [String], expected: [ProcessColumn]) throws { #expect(try ProcessColumn.columns(options) == expected) }

    @Test("others are refused with their name", arguments: [["--forest"], ["-o"], ["-o", "pid,shoe-size"]])
    func wrongColumns(options: [String]) { #expect(throws: ProcessOptionError.self) { try ProcessColumn.columns(options) } }

    @Test("times are ps's") func times() throws {
        var process = try #require(try ProcessDetails.of(getpid()))
        process.cpuMilliseconds = (2 * 86_400 + 3 * 3600 + 4 * 60 + 5) * 1000
        process.elapsedMilliseconds = process.cpuMilliseconds * 2
        #expect(ProcessColumn.time.text(process) == "2-03:04:05" && ProcessColumn.c.text(process) == "50")
        process.cpuMilliseconds = 61_000
        process.elapsedMilliseconds = 61_000
        #expect(ProcessColumn.time.text(process) == "00:01:01" && ProcessColumn.etime.text(process) == "01:01")
        #expect(ProcessDetails.terminalName(device: 136 << 8 | 7) == "pts/7" && ProcessDetails.terminalName(device: 0) == nil)
        process.terminal = nil
        #expect(ProcessColumn.tty.text(process) == "?")
        process.arguments = []
        process.name = "kthread"
        #expect(ProcessColumn.cmd.text(process) == "[kthread]")
        process.startedAtSeconds = 0
        #expect(["1970", "1969"].contains(ProcessColumn.stime.text(process)))
    }
}
