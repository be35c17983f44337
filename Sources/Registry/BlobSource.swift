// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import AsyncHTTPClient
internal import Linux
internal import NIOCore
internal import NIOHTTP1
package import OCI
internal import Synchronization

/// A blob on its way from a registry: fetched by a task, read by a thread that may wait.
///
/// A connection that breaks is taken up again where it broke (Range), or from the start where the registry can't; bytes that were
/// given once are skipped then. What comes is not trusted: the reader checks size and digest.
package final class BlobSource: Sendable {
    private let parts = BlockingQueue<[UInt8]>(capacity: 32)
    private let rest = Mutex<ArraySlice<UInt8>>([])
    private let failure = Mutex<String?>(nil)
    private let task = Mutex<Task<Void, Never>?>(nil)

    private static let mostBreaks = 5

    init(_ client: RegistryClient, _ request: RegistryRequest, size: Int64, onRetry: @escaping @Sendable () -> Void) {
        let fetching = Task { await self.fetch(client, request, size, onRetry) }
        task.withLock { $0 = fetching }
    }

    /// Some bytes; 0 at the end. - Throws: `BlobFailure`, with what the registry said.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(BlobFailure) -> Int {
        var slice = rest.withLock { $0 }
        if slice.isEmpty {
            guard let next = parts.take() else {
                if let reason = failure.withLock({ $0 }) { throw BlobFailure(reason: reason) }
                return 0
            }
            slice = next[...]
        }
        let count = min(buffer.count, slice.count)
        slice.withUnsafeBytes { bytes in buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
        let left = slice.dropFirst(count)
        rest.withLock { $0 = left }
        return count
    }

    package func cancel() {
        failure.withLock { if $0 == nil { $0 = "cancelled" } }
        task.withLock { $0 }?.cancel()
        parts.close()
    }

    private func fetch(_ client: RegistryClient, _ request: RegistryRequest, _ size: Int64, _ onRetry: @Sendable () -> Void) async {
        var given: Int64 = 0
        var breaks = 0
        while true {
            do {
                try await fetchOnce(client, request, size, &given)
                if given >= size { break }
                throw RegistryError.badAnswer(what: request.what, reason: "the connection ended after \(given) of \(size) bytes")
            } catch {
                breaks += 1
                if let final = error as? RegistryError, !final.mayPass || breaks > Self.mostBreaks { return fail("\(final)") }
                if Task.isCancelled || breaks > Self.mostBreaks { return fail(Task.isCancelled ? "cancelled" : printable("\(error)")) }
                onRetry()
                try? await RetryReason(reason: "", after: nil).pause(attempt: breaks)
            }
        }
        parts.close()
    }

    private func fail(_ reason: String) {
        failure.withLock { if $0 == nil { $0 = reason } }
        parts.close()
    }

    private func fetchOnce(_ client: RegistryClient, _ request: RegistryRequest, _ size: Int64, _ given: inout Int64) async throws {
        var request = request
        request.offset = given
        let response = try await client.send(request)
        var skip = response.status == .partialContent ? 0 : given
        for try await part in response.body {
            var bytes = Array(part.readableBytesView)
            if skip > 0 {
                let dropped = min(Int64(bytes.count), skip)
                bytes.removeFirst(Int(dropped))
                skip -= dropped
            }
            if bytes.isEmpty { continue }
            // One byte more than promised is enough for the reader to refuse it; the rest need not come.
            let allowed = size + 1 - given
            if Int64(bytes.count) > allowed { bytes.removeLast(bytes.count - Int(allowed)) }
            given += Int64(bytes.count)
            try await put(bytes)
            if given > size { return }
        }
    }

    /// Waits, without a thread, while the reader is behind.
    private func put(_ bytes: [UInt8]) async throws {
        while true {
            switch parts.offer(bytes) {
            case .taken: return
            case .closed: throw CancellationError()
            case .full: try await Task.sleep(for: .milliseconds(1))
            }
        }
    }
}

package struct BlobFailure: Error, Sendable, Hashable {
    package var reason: String
}

extension RegistryError {
    /// Might another attempt succeed?
    fileprivate var mayPass: Bool {
        switch self {
        case .badAnswer, .unavailable: true
        default: false
        }
    }
}

extension RegistryClient {
    /// Begins to fetch a layer. - Parameter onRetry: told when a broken connection is taken up again.
    package func stream(
        _ descriptor: Descriptor, of reference: ImageReference, credentials: RegistryCredentials?,
        onRetry: @escaping @Sendable () -> Void = {}
    ) -> BlobSource {
        BlobSource(self, blobRequest(descriptor.digest, reference, credentials), size: descriptor.size, onRetry: onRetry)
    }
}
