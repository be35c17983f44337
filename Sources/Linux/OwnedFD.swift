// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// A descriptor with one owner, closed once. Numbers leave it only for the length of a call.
///
/// Every descriptor that this project makes is close-on-exec from birth.
package struct OwnedFD: ~Copyable, Sendable {
    package let raw: CInt

    /// Takes over a descriptor that the kernel has just returned.
    package init(owning raw: CInt) {
        precondition(raw >= 0, "a descriptor is not negative")
        self.raw = raw
    }

    /// The net, not the path: where a late write error matters, use `close(of:)`.
    deinit { _ = Glibc.close(raw) }

    /// Lends the number for the length of `body`.
    package borrowing func withRaw<Result: ~Copyable, Failure: Error>(
        _ body: (CInt) throws(Failure) -> Result
    ) throws(Failure) -> Result { try body(raw) }

    /// Closes now and tells: a delayed write error may show only here. Never retried: close(2), "Dealing with error returns".
    package consuming func close(of object: String) throws(KernelError) {
        let raw = self.raw
        discard self
        if Glibc.close(raw) == -1 {
            let errno = lastErrno()
            if errno != .interrupted { throw KernelError(call: "close(2)", object: object, errno: errno) }
        }
    }

    /// Gives the number away: to a stream, to a spawned child's table, to a framework that will close it.
    package consuming func release() -> CInt {
        let raw = self.raw
        discard self
        return raw
    }

    /// A second descriptor of the same open file description, close-on-exec. Source: fcntl(2), F_DUPFD_CLOEXEC.
    package borrowing func duplicate() throws(KernelError) -> OwnedFD {
        let raw = self.raw
        return OwnedFD(owning: try kernel("fcntl(2)", "descriptor \(raw)") { fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }
}
