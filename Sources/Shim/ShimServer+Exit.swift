// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

extension ShimServer {
    /// Takes every child that has ended: PID 1, and orphans that were given to the shim as their subreaper.
    func reapChildren() {
        // The signal only says that there is something to reap.
        _ = try? childSignals.next()
        while true {
            var status: CInt = 0
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return }
            if pid == initProcess.pid { noteExit(status) }
        }
    }

    private func noteExit(_ status: CInt) {
        let end = WaitStatus(status)
        let record = ShimExit(
            exitCode: end.exitCode, signal: end.signal, outOfMemory: wasOutOfMemory,
            startedAt: started.startedAt, finishedAt: Timestamp.now())
        exit = record
        stdin = nil
        endRest()
        keep(record)
        for client in clients where !client.wasToldExit {
            client.wasToldExit = true
            client.tell(.exited(record))
        }
        deadline = Self.now() + Self.patience
    }

    private var wasOutOfMemory: Bool {
        do throws(KernelError) { return try initProcess.cgroup.outOfMemoryKills > 0 } catch { return false }
    }

    /// With a pid namespace the kernel has ended the rest already; without one they are in the cgroup.
    private func endRest() {
        do throws(KernelError) {
            try initProcess.cgroup.killAll()
            try initProcess.cgroup.delete()
        } catch {
            complain("the cgroup is left: \(error)")
        }
    }

    /// Written aside and renamed: a reader sees it whole or not at all.
    private func keep(_ record: ShimExit) {
        do {
            try replaceFile(FilePath(configuration.stateDirectory).appending("exit.json"), with: try JSON.encode(record), mode: 0o600)
        } catch {
            complain("the end could not be recorded: \(error)")
        }
    }

    /// To `shim.log`, which the engine quotes when it has to.
    func complain(_ text: String) {
        let line = Array("\(Timestamp.now()) \(text)\n".utf8)
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
