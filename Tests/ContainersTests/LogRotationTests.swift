// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Linux
import OCI
import SystemPackage
import Testing

/// A log of several files, as the shim puts full ones aside, and the times that select from it (F-16).
@Suite struct LogRotationTests {
    typealias TestLog = LogReaderTests.TestLog

    /// A record a second.
    private static func lines(_ range: Range<Int>) -> String {
        range.map { #"{"time":"\#(time($0))","stream":"stdout","text":"\#($0)"}"# + "\n" }.joined()
    }
    private static func time(_ second: Int) -> String { Timestamp.rfc3339(seconds: 4_000_000_000 + Int64(second), nanoseconds: 0) }
    private static func texts(_ range: Range<Int>) -> [String] { range.map { "\($0)" } }

    /// 0..<30 in the full files 4, 5 and 6, and in the one that is written.
    private static func rotated() throws -> TestLog {
        let log = try TestLog(lines(0..<10))
        try log.rotate(to: 4)
        try log.append(lines(10..<20))
        try log.rotate(to: 5)
        try log.append(lines(20..<25))
        try log.rotate(to: 6)
        try log.append(lines(25..<30))
        return log
    }

    @Test("the files are one log, and so is its tail", arguments: [nil, 0, 1, 5, 6, 10, 11, 29, 30, 31])
    func several(tail: Int?) throws {
        let expected = Self.texts(0..<30).suffix(tail ?? 30)
        #expect(try Self.rotated().texts(tail: tail) == Array(expected))
    }

    @Test("a reader follows over rotations, wherever it stands", arguments: [0, 1, 2])
    func follows(behind: Int) throws {
        let log = try TestLog(Self.lines(0..<3))
        let reader = try LogReader(directory: log.directory)
        #expect(try TestLog.rest(of: reader) == Self.texts(0..<3))
        // What is appended before the rotation, and after it, and after the next ones, without a look in between.
        try log.append(Self.lines(3..<6))
        for number in 0...behind {
            try log.rotate(to: number + 1)
            try log.append(Self.lines(6 + number..<7 + number))
        }
        #expect(try TestLog.rest(of: reader) == Self.texts(3..<7 + behind))
        try log.append(Self.lines(50..<51))
        #expect(try TestLog.rest(of: reader) == ["50"])
    }

    @Test("a file that is removed while it is read is read to its end; one that went unread is told of")
    func overtaken() throws {
        let log = try TestLog(Self.lines(0..<3))
        try log.rotate(to: 1)
        try log.append(Self.lines(3..<4))
        let reader = try LogReader(directory: log.directory, LogSelection(tail: 1))
        try log.append(Self.lines(4..<5))
        for number in 2...5 {
            try log.rotate(to: number)
            try log.append(Self.lines(number * 10..<number * 10 + 1))
        }
        for number in 1...3 { try unlinkFile(log.directory.appending("container.log.\(number)")) }
        #expect(
            try TestLog.rest(of: reader)
                == ["3", "4", "[ctr-swift: 1 files of the log were removed before they were read]", "30", "40", "50"])
    }

    @Test(
        "since and until select by time, and the tail is of what they select",
        arguments: [
            (nil, nil, nil, 0..<30), (12, nil, nil, 12..<30), (nil, 12, nil, 0..<13), (7, 22, nil, 7..<23), (7, 22, 3, 20..<23),
            (28, nil, 10, 28..<30), (40, nil, nil, 0..<0), (nil, 3, 100, 0..<4), (5, 4, nil, 0..<0),
        ] as [(Int?, Int?, Int?, Range<Int>)])
    func times(since: Int?, until: Int?, tail: Int?, expected: Range<Int>) throws {
        let log = try Self.rotated()
        // A file is passed over by the time of its last change, which for these is long before their records' times: all are set to those.
        for (name, second) in [("container.log.4", 9), ("container.log.5", 19), ("container.log.6", 24)] {
            let file = try openFile(log.directory.appending(name), 0)
            try file.changeTime(FileTime(seconds: 4_000_000_000 + Int64(second)), of: name)
        }
        let reader = try LogReader(
            directory: log.directory, LogSelection(tail: tail, since: since.map(Self.time), until: until.map(Self.time)))
        #expect(try TestLog.rest(of: reader) == Self.texts(expected))
    }

    @Test("a log that begins after its reader is read")
    func later() throws {
        let log = try TestLog()
        try unlinkFile(log.path)
        let reader = try LogReader(directory: log.directory)
        #expect(try reader.next() == [])
        try replaceFile(log.path, with: Array(Self.lines(0..<2).utf8))
        #expect(try TestLog.rest(of: reader) == ["0", "1"])
    }
}
