// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Runtime

// The end of a stop's time is kept here, too: the engine that began the stop may have been killed, and nobody may come in its place for long.
extension ShimServer {
    /// The earliest that was asked for counts.
    func scheduleKill(after milliseconds: UInt64, for request: String?) {
        let moment = Moment.now.advanced(byMilliseconds: milliseconds)
        guard dueKill.map({ moment < $0.at }) ?? true else { return }
        dueKill = (moment, request)
    }

    func killInit(for request: String?) {
        dueKill = nil
        guard exit == nil else { return }
        sentSignals.note(SIGKILL, by: request)
        do throws(KernelError) {
            _ = try sendSignal(SIGKILL, to: initProcess.pidfd)
            // Cgroup v1 ends nobody who stands still.
            if try initProcess.cgroup.isFreezing { try initProcess.cgroup.thaw() }
        } catch {
            Complaint.write("PID 1 could not be ended after the stop's time: \(error)")
        }
    }
}
