// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct LogTests {
    private static func text(_ value: JSONValue?) -> String? {
        if case .string(let text)? = value { text } else { nil }
    }

    @Test("a record a line, with time and stream; what has no line feed is partial")
    func records() throws {
        let shim = try TestContainer(shell: "echo one; echo two >&2; echo; printf end", logged: true).start()
        try shim.started()
        #expect(shim.end() == 0)
        let log = try shim.container.log()
        let output = log.filter { Self.text($0["stream"]) == "stdout" }
        #expect(output.map { Self.text($0["text"]) } == ["one", "", "end"])
        #expect(output.map { $0["partial"] } == [nil, nil, .bool(true)])
        #expect(log.filter { Self.text($0["stream"]) == "stderr" }.map { Self.text($0["text"]) } == ["two"])
        for record in log { #expect(Self.text(record["time"]).flatMap { Timestamp.parse($0) } != nil) }
        var status = stat()
        #expect(stat(shim.container.logFile.string, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test("who hears of the end finds everything in the log that was written before it", arguments: 0..<20)
    func beforeTheEnd(round: Int) throws {
        let shim = try TestContainer(shell: "seq 5000 & seq 5000 >&2; wait; printf last", logged: true).start()
        try shim.started()
        _ = try shim.exited()
        let log = try shim.container.log()
        #expect(log.count == 10_001)
        #expect(log.contains { Self.text($0["text"]) == "last" })
        #expect(shim.end() == 0)
    }

    @Test(
        "whatever the container writes, one record stays one line and gives the same bytes back (X-36)",
        arguments: [
            #"\033]52;c;aGk=\007"#, #"a\rb"#, #"\000nul\000"#, #"quote\042 back\\\\ slash"#,
            #"{\042stream\042:\042stdout\042,\042text\042:\042forged\042}"#,
            #"\377\376 not UTF-8"#, #"\303\244\342\202\254\360\237\230\200"#, #"\302\205\342\200\250"#, #"\177"#, #"\355\240\200"#,
        ])
    func hostile(text: String) throws {
        let shim = try TestContainer(shell: "printf '\(text)\\n' | cat", expectsAttach: true, logged: true).start()
        try shim.started()
        let client = try shim.connect()
        try client.attach()
        var raw: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = read(client.streams[.stdout] ?? -1, &buffer, buffer.count)
            if count <= 0 { break }
            raw += buffer[..<count]
        }
        #expect(raw.last == UInt8(ascii: "\n"), "attach stays raw")
        #expect(shim.end() == 0)
        let log = try shim.container.log()
        #expect(log.count == 1)
        let record = try #require(log.first)
        if let text = Self.text(record["text"]) {
            #expect(Array(text.utf8) == Array(raw.dropLast()))
        } else {
            #expect(try Self.decodeBase64(#require(Self.text(record["base64"]))) == Array(raw.dropLast()))
        }
        let stored = try readFile(shim.container.logFile)
        #expect(stored.filter { $0 < 0x20 || $0 == 0x7F } == [UInt8(ascii: "\n")], "no control byte but the line feed")
    }

    private static func decodeBase64(_ text: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for letter in text.utf8 {
            guard let value = alphabet.firstIndex(of: letter) else { break }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return bytes
    }

    @Test("a line of 10 MiB is cut into partial records of 16 KiB, never inside a character")
    func longLine() throws {
        // 3 bytes a character: 16,384 is no multiple of 3.
        let container = try TestContainer(
            shell: "x=$(printf '\\342\\202\\254%.0s' $(seq 1 1000)); for i in $(seq 1 3500); do printf '%s' $x; done; echo", logged: true
        )
        container.configuration.logLimits = LogLimits(maxSizeInBytes: 1 << 30)
        let shim = try container.start()
        try shim.started()
        #expect(shim.end(within: 60) == 0)
        let log = try shim.container.log()
        let texts = try log.map { try #require(Self.text($0["text"])) }
        #expect(texts.allSatisfy { $0.utf8.count <= 16384 })
        #expect(texts.reduce(0) { $0 + $1.utf8.count } == 3500 * 3000)
        #expect(log.dropLast().allSatisfy { $0["partial"] == .bool(true) })
        #expect(log.last?["partial"] == nil)
    }

    @Test("a container that is started again goes on with its log, after a torn record too")
    func appended() throws {
        let container = try TestContainer(shell: "echo again", logged: true)
        try makeDirectory(container.path.appending("log"), mode: 0o700)
        try replaceFile(container.logFile, with: Array("{\"torn\":".utf8))
        let shim = try container.start()
        try shim.started()
        #expect(shim.end() == 0)
        let lines = try readFile(container.logFile).split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == 2)
        #expect(try JSON.parse(Array(lines[1])) != .null)
    }

    @Test("a full disk loses records, says so later, tears none, and does not stop the container (F-09)")
    func fullDisk() throws {
        let script = "trap 'go=1' USR1; seq 1 40000; echo full >&2; while [ -z $go ]; do sleep 0.02; done; seq 1 5; exit 3"
        let container = try TestContainer(shell: script, expectsAttach: true, logged: true)
        let directory = container.path.appending("log")
        try makeDirectory(directory, mode: 0o700)
        let disk = try FilesystemContext("tmpfs")
        try disk.set("size", "1m")
        let target = try openFile(directory, O_RDONLY | O_DIRECTORY)
        try disk.mount().attach(at: target.raw, name: directory.string)
        defer { try? unmount(directory, lazily: true) }
        let shim = try container.start()
        try shim.started()
        let client = try shim.connect()
        try client.attach()
        client.close(.stdout)
        #expect(client.read(.stderr, until: "full") == "full\n", "it was not stopped")
        let full = try container.log()
        #expect(full.count > 1000)
        // Room again: the operator empties what was in the way.
        truncate(container.logFile.string, 0)
        #expect(try client.ask(.signal(SIGUSR1)) == .done)
        #expect(try shim.exited().exitCode == 3)
        #expect(shim.end() == 0)
        let texts = try container.log().compactMap { Self.text($0["text"]) }
        #expect(texts.suffix(5) == ["1", "2", "3", "4", "5"])
        let all = full.compactMap { Self.text($0["text"]) } + texts
        #expect(all.contains { $0.contains("bytes of log records could not be written") })
    }
}
