// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Linux
internal import SystemPackage

extension ContainerService {
    /// The log's records, oldest first. With `follow` until the container has ended and all is read, or the selection's end has come.
    package func logs(
        of container: Container, follow: Bool, _ selection: LogSelection = LogSelection()
    ) -> AsyncThrowingStream<LogRecord, any Error> {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: LogRecord.self, bufferingPolicy: .bufferingOldest(4096))
        let reading = Task {
            do {
                try await self.read(container, follow: follow, selection, into: continuation)
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in reading.cancel() }
        return stream
    }

    private func read(
        _ container: Container, follow: Bool, _ selection: LogSelection,
        into continuation: AsyncThrowingStream<LogRecord, any Error>.Continuation
    ) async throws(ContainerError) {
        var reader: LogReader?
        while !Task.isCancelled {
            // Asked before reading: what was written before the end is then read after it.
            let ended = !container.life.hasShim || selection.isOver
            if reader == nil { reader = try await open(container.paths.log, selection) }
            let known = reader
            let records = try await pool.run { () throws(ContainerError) in
                try kernelStep("read the log") { () throws(KernelError) in try known?.next() ?? [] }
            }
            for record in records { await deliver(record, to: continuation) }
            if !records.isEmpty { continue }
            if ended || !follow { return }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Waits while the client is slow: a log is longer than memory.
    private func deliver(_ record: LogRecord, to continuation: AsyncThrowingStream<LogRecord, any Error>.Continuation) async {
        while case .dropped = continuation.yield(record), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
    }

    private func open(_ directory: FilePath, _ selection: LogSelection) async throws(ContainerError) -> LogReader? {
        try await pool.run { () throws(ContainerError) in
            do throws(KernelError) { return try LogReader(directory: directory, selection) } catch
                where error.errno == .noSuchFileOrDirectory
            {
                return nil
            } catch {
                throw .kernel("read the log", error)
            }
        }
    }
}
