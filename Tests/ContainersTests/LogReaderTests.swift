// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import SystemPackage
import Testing

/// A log as a file, whole, growing, or torn by a crash of the machine.
@Suite struct LogReaderTests {
    /// A log of its own; gone with the value.
    final class TestLog {
        let directory = FilePath("/tmp/ctr-swift-log-\(UInt64.random(in: 0 ... .max))")
        var path: FilePath { directory.appending("container.log") }

        init(_ text: String = "") throws {
            try makeDirectory(directory, mode: 0o700)
            try replaceFile(path, with: Array(text.utf8))
        }
        deinit { try? removeTree(directory) }

        /// As the shim puts a full file aside, and begins the next.
        func rotate(to number: Int) throws {
            try renameFile(path, to: directory.appending("container.log.\(number)"))
            try replaceFile(path, with: [])
        }

        func append(_ text: String) throws {
            let file = try openFile(path, O_WRONLY | O_APPEND)
            try Array(text.utf8).span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(file, bytes, object: path.string) }
        }

        func texts(tail: Int? = nil) throws -> [String?] { try Self.rest(of: LogReader(directory: directory, LogSelection(tail: tail))) }

        static func rest(of reader: LogReader) throws -> [String?] {
            var texts: [String?] = []
            while case let records = try reader.next(), !records.isEmpty { texts += records.map(\.text) }
            return texts
        }
    }

    private static func line(_ text: String) -> String {
        "{\"time\":\"2026-11-21T06:25:00Z\",\"stream\":\"stdout\",\"text\":\"\(text)\"}\n"
    }
    private static func lines(_ range: Range<Int>) -> String { range.map { line("\($0)") }.joined() }

    @Test("records come in order, with every member")
    func records() throws {
        let log = try TestLog(
            """
            {"time":"t","stream":"stdout","text":"a\\u001b\\"","partial":true}
            {"time":"u","stream":"stderr","base64":"/w=="}

            """)
        let reader = try LogReader(directory: log.directory)
        #expect(
            try reader.next() == [
                LogRecord(time: "t", stream: .stdout, text: "a\u{1b}\"", partial: true),
                LogRecord(time: "u", stream: .stderr, text: nil, base64: "/w=="),
            ])
        #expect(try reader.next() == [])
    }

    @Test(
        "the last records, exactly as many as asked for, wherever the blocks end",
        arguments: [0, 1, 2, 799, 800, 801, 1599, 4999, 5000, 5001, Int.max])
    func tail(count: Int) throws {
        // 82 bytes a record or less: a block of 64 KiB ends within one of the first and the last 800 records.
        let log = try TestLog(Self.lines(0..<5000))
        #expect(try log.texts(tail: count) == (max(0, 5000 - min(count, 5000))..<5000).map { "\($0)" })
    }

    @Test("the tail of an empty log is empty, and grows")
    func emptyTail() throws {
        let log = try TestLog()
        for tail in [0, 1, nil] {
            let reader = try LogReader(directory: log.directory, LogSelection(tail: tail))
            #expect(try reader.next() == [])
            try log.append(Self.line("x"))
            #expect(try reader.next().map(\.text) == ["x"])
            #expect(truncate(log.path.string, 0) == 0)
        }
    }

    @Test("a record that is half written is not there yet, and whole when the rest has come")
    func halfWritten() throws {
        let log = try TestLog(Self.line("a"))
        let reader = try LogReader(directory: log.directory)
        let next = Array(Self.line("bcd").utf8)
        #expect(try reader.next().map(\.text) == ["a"])
        for byte in next.dropLast() {
            try log.append(String(decoding: [byte], as: UTF8.self))
            #expect(try reader.next() == [])
        }
        try log.append("\n")
        #expect(try reader.next().map(\.text) == ["bcd"])
    }

    @Test(
        "a line that is no record is passed over, and the ones around it are whole",
        arguments: ["", "{", "null", "[]", "{}", "\0\0\0\0", "{\"time\":1}", "text", "{\"time\":\"t\",\"stream\":\"stdin\"}", "\u{FEFF}{}"])
    func torn(line: String) throws {
        let log = try TestLog(Self.line("a") + line + "\n" + Self.line("b"))
        #expect(try log.texts() == ["a", "b"])
        #expect(try log.texts(tail: 1) == ["b"])
    }

    @Test("a torn end is no record, also for the tail")
    func tornEnd() throws {
        let log = try TestLog(Self.lines(0..<3) + "{\"time\":\"t\",\"str")
        #expect(try log.texts() == ["0", "1", "2"])
        #expect(try log.texts(tail: 1) == ["2"])
    }

    @Test("the longest record that the shim writes is read: 16 KiB of bytes that are escaped")
    func longest() throws {
        let text = String(repeating: "\\u0001", count: 16 << 10)
        let log = try TestLog(Self.line("a") + Self.line(text) + Self.line("b"))
        #expect(try log.texts().map { $0?.utf8.count } == [1, 16 << 10, 1])
        #expect(try log.texts(tail: 2).map { $0?.utf8.count } == [16 << 10, 1])
    }

    @Test("a line of megabytes is not kept in memory, and not taken for a record; what follows is read")
    func hugeLine() throws {
        let log = try TestLog(Self.line("a") + Self.line(String(repeating: "x", count: 3 << 20)) + Self.line("b"))
        #expect(try log.texts() == ["a", "b"])
        #expect(try log.texts(tail: 1) == ["b"])
    }

    @Test("a log that does not change is not looked for in its directory")
    func idle() throws {
        let log = try TestLog(Self.line("a"))
        let reader = try LogReader(directory: log.directory)
        #expect(try reader.next().map(\.text) == ["a"])
        // Who opens every file of the log meets it.
        try Files.link("nowhere", at: log.directory.appending("container.log.1"))
        #expect(try reader.next() == [])
        try log.append(Self.line("b"))
        #expect(try reader.next().map(\.text) == ["b"])
    }

    @Test("a log that is not there is said to be so; a link in its place is not followed")
    func missing() throws {
        let log = try TestLog(Self.line("secret"))
        let error = #expect(throws: KernelError.self) { try LogReader(directory: log.directory.appending("none")) }
        #expect(error?.errno == .noSuchFileOrDirectory)
        try renameFile(log.path, to: log.directory.appending("elsewhere"))
        try Files.link("elsewhere", at: log.path)
        let second = #expect(throws: KernelError.self) { try LogReader(directory: log.directory) }
        #expect(second?.errno == .tooManySymbolicLinkLevels)
    }
}
