// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import ShimProtocol
internal import SystemPackage

/// Writes a container's output as JSON lines, one `LogRecord` (APITypes) each: the one place where output is kept.
///
/// A record is whole or not there. In the blocking mode the shim writes the file itself, and a container whose disk is slow waits for it; in
/// the other a process of its own writes, and what it can't take is dropped and counted (`LogRelay`).
struct LogWriter: ~Copyable {
    /// A line that is longer becomes several records, all but the last marked `partial`.
    static let longestText = 16 << 10

    private var store: RecordStore?
    private let relay: LogRelay?
    private var lines: [ShimStream: LogLines] = [:]

    /// Opens the log, or goes on with it: the container is started again.
    static func open(in directory: FilePath, _ limits: LogLimits) throws(KernelError) -> LogWriter {
        switch limits.mode {
        case .blocking: LogWriter(store: RecordStore(try LogFile.open(in: directory, limits)), relay: nil)
        case .nonBlocking: LogWriter(store: nil, relay: try LogRelay(directory, limits))
        }
    }

    private init(store: consuming RecordStore?, relay: LogRelay?) {
        self.store = store
        self.relay = relay
    }

    /// Takes output as it came; the bytes after the last line feed wait for more.
    mutating func write(_ bytes: ArraySlice<UInt8>, from stream: ShimStream) {
        var records = LogRecords(stream: stream)
        lines[stream, default: LogLines()].take(bytes, into: &records)
        keep(records.bytes[...])
    }

    /// A stream has ended: what has no line feed is a (partial) record, too.
    mutating func end(_ stream: ShimStream) {
        var records = LogRecords(stream: stream)
        lines[stream]?.finish(into: &records)
        lines[stream] = nil
        keep(records.bytes[...])
    }

    private mutating func keep(_ records: ArraySlice<UInt8>) {
        if let relay { relay.give(records) } else { store?.store(records) }
    }

    // MARK: The mode that never waits

    /// To be polled for room, where something waits for it.
    var waitingDescriptor: CInt? { relay?.waitingDescriptor }

    func continueWriting() { relay?.continueGiving() }

    /// nil in the blocking mode, which drops none.
    var droppedRecords: Int? { relay?.dropped }

    /// Nothing more comes: what still waits is written, as long as the disk takes it.
    func finish() { relay?.finish() }
}
