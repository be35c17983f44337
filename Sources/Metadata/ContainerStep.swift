// SPDX-License-Identifier: Apache-2.0

/// The moments of containers' lives between which the end of the daemon must not matter: something has just changed that others see (the
/// kernel, a monitor, the state directory, a record), and the daemon has not gone on yet. What the root has of them are `StoreStep`s.
///
/// A test for each of them is required: tests iterate `allCases`.
package enum ContainerStep: String, Sendable, Hashable, CaseIterable {
    // A start, by hand or by a policy.
    /// The state directory is there, and nothing in it.
    case stateMade
    /// The monitor's orders are written; it waits for the word to begin.
    case shimConfigured
    /// The monitor has the word, and has said nothing yet.
    case shimBegun
    /// PID 1 runs; only this process has been told.
    case startTold
    /// It is listened to; whoever asked has no answer.
    case startListened

    // A stop.
    /// Its policy does not start it again.
    case stopNoted
    /// PID 1 has the stop signal.
    case stopSignalled
    /// And SIGKILL, after the time.
    case stopKilled
    /// It has ended; whoever asked has no answer.
    case stopFinished

    case killSignalled
    /// It is to be ended and removed.
    case removalNoted

    // A restart by hand.
    case restartNoted
    case restartStopped
    case restartStarted

    // A restart by policy.
    /// It is counted, and due.
    case restartCounted
    case restartMade

    case frozen
    case thawed

    // An update.
    case updateNoted
    case limitsApplied
    case limitsWritten
    case updateRecorded

    case renameRecorded

    // A further process.
    case execDescribed
    case execRequested
    case execStarted

    // An end.
    /// It is heard, and nothing is recorded.
    case endHeard
    case endRecorded
    /// The monitor has gone, and nothing was done about it.
    case monitorGone
    /// What it could have left is gone.
    case endTidied
}

extension ContainerStep {
    /// Where a test asked for it, the process ends here.
    package func reach() { ProcessFailpoint.asked?.note(rawValue) }
}
