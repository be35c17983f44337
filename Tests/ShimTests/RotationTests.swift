// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// The limits of a log, and who waits for the disk (F-16).
@Suite(.asRoot, .busybox, .serialized) struct RotationTests {
    private static func texts(_ container: TestContainer) throws -> [String] {
        let directory = container.logFile.removingLastComponent()
        var texts: [String] = []
        for name in try LogFiles.numbers(in: directory).map(LogFiles.name) + [LogFiles.current] {
            for line in try readFile(directory.appending(name), limit: 1 << 30).split(separator: UInt8(ascii: "\n")) {
                guard case .object(let record) = try JSON.parse(Array(line)), case .string(let text)? = record["text"] else {
                    throw UnexpectedLog()
                }
                texts.append(text)
            }
        }
        return texts
    }

    private static func sizes(_ container: TestContainer) -> [Int64] {
        let directory = container.logFile.removingLastComponent()
        guard let names = try? openFile(directory, O_RDONLY | O_DIRECTORY).entries(of: "log").map(\.name) else { return [] }
        return names.compactMap { name in
            var status = stat()
            return stat(directory.appending(String(decoding: name, as: UTF8.self)).string, &status) == 0 ? Int64(status.st_size) : nil
        }
    }

    /// `CTR_SWIFT_SLOW_TESTS=1`: 200 MiB, as the defaults limit it.
    private static let isSlow = getenv("CTR_SWIFT_SLOW_TESTS") != nil

    @Test(
        "no file is ever larger than the limit, there are never more of them, and what is kept is the end without a gap",
        arguments: [(128 << 10, 1), (128 << 10, 2), (200_001, 3), (1 << 20, 3)] as [(Int64, Int)])
    func limits(size: Int64, files: Int) throws {
        let count = Self.isSlow ? 2_500_000 : 120_000
        let container = try TestContainer(shell: "seq 1 \(count)", logged: true)
        container.configuration.logLimits = LogLimits(maxSizeInBytes: size, maxFiles: files)
        let shim = try container.start()
        try shim.started()
        var looks = 0
        while !shim.hasGone(), looks < 60_000 {
            let sizes = Self.sizes(container)
            #expect(sizes.allSatisfy { $0 <= size } && sizes.count <= files)
            looks += 1
        }
        #expect(shim.hasGone())
        let texts = try Self.texts(container)
        let first = try #require(texts.first.flatMap { Int($0) })
        #expect(texts == (first...count).map { "\($0)" })
        let total = Self.sizes(container).reduce(0, +)
        #expect(total <= size * Int64(files) && (files == 1 || total > size * Int64(files - 1) - 200))
        if files > 1 { #expect(first > 1, "something was put away") }
    }

    @Test("a log that is gone on with keeps its limit, and its numbers go on")
    func secondRun() throws {
        let container = try TestContainer(shell: "seq 1 8000", logged: true)
        container.configuration.logLimits = LogLimits(maxSizeInBytes: 128 << 10, maxFiles: 3)
        var newest = 0
        for _ in 0..<3 {
            let shim = try container.start()
            try shim.started()
            #expect(shim.end() == 0)
            // What the engine does before the next start.
            try OverlayMount.forgetVolatile(work: container.path.appending("work"))
            try makeDirectory(container.state.appending("rootfs"), mode: 0o755)
            let numbers = try LogFiles.numbers(in: container.logFile.removingLastComponent())
            #expect(numbers.count == 2 && (numbers.last ?? 0) > newest)
            newest = numbers.last ?? 0
            #expect(Self.sizes(container).allSatisfy { $0 <= 128 << 10 })
            #expect(try Self.texts(container).last == "8000")
        }
    }

    @Test("a reader that follows while files are put aside gets every record, in order")
    func nothingLost() throws {
        let container = try TestContainer(shell: "seq 1 60000", logged: true)
        container.configuration.logLimits = LogLimits(maxSizeInBytes: 128 << 10, maxFiles: 1000)
        let shim = try container.start()
        try shim.started()
        #expect(shim.end() == 0)
        #expect(try Self.texts(container) == (1...60000).map { "\($0)" })
    }

    @Test("in the non-blocking mode a disk that stands still stops nobody: what is dropped is counted and told")
    func nonBlocking() throws {
        let script = "trap 'go=1' USR1; echo ready; while [ -z $go ]; do sleep 0.02; done; seq 1 100000; exit 4"
        let container = try TestContainer(shell: script, logged: true)
        container.configuration.logLimits = LogLimits(mode: .nonBlocking, bufferSizeInBytes: 256 << 10)
        let shim = try container.start()
        try shim.started()
        // It has its own program a moment after the container has.
        try eventually("the writer runs") { try Self.writer(of: shim) != nil }
        let writer = try #require(try Self.writer(of: shim))
        for _ in 0..<3000 where (try? readFile(container.logFile))?.contains(UInt8(ascii: "y")) != true { usleep(10_000) }
        #expect(kill(writer, SIGSTOP) == 0)
        #expect(try shim.connect().ask(.signal(SIGUSR1)) == .done)
        let exit = try shim.exited()
        #expect(exit.exitCode == 4, "it was not stopped")
        #expect(kill(writer, SIGCONT) == 0)
        #expect(shim.end() == 0)
        let texts = try Self.texts(container)
        let kept = texts.compactMap { Int($0) }
        #expect(kept == kept.sorted() && kept.count > 1000)
        let told = texts.compactMap { text in
            text.hasPrefix("[ctr-swift: ") ? text.split(separator: " ").dropFirst().first.flatMap { Int($0) } : nil
        }.reduce(0, +)
        #expect(told > 0 && kept.count + told == 100_000)
        #expect(exit.droppedLogRecords.map { $0 > 0 && $0 <= told } == true)
    }

    @Test("in the non-blocking mode a disk that keeps up loses nothing")
    func nonBlockingAtEase() throws {
        let container = try TestContainer(shell: "for i in $(seq 1 200); do echo $i; done; printf end", logged: true)
        container.configuration.logLimits = LogLimits(mode: .nonBlocking)
        let shim = try container.start()
        try shim.started()
        #expect(try shim.exited().droppedLogRecords == 0)
        #expect(shim.end() == 0)
        #expect(try Self.texts(container) == (1...200).map { "\($0)" } + ["end"])
    }

    /// The shim's child that is not the container.
    private static func writer(of shim: TestShim) throws -> pid_t? {
        let children = String(decoding: try readFile(FilePath("/proc/\(shim.pid)/task/\(shim.pid)/children")), as: UTF8.self)
        return try children.split(separator: " ").compactMap { pid_t($0) }.first { pid in
            String(decoding: try readFile(FilePath("/proc/\(pid)/cmdline")), as: UTF8.self).contains("\0log\0")
        }
    }
}
