// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// From now on a receive from this socket waits so long and then fails with EAGAIN: a message that does not come fails its test, and does not
/// hold up the whole run.
package func limitWaits(_ socket: CInt, seconds: Int = 60) {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
}
