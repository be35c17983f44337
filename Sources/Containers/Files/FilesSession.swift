// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import JSON
internal import Linux
internal import ShimProtocol
internal import Synchronization
internal import SystemPackage

/// What a `ctr-swift-shim files` process does, from its first report to its last. It ends with `finish`, with `cancel`, with a task that waits for it and is
/// cancelled, and with its last holder; the process then, too.
///
/// Every call that may block has a thread of its own for as long as it does: one that hangs on a container's filesystem holds up nobody else.
package final class FilesSession: Sendable {
    private let helper: FilesHelper
    private let input: Mutex<OwnedFD?>
    private let output: OwnedFD
    private let reports: OwnedFD
    private static let pieceSize = 1 << 18

    private init(_ helper: FilesHelper, input: consuming OwnedFD, output: consuming OwnedFD, reports: consuming OwnedFD) {
        self.helper = helper
        self.input = Mutex(consume input)
        self.output = output
        self.reports = reports
    }

    deinit {
        helper.kill()
        helper.reapAside()
    }

    /// - Parameters:
    ///   - shim: the binary, which calls itself the helper.
    ///   - onEnd: called once, when the process is gone.
    static func start(
        _ request: FilesRequest, _ use: LifeCycle.FilesUse, shim: borrowing OwnedFD, onEnd: @escaping @Sendable (FilesHelper) -> Void
    ) throws(ContainerError) -> (session: FilesSession, helper: FilesHelper) {
        let argument: String
        do throws(JSONError) { argument = String(decoding: try JSON.encode(request), as: UTF8.self) } catch {
            throw .encoding("encode a request for files: \(error)")
        }
        let raw = shim.raw
        return try kernelStep("spawn the helper for files") { () throws(KernelError) in
            var input = try Pipe()
            var output = try Pipe()
            var reports = try Pipe()
            let inputReader = input.takeReader()
            let outputWriter = output.takeWriter()
            let reportWriter = reports.takeWriter()
            let null = try openFile("/dev/null", O_RDWR)
            let pid = try spawn(
                "/proc/self/fd/4", arguments: ["ctr-swift-shim", "files", argument], environment: [],
                descriptors: [(inputReader.raw, 0), (outputWriter.raw, 1), (null.raw, 2), (reportWriter.raw, 3), (raw, 4)])
            let helper = FilesHelper(pid: pid, use: use, onEnd: onEnd)
            return (
                FilesSession(helper, input: input.takeWriter(), output: output.takeReader(), reports: reports.takeReader()), helper
            )
        }
    }

    /// The first word: what it has found.
    func ready() async throws(ContainerError) -> FilesStatus? {
        switch try await nextReport() {
        case .ready(let status): return status
        case .failed(let failure): throw .files(failure)
        case .done, .none: throw Self.wasEnded
        }
    }

    /// Some of what goes out; nil at its end, when it is known to be whole.
    package func next() async throws(ContainerError) -> [UInt8]? {
        let bytes = try await blocking { [self] () throws(ContainerError) in try readPiece() }
        if !bytes.isEmpty { return bytes }
        try await finish()
        return nil
    }

    private func readPiece() throws(ContainerError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.pieceSize)
        let raw = output.raw
        return try kernelStep("read an archive") { () throws(KernelError) in
            var span = bytes.mutableSpan
            let count = try span.withUnsafeMutableBytes { buffer throws(KernelError) in
                try kernel("read(2)", "an archive") { read(raw, buffer.baseAddress, buffer.count) }
            }
            return Array(bytes[..<count])
        }
    }

    /// A part of the archive that goes in.
    /// - Returns: false where nobody reads it any more: `finish` tells why.
    package func write(_ bytes: [UInt8]) async throws(ContainerError) -> Bool {
        try await blocking { [self] () throws(ContainerError) in
            do throws(KernelError) {
                // Held while it waits for the helper, since `finish` must not close it meanwhile; `cancel` does not need it.
                try input.withLock { end throws(KernelError) in
                    switch end {
                    case .some(let end):
                        try bytes.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(end, bytes, object: "an archive") }
                    case .none: break
                    }
                }
                return true
            } catch  where error.errno == .brokenPipe {
                return false
            } catch {
                throw .kernel("write an archive", error)
            }
        }
    }

    /// Closes the archive that goes in, and waits for the last word, and for the process's end.
    package func finish() async throws(ContainerError) {
        input.withLock { $0 = nil }
        let report = try await nextReport()
        try await blocking { [helper] () throws(ContainerError) in helper.reap() }
        switch report {
        case .done: return
        case .failed(let failure): throw .files(failure)
        case .ready, .none: throw Self.wasEnded
        }
    }

    private static var wasEnded: ContainerError { .files(FilesFailure(.notPossible, "the copy was ended")) }

    /// Ends the process; who waits for it gets an error.
    package func cancel() { helper.kill() }

    private func nextReport() async throws(ContainerError) -> FilesReport? {
        try await blocking { [self] () throws(ContainerError) in
            var line: [UInt8] = []
            let raw = reports.raw
            while line.last != UInt8(ascii: "\n"), line.count < 1 << 16 {
                var byte: UInt8 = 0
                let count = try kernelStep("hear the helper for files") { () throws(KernelError) in
                    try kernel("read(2)", "reports") { read(raw, &byte, 1) }
                }
                if count == 0 { return nil }
                line.append(byte)
            }
            return try? JSON.decode(FilesReport.self, from: Array(line.dropLast()))
        }
    }

    /// Ends the process, and returns when it is gone, or the task cancelled.
    func abandon() async {
        cancel()
        _ = try? await blocking { [helper] () throws(ContainerError) in helper.reap() }
    }

    /// Whoever has cancelled is not made to wait for a process that the kernel does not let go: its thread does.
    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(ContainerError) -> Value
    ) async throws(ContainerError) -> Value {
        let answer = FirstAnswer<Result<Value, ContainerError>>()
        let result = await withTaskCancellationHandler {
            do throws(KernelError) {
                try startThread(name: "files") {
                    do throws(ContainerError) { answer.give(.success(try body())) } catch { answer.give(.failure(error)) }
                }
            } catch {
                answer.give(.failure(.kernel("start a thread", error)))
            }
            return await answer.wait()
        } onCancel: {
            cancel()
            answer.give(.failure(Self.wasEnded))
        }
        return try result.get()
    }
}
