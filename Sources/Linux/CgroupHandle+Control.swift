// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

// What is done to all processes of a group at once, and what the kernel counted.
extension CgroupHandle {
    /// Sends SIGKILL to every process of the group. Forks can't escape: v2 kills the group as one (Linux 5.14), v1 is frozen meanwhile.
    package func killAll() throws(KernelError) {
        if let unified {
            do throws(KernelError) {
                return try writeFile(unified.location.appending("cgroup.kill"), "1")
            } catch  where error.isOfVanishedGroup {
                // An older kernel, or the group is gone.
            }
        }
        let frozen = (try? freeze()) != nil
        defer { if frozen { try? thaw() } }
        // Without a freezer a fork may slip through: look again until nobody is left to signal.
        for _ in 0..<100 {
            let processes = try groupProcesses()
            if processes.isEmpty { return }
            for process in processes where kill(process, SIGKILL) == -1 {
                let errno = lastErrno()
                if errno != .noSuchProcess { throw KernelError(call: "kill(2)", object: "process \(process)", errno: errno) }
            }
            if frozen { return }
        }
    }

    private func groupProcesses() throws(KernelError) -> [Int32] {
        do throws(KernelError) {
            return try processes()
        } catch  where error.errno == .noSuchFileOrDirectory {
            return []
        }
    }

    /// Stops every process of the group where it is.
    package func freeze() throws(KernelError) { try setFrozen(true) }

    package func thaw() throws(KernelError) { try setFrozen(false) }

    /// Stops every process of the group, and waits until they stand still. A process in an uninterruptible wait can hold that up.
    /// - Throws: `KernelError` `.timedOut` where some still run after `milliseconds`; all go on then.
    package func freeze(within milliseconds: Int) throws(KernelError) {
        try freeze()
        do throws(KernelError) {
            var wait: UInt32 = 200
            var waited = 0
            while try !isFrozen {
                guard waited < milliseconds * 1000 else {
                    throw KernelError(call: "write(2)", object: "freeze cgroup \(freezerLocation)", errno: .timedOut)
                }
                usleep(wait)
                waited += Int(wait)
                wait = min(wait * 2, 20_000)
            }
        } catch {
            try? thaw()
            throw error
        }
    }

    private var classicFreezer: Directory? {
        directories.first { !$0.hierarchy.isUnified && $0.hierarchy.controllers.contains("freezer") }
    }

    private var freezerLocation: FilePath { (classicFreezer ?? unified)?.location ?? "" }

    private func setFrozen(_ frozen: Bool) throws(KernelError) {
        if let freezer = classicFreezer {
            return try writeFile(freezer.location.appending("freezer.state"), frozen ? "FROZEN" : "THAWED")
        }
        guard let unified else { throw KernelError(call: "write(2)", object: "a freezer cgroup", errno: .noSuchFileOrDirectory) }
        try writeFile(unified.location.appending("cgroup.freeze"), frozen ? "1" : "0")
    }

    /// Whether every process of the group stands still.
    package var isFrozen: Bool {
        get throws(KernelError) {
            if classicFreezer != nil { return try freezerWord == "FROZEN" }
            guard let unified else { return false }
            return try counter("frozen", in: "cgroup.events", of: unified) == 1
        }
    }

    /// Whether processes of the group have been told to stand still, though some may not have got there.
    package var isFreezing: Bool {
        get throws(KernelError) {
            if classicFreezer != nil { return try freezerWord != "THAWED" }
            guard let unified else { return false }
            return try CgroupLayout.words(readFile(unified.location.appending("cgroup.freeze"))).first == "1"
        }
    }

    private var freezerWord: String? {
        get throws(KernelError) {
            guard let freezer = classicFreezer else { return nil }
            return try CgroupLayout.words(readFile(freezer.location.appending("freezer.state"))).first
        }
    }

    /// How many processes of the group the kernel killed because its memory limit was met. 0 without a memory controller.
    package var outOfMemoryKills: UInt64 {
        get throws(KernelError) {
            guard let memory = directory(of: "memory") else { return 0 }
            let file = memory.hierarchy.isUnified ? "memory.events" : "memory.oom_control"
            return try counter("oom_kill", in: file, of: memory)
        }
    }

    /// One line "name value" of a flat keyed file; 0 where there is none.
    private func counter(_ name: String, in file: String, of directory: Directory) throws(KernelError) -> UInt64 {
        let words = CgroupLayout.words(try readFile(directory.location.appending(file)))
        guard let at = words.firstIndex(of: name), at + 1 < words.count else { return 0 }
        return UInt64(words[at + 1]) ?? 0
    }
}
