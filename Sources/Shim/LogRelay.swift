// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// The log in its non-blocking mode: records go by a pipe to a process that writes them, and wait in a bounded buffer where the pipe is full.
///
/// A process and not a thread: the shim has one thread from first to last, since its children go on in Swift after clone3(2).
/// Records that find the buffer full are dropped whole, counted, and the next that is kept has a record before it that says so.
final class LogRelay {
    /// How long the end of a container waits for a disk that takes nothing.
    private static let patience: UInt64 = 5_000

    private var pipe: OwnedFD?
    private let writer: pid_t
    private let limit: Int
    private var backlog: [UInt8] = []
    private var given = 0
    /// Since the container's start.
    private(set) var dropped = 0
    private var untold = 0

    init(_ directory: FilePath, _ limits: LogLimits) throws(KernelError) {
        var ends = try Pipe()
        let reader = ends.takeReader()
        let null = try openFile("/dev/null", O_RDWR)
        writer = try spawn(
            "/proc/self/exe",
            arguments: ["ctr-swift-shim", "log", directory.string, "\(limits.maxSizeInBytes)", "\(limits.maxFiles)"], environment: [],
            descriptors: [(reader.raw, 0), (null.raw, 1), (2, 2)])
        let writerEnd = ends.takeWriter()
        try writerEnd.setNonblocking()
        pipe = consume writerEnd
        limit = limits.bufferSizeInBytes
    }

    private var waiting: Int { backlog.count - given }

    private var descriptor: CInt? {
        switch pipe {
        case .some(let pipe): pipe.raw
        case .none: nil
        }
    }

    var waitingDescriptor: CInt? { waiting > 0 ? descriptor : nil }

    func give(_ records: ArraySlice<UInt8>) {
        guard !records.isEmpty else { return }
        var records = records
        if untold > 0 {
            let notice = LogRecords.notice("\(untold) log records were dropped: they came faster than the disk took them")
            guard waiting + notice.count < limit else { return drop(records) }
            backlog += notice
            untold = 0
        }
        while waiting + records.count > limit {
            // The last record first: what is kept has no hole in its middle.
            let before = records.dropLast().lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? records.startIndex
            drop(records[before...])
            records = records[..<before]
        }
        backlog += records
        continueGiving()
    }

    private func drop(_ records: ArraySlice<UInt8>) {
        let count = records.count { $0 == UInt8(ascii: "\n") }
        dropped += count
        untold += count
    }

    func continueGiving() {
        guard let raw = descriptor, waiting > 0 else { return }
        do throws(KernelError) {
            while waiting > 0 {
                let rest = backlog[given...]
                let count = try rest.span.withUnsafeBytes { rest throws(KernelError) in try writeSome(raw, rest, object: "the log's writer")
                }
                if count == 0 { break }
                given += count
            }
        } catch {
            Complaint.write("the log's writer has gone: \(error)")
            drop(backlog[given...])
            pipe = nil
            backlog = []
            given = 0
        }
        if given == backlog.count || given > 1 << 20 {
            backlog.removeFirst(given)
            given = 0
        }
    }

    /// What was dropped last is told, too.
    func finish() {
        let deadline = Moment.now.advanced(byMilliseconds: Self.patience)
        if untold > 0 {
            backlog += LogRecords.notice("\(untold) log records were dropped: they came faster than the disk took them")
            untold = 0
        }
        while let raw = waitingDescriptor, Moment.now < deadline {
            var poll = Poll<Int>()
            poll.add(raw, .writable, 0)
            guard (try? poll.wait(milliseconds: deadline.milliseconds(from: .now))) != nil else { break }
            continueGiving()
        }
        pipe = nil
        // It ends when it has read everything; one that is stuck ends by itself when its disk comes back.
        while waitpid(writer, nil, WNOHANG) == 0, Moment.now < deadline { usleep(1000) }
    }
}

/// `ctr-swift-shim log DIRECTORY SIZE FILES`: writes the records that come on stdin, until its end.
package enum LogProcess {
    /// - Returns: the exit status.
    package static func run(_ arguments: [String]) -> CInt {
        umask(0)
        guard arguments.count == 3, let size = Int64(arguments[1]), let files = Int(arguments[2]) else { return 64 }
        var all = sigset_t()
        sigfillset(&all)
        // The container's last words are in the pipe when everything else is told to end.
        sigprocmask(SIG_BLOCK, &all, nil)
        do throws(KernelError) {
            let limits = LogLimits(maxSizeInBytes: size, maxFiles: files)
            var store = RecordStore(try LogFile.open(in: FilePath(arguments[0]), limits))
            try relay(into: &store)
            return 0
        } catch {
            Complaint.write("the log: \(error)")
            return 1
        }
    }

    private static func relay(into store: inout RecordStore) throws(KernelError) {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        var rest: [UInt8] = []
        while true {
            var span = chunk.mutableSpan
            let count = try span.withUnsafeMutableBytes { buffer throws(KernelError) in
                try kernel("read(2)", "records") { read(0, buffer.baseAddress, buffer.count) }
            }
            if count == 0 { return }
            rest += chunk[..<count]
            guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            store.store(rest[...end])
            rest.removeFirst(end + 1)
        }
    }
}
