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
    private let failure = Mutex<BlobFailure?>(nil)
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(_ client: RegistryClient, _ request: RegistryRequest, size: Int64, onRetry: @escaping @Sendable () -> Void) {
        let fetching = Task { await self.fetch(BlobFetch(client: client, request: request, size: size), onRetry) }
        task.withLock { $0 = fetching }
    }

    /// Some bytes; 0 at the end. - Throws: `BlobFailure`, with what the registry said.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(BlobFailure) -> Int {
        var slice = rest.withLock { $0 }
        if slice.isEmpty {
            guard let next = parts.take() else {
                if let reason = failure.withLock({ $0 }) { throw reason }
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
        failure.withLock { if $0 == nil { $0 = .cancelled } }
        task.withLock { $0 }?.cancel()
        parts.close()
    }

    private func fetch(_ fetch: BlobFetch, _ onRetry: @Sendable () -> Void) async {
        var fetch = fetch
        do {
            try await fetch.run(onRetry) { bytes in try await self.put(bytes) }
        } catch {
            let reason = (error as? RegistryError).map { BlobFailure.registry($0) } ?? .cancelled
            failure.withLock { if $0 == nil { $0 = reason } }
        }
        parts.close()
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

/// Why a blob did not come.
package enum BlobFailure: Error, Sendable, Hashable {
    case registry(RegistryError)
    case cancelled
}

extension BlobFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .registry(let error): "\(error)"
        case .cancelled: "cancelled"
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
