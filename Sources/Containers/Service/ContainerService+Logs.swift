// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Linux
internal import Synchronization
internal import SystemPackage

extension ContainerService {
    /// The log's records, oldest first. With `follow` until the container has ended and all is read, or the selection's end has come.
    ///
    /// They are read as they are asked for: what a slow client has not taken stays in the files.
    package func logs(
        of container: Container, follow: Bool, _ selection: LogSelection = LogSelection()
    ) -> AsyncThrowingStream<LogRecord, any Error> {
        let reading = LogReading(container, follow: follow, selection, pool)
        return AsyncThrowingStream { try await reading.next() }
    }
}

/// One client's way through a log. One asks at a time.
private final class LogReading: Sendable {
    private struct State {
        var reader: LogReader?
        /// What was read and not asked for yet: as much as `LogReader` gives at once.
        var records: ArraySlice<LogRecord> = []
        /// How long nothing has come.
        var pause = shortestPause
    }

    private let container: Container
    private let follow: Bool
    private let selection: LogSelection
    private let pool: BlockingPool
    private let state = Mutex(State())

    private static let shortestPause = Duration.milliseconds(25)
    private static let longestPause = Duration.milliseconds(200)

    init(_ container: Container, follow: Bool, _ selection: LogSelection, _ pool: BlockingPool) {
        self.container = container
        self.follow = follow
        self.selection = selection
        self.pool = pool
    }

    /// - Returns: nil at the end, and where the client has gone.
    func next() async throws(ContainerError) -> LogRecord? {
        while !Task.isCancelled {
            if let record = state.withLock({ $0.records.popFirst() }) { return record }
            // Asked before reading: what was written before the end is then read after it.
            let ended = !container.life.hasShim || selection.isOver
            if try await read() { continue }
            if ended || !follow { return nil }
            let pause = state.withLock { state in
                // A log that is silent for long is looked at less often.
                state.pause = min(state.pause * 2, Self.longestPause)
                return state.pause
            }
            try? await Task.sleep(for: pause)
        }
        return nil
    }

    /// - Returns: whether there is something.
    private func read() async throws(ContainerError) -> Bool {
        try await pool.run { () throws(ContainerError) in
            guard let reader = try self.reader() else { return false }
            let records = try kernelStep("read the log") { () throws(KernelError) in try reader.next() }
            if records.isEmpty { return false }
            self.state.withLock { state in
                state.records = records[...]
                state.pause = Self.shortestPause
            }
            return true
        }
    }

    /// - Returns: nil where there is no log yet.
    private func reader() throws(ContainerError) -> LogReader? {
        if let reader = state.withLock({ $0.reader }) { return reader }
        do throws(KernelError) {
            let reader = try LogReader(directory: container.paths.log, selection)
            state.withLock { $0.reader = reader }
            return reader
        } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .kernel("read the log", error)
        }
    }
}
