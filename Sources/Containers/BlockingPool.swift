// SPDX-License-Identifier: Apache-2.0

internal import NIOPosix

/// Threads for calls that block: mounts, syncs, waits, databases. The cooperative pool must never sleep in the kernel.
package final class BlockingPool: Sendable {
    private let pool: NIOThreadPool

    /// - Parameter width: how many calls can be in the kernel at once; an idle thread costs its stack's touched pages.
    package init(width: Int = 16) {
        pool = NIOThreadPool(numberOfThreads: width)
        pool.start()
    }

    /// Runs the body on a thread of the pool and hands its result, or its typed error, back. It is not cancelled half-way.
    package func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            // After shutdown the pool still calls back, on the caller's thread: the work is small enough to be done there.
            pool.submit { _ in
                do throws(Failure) { continuation.resume(returning: .success(try body())) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    package func shutdown() async { try? await pool.shutdownGracefully() }
}
