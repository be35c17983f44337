// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

extension ShimServer {
    /// Takes every child that has ended: PID 1, further processes, and orphans that were given to the shim as their subreaper.
    func reapChildren() {
        // The signal only says that there is something to reap; equal ones are one.
        do throws(KernelError) { _ = try childSignals.next() } catch { Complaint.write("\(error)") }
        while true {
            var status: CInt = 0
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return }
            if pid == initProcess.pid {
                noteExit(WaitStatus(status))
            } else if !noteExecEnd(pid, WaitStatus(status)) {
                noteProbeEnd(pid, WaitStatus(status))
            }
        }
    }

    /// Recorded and told first, tidied up afterwards: whoever waits does not wait for that.
    private func noteExit(_ end: WaitStatus) {
        let memory = memoryEnd()
        var record = ShimExit(
            exitCode: end.exitCode, signal: end.signal, outOfMemory: memory != nil, startedAt: started.startedAt,
            finishedAt: Timestamp.now())
        record.memory = memory
        record.cause = sentSignals.cause(of: end, victimOfMemory: memory.map { $0.victim.map { $0.pid == started.pid } } ?? false)
        record.timings = started.timings
        exit = record
        stdin = nil
        endHealth()
        for process in execs.processes { process.hurryClient() }
        lastOutput = .now
        takeLastOutput()
        record.droppedLogRecords = log?.droppedRecords
        exit = record
        keep(record)
        for client in clients where client.awaitsExit { client.tell(.exited(record)) }
        endRest()
    }

    /// Who hears of the end finds in the log what was written before it. The kernel ends the whole pid namespace before PID 1 can be reaped, so
    /// nothing is added meanwhile; of somebody outside who holds the streams no more is taken than a pipe can hold.
    private func takeLastOutput() {
        guard log != nil else { return }
        for output in outputs {
            var left = Self.largestPipe
            while left > 0, reads(output) {
                let count = take(output)
                if count == 0 { break }
                left -= count
            }
        }
    }

    /// /proc/sys/fs/pipe-max-size, as it is if nobody has changed it.
    private static let largestPipe = 1 << 20

    /// What the kernel killed of the container for want of memory; nil where it killed nothing.
    private func memoryEnd() -> ShimMemoryEnd? {
        let cgroup = initProcess.cgroup
        do throws(KernelError) {
            let kills = try cgroup.outOfMemoryKills
            guard kills > 0 else { return nil }
            var end = ShimMemoryEnd(kills: Int(clamping: kills))
            (end.limitInBytes, end.peakInBytes) = cgroup.memoryUse
            if let path = cgroup.directory(of: "memory")?.path, let kill = OutOfMemoryKill.last(in: path, since: begin) {
                end.level = kill.level.rawValue
                end.cgroup = kill.cgroup
                end.victim = ShimMemoryEnd.Victim(pid: kill.pid, name: kill.name)
            }
            return end
        } catch {
            Complaint.write("no word about memory: \(error)")
            return nil
        }
    }

    /// With a pid namespace of its own the kernel has ended the rest already; without one they are in the cgroup.
    private func endRest() {
        do throws(KernelError) {
            let cgroup = initProcess.currentCgroup
            try cgroup.killAll()
            try cgroup.delete()
        } catch {
            Complaint.write("the cgroup is left: \(error)")
            leavesCgroup = true
        }
    }

    /// Written aside and renamed: a reader sees it whole or not at all.
    private func keep(_ record: ShimExit) {
        do {
            try replaceFile(FilePath(configuration.stateDirectory).appending("exit.json"), with: try JSON.encode(record), mode: 0o600)
        } catch {
            Complaint.write("the end could not be recorded: \(error)")
        }
    }
}
