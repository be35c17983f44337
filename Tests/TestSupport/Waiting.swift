// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// From now on a receive from this socket waits so long and then fails with EAGAIN: a message that does not come fails its test, and does not
/// hold up the whole run.
package func limitWaits(_ socket: CInt, seconds: Int = 60) {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
}

/// Waits for what another thread or process is about to do; a minute without it is a failure. Async tests have one of their own: this holds a thread.
package func eventually(_ what: String, _ condition: () throws -> Bool) throws {
    for _ in 0..<6000 {
        if try condition() { return }
        usleep(10_000)
    }
    throw Failure("it did not come to be within a minute that \(what)")
}
