// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// The health of the shim's container: the probe that is under way, if one is, and what the last ones have said.
///
///     idle --due, or asked for--> probing --answer, or timeout--> idle        frozen: no probe is begun, and one under way tells nothing
///       +------------------- stop, or the end of PID 1 --> over
///
/// At most one process of a probe is there at any time: one that can't be ended (an uninterruptible wait) is waited for, and each probe that is
/// due meanwhile has failed.
final class HealthMonitor {
    enum Probe {
        case program(ProgramProbe)
        case network(NetworkProbe)
    }

    var tracker: HealthTracker
    /// For probes by program: what the container's first process has, with the probe's words.
    let process: RuntimeSpec.Process?
    private(set) var probe: Probe?
    /// Killed, and not reaped yet.
    private(set) var lingering: ProgramProbe?
    private(set) var begun = Moment.now
    private(set) var begunAt = ""
    private(set) var deadline: Moment?
    /// Whether the container stands still is looked at again then, while a probe is under way.
    private(set) var frozenCheck: Moment?
    /// Those that have asked for a probe now.
    var waiting: [ShimClient] = []
    private(set) var isOver = false
    /// SIGKILL is due, after the stop signal.
    var killDue: Moment?
    private var groups = 0
    /// Which probe it is: what was waited for on the last one's descriptors says nothing about this one.
    private(set) var serial = 0

    init(_ settings: ShimHealth, process: RuntimeSpec.Process, startedAt: Moment) {
        tracker = HealthTracker(settings, startedAt: startedAt)
        var own = process
        own.terminal = false
        own.consoleSize = nil
        own.args = settings.command ?? []
        self.process = settings.command == nil ? nil : own
    }

    var settings: ShimHealth { tracker.settings }
    var isProbing: Bool { probe != nil }

    /// A name for the group of a probe that no other of this container has had.
    func nextGroup() -> FilePath.Component? {
        groups += 1
        return FilePath.Component("health-\(groups)")
    }

    // MARK: A probe's way

    func noteBegin(_ now: Moment) {
        begun = now
        begunAt = Timestamp.now()
    }

    func follow(_ probe: Probe) {
        self.probe = probe
        serial += 1
        deadline = begun.advanced(byMilliseconds: settings.timeoutMilliseconds)
        frozenCheck = begun.advanced(byMilliseconds: Self.frozenInterval)
    }

    func checkFrozenLater(_ now: Moment) { frozenCheck = now.advanced(byMilliseconds: Self.frozenInterval) }

    private static let frozenInterval: UInt64 = 1000

    /// Nothing of it is heard any more. A program is killed, and its group is left to be released when it is reaped.
    func dropProbe() {
        if case .program(let program)? = probe {
            program.kill()
            lingering = program
        }
        clearProbe()
    }

    /// It has told its answer.
    func clearProbe() {
        probe = nil
        deadline = nil
        frozenCheck = nil
    }

    func clearLingering() { lingering = nil }

    func end() {
        isOver = true
        dropProbe()
    }

    var nextMoment: Moment? {
        let probing = isProbing ? [deadline, frozenCheck] : [isOver ? nil : tracker.next]
        return (probing + [killDue]).compactMap(\.self).min()
    }

    func watch(_ add: (CInt, PollEvents, Int, ProbeEnd) -> Void) {
        switch probe {
        case .program(let program): program.watch { raw, events, end in add(raw, events, serial, end) }
        case .network(let network): network.watch { raw, events, end in add(raw, events, serial, end) }
        case nil: break
        }
    }
}
