// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A moment of the clock that never jumps (CLOCK_MONOTONIC): for deadlines and durations, never for people.
package struct Moment: Sendable, Hashable, Comparable {
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static var now: Moment {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    package static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

    package func advanced(byMilliseconds milliseconds: UInt64) -> Moment {
        Moment(nanoseconds: nanoseconds &+ milliseconds &* 1_000_000)
    }

    /// Whole milliseconds until then, rounded up, as poll(2) wants them; 0 where it has passed.
    package func milliseconds(from now: Moment) -> CInt {
        guard self > now else { return 0 }
        return CInt(clamping: (nanoseconds - now.nanoseconds - 1) / 1_000_000 + 1)
    }
}

/// The clock of people (CLOCK_REALTIME), since 1970 in UTC. It jumps: for records, never for deadlines.
package func wallClock() -> (seconds: Int64, nanoseconds: Int64) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return (Int64(time.tv_sec), Int64(time.tv_nsec))
}
