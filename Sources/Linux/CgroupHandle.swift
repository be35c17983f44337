// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import SystemPackage

/// One container's cgroup: its directory in each hierarchy. Plain data, so that it outlives the process that made it.
package struct CgroupHandle: Sendable, Hashable, Codable {
    package struct Directory: Sendable, Hashable, Codable {
        package var hierarchy: CgroupLayout.Hierarchy
        /// Below the hierarchy's root: "ctr-swift/3f2a".
        package var path: String
        /// False where it was there before: then it isn't deleted either.
        package var created: Bool

        package var location: FilePath { FilePath(hierarchy.mountPoint).appending(path) }

        fileprivate var isThere: Bool { withCPath(location) { access($0, F_OK) } == 0 }
    }

    package var directories: [Directory]

    package init(directories: [Directory]) { self.directories = directories }

    package var unified: Directory? { directories.first(where: \.hierarchy.isUnified) }

    /// The one that tells which processes are in the group: each of them is in it from its birth.
    private var roll: Directory? { unified ?? directory(of: "freezer") ?? directory(of: "pids") ?? directories.first }

    package func directory(of controller: String) -> Directory? {
        directories.first { $0.hierarchy.controllers.contains(controller) }
    }

    /// Where a container's directories will be; `make` makes them. So parent and child know the paths before either works on them.
    /// - Parameters:
    ///   - path: below each hierarchy's root, without `.` and `..`.
    ///   - unwanted: controllers that nothing is asked of, and whose group would cost time: no v1 directory, not handed down in v2.
    package init(_ layout: CgroupLayout, path: String, without unwanted: Set<String> = []) {
        directories = layout.hierarchies.filter { $0.isUnified || !unwanted.isSuperset(of: $0.controllers) }
            .map { hierarchy in
                var hierarchy = hierarchy
                if hierarchy.isUnified { hierarchy.controllers.removeAll(where: unwanted.contains) }
                return Directory(hierarchy: hierarchy, path: path, created: false)
            }
    }

    /// The directories that are there at this path, in whichever hierarchy: of a group that another process made.
    package init(existing path: String, _ layout: CgroupLayout) {
        self.init(layout, path: path)
        directories = CgroupHandle(directories: []).joined(by: self).directories
    }

    /// Also the directories of `others` that are there, made by another process.
    package func joined(by others: CgroupHandle) -> CgroupHandle {
        var all = self
        for var directory in others.directories where directory.isThere {
            directory.created = true
            all.directories.append(directory)
        }
        return all
    }

    /// Without cpusets that take no process yet: who makes one gathers the processes in it afterwards.
    package var inhabitable: CgroupHandle {
        CgroupHandle(directories: directories.filter { !$0.hierarchy.isCpuset || CgroupCpuset($0.location).isInhabitable })
    }

    /// The same group in the hierarchies in which it has no directory: where it may be extended to.
    package func complement(_ layout: CgroupLayout) -> CgroupHandle {
        let taken = directories.map(\.hierarchy.mountPoint)
        let path = directories.first?.path ?? ""
        return CgroupHandle(CgroupLayout(hierarchies: layout.hierarchies.filter { !taken.contains($0.mountPoint) }), path: path)
    }

    /// Also makes the group for controllers that it was not made for at first, and moves its processes there. What one that was cut off has left
    /// half done is finished.
    /// - Throws: `KernelError`; what was made is part of the group all the same.
    package mutating func extend(_ layout: CgroupLayout, with controllers: Set<String>) throws(KernelError) {
        guard let path = roll?.path else { return }
        for hierarchy in layout.hierarchies where !controllers.isDisjoint(with: hierarchy.controllers) {
            let known = directories.firstIndex { $0.hierarchy.mountPoint == hierarchy.mountPoint }
            if hierarchy.isUnified {
                guard let known else { continue }
                var wanted = hierarchy
                wanted.controllers.removeAll { !controllers.contains($0) }
                try Self.handDown(wanted, to: path)
                let had = directories[known].hierarchy.controllers
                directories[known].hierarchy.controllers += wanted.controllers.filter { !had.contains($0) }
            } else {
                var directory = Directory(hierarchy: hierarchy, path: path, created: false)
                if known == nil {
                    directory.created = try Self.settle(directory)
                    directories.append(directory)
                } else if hierarchy.isCpuset {
                    try CgroupCpuset(directory.location).inherit()
                }
                try gather(in: directory.location)
            }
        }
    }

    /// Moves the processes that are elsewhere. Frozen meanwhile, so that no child is born into the old place.
    private func gather(in location: FilePath) throws(KernelError) {
        if try strangers(to: location).isEmpty { return }
        let wasFrozen = try isFreezing
        if !wasFrozen { try freeze(within: 5000) }
        defer { if !wasFrozen { try? thaw() } }
        for process in try strangers(to: location) {
            do throws(KernelError) {
                try writeFile(location.appending("cgroup.procs"), "\(process)")
            } catch  where error.errno == .noSuchProcess {
                // It has ended.
            }
        }
    }

    private func strangers(to location: FilePath) throws(KernelError) -> Set<Int32> {
        Set(try processes()).subtracting(try Self.processes(below: location))
    }

    /// Makes the directories, parents included; on v2 also hands the controllers down to them.
    ///
    /// - Parameter unified: only the v2 directory, or only the v1 directories; nil: all.
    /// - Throws: `KernelError`; `delete` removes what was made. A group that holds processes is `.resourceBusy`.
    package mutating func make(unified: Bool? = nil) throws(KernelError) {
        for index in directories.indices where unified == nil || directories[index].hierarchy.isUnified == unified {
            directories[index].created = try Self.settle(directories[index])
        }
    }

    /// Makes one directory, with its parents and what they hand down.
    ///
    /// A parent that is empty may be removed by anyone before the directory is in it: by who made it, or by systemd. Then all begins anew, but
    /// not for ever: the hierarchy itself may be gone.
    /// - Returns: whether the last directory was not there before.
    private static func settle(_ directory: Directory) throws(KernelError) -> Bool {
        var tries = 100
        while true {
            do throws(KernelError) {
                return try makeDirectories(directory)
            } catch  where error.isOfVanishedGroup && tries > 0 {
                tries -= 1
            }
        }
    }

    /// - Returns: whether the last directory was not there before.
    private static func makeDirectories(_ directory: Directory) throws(KernelError) -> Bool {
        var created: Bool
        do throws(KernelError) {
            // The parent is there after the first container: one call in the usual case.
            created = try makeDirectory(directory.location, mode: 0o755)
        } catch  where error.errno == .noSuchFileOrDirectory {
            created = false
            var prefix = FilePath(directory.hierarchy.mountPoint)
            for component in FilePath(directory.path).components {
                prefix.append(component)
                created = try makeDirectory(prefix, mode: 0o755)
            }
        }
        // Also below it: limits of a group are those of all the groups that it holds.
        if !created, try !processes(below: directory.location).isEmpty {
            throw KernelError(call: "mkdir(2)", object: "cgroup \(directory.location) holds processes", errno: .resourceBusy)
        }
        // Now that there is a group below them the parents stay.
        do throws(KernelError) {
            if directory.hierarchy.isUnified {
                try handDown(directory.hierarchy, to: directory.path)
            } else if directory.hierarchy.isCpuset {
                try CgroupCpuset(directory.location).inherit()
            }
        } catch {
            if created { try? removeDirectory(directory.location) }
            throw error
        }
        return created
    }

    /// v2 gives a group only the controllers that its parent hands down. Source: cgroup-v2.rst, "Enabling and Disabling".
    private static func handDown(_ hierarchy: CgroupLayout.Hierarchy, to path: String) throws(KernelError) {
        guard !hierarchy.controllers.isEmpty else { return }
        var prefix = FilePath(hierarchy.mountPoint)
        for component in FilePath(path).components {
            let control = prefix.appending("cgroup.subtree_control")
            let enabled = Set(CgroupLayout.words(try readFile(control)))
            // Controllers that the parent itself was not given can't be handed on; a limit on one is refused where it is written.
            let given = CgroupLayout.words(try readFile(prefix.appending("cgroup.controllers")))
            for controller in given where hierarchy.controllers.contains(controller) && !enabled.contains(controller) {
                try writeFile(control, "+\(controller)")
            }
            prefix.append(component)
        }
    }

    /// Removes what `create` made, and groups that the container made below. Waits for processes that are just ending, on a busy machine too:
    /// at most two seconds or so.
    /// - Throws: `KernelError` `.resourceBusy` when processes are left.
    package func delete() throws(KernelError) {
        for directory in directories where directory.created {
            var wait = 100
            var waited = 0
            while true {
                do throws(KernelError) {
                    try Self.removeGroup(directory.location)
                    break
                } catch  where error.errno == .resourceBusy && waited < 2_000_000 {
                    usleep(UInt32(wait))
                    waited += wait
                    wait = min(wait * 2, 50_000)
                }
            }
        }
    }

    /// For a start that failed: ends what is left in the directories that were made for it, and removes them. Those that were there before are not
    /// touched.
    package func discard() throws(KernelError) {
        let made = CgroupHandle(directories: directories.filter(\.created))
        let ended = Result { () throws(KernelError) in try made.killAll() }
        try made.delete()
        try ended.get()
    }

    private static func removeGroup(_ location: FilePath) throws(KernelError) {
        do throws(KernelError) {
            return try removeDirectory(location)
        } catch  where error.errno == .resourceBusy {
            // Processes, or groups below.
        }
        for group in try subgroups(location).reversed() { try removeDirectory(group) }
        try removeDirectory(location)
    }

    /// Others may remove it, too.
    private static func removeDirectory(_ location: FilePath) throws(KernelError) {
        do throws(KernelError) {
            try withCPath(location) { raw throws(KernelError) in _ = try kernel("rmdir(2)", location.string) { rmdir(raw) } }
        } catch  where error.errno == .noSuchFileOrDirectory {
            return
        }
    }

    /// Every group below, parents before children.
    private static func subgroups(_ location: FilePath) throws(KernelError) -> [FilePath] {
        var found: [FilePath] = []
        var next = [location]
        while let parent = next.popLast() {
            guard let stream = withCPath(parent, { opendir($0) }) else { continue }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath(platformString: $0) }
                }
                guard entry.pointee.d_type == UInt8(DT_DIR), name != ".", name != "..", let component = name.lastComponent else { continue }
                found.append(parent.appending(component))
                next.append(parent.appending(component))
            }
        }
        return found
    }

    private static func processes(in location: FilePath) throws(KernelError) -> [Int32] {
        let text: [UInt8]
        do throws(KernelError) {
            text = try readFile(location.appending("cgroup.procs"), limit: 16 << 20)
        } catch  where error.isOfVanishedGroup {
            throw KernelError(call: error.call, object: error.object, errno: .noSuchFileOrDirectory)
        }
        // 0 stands for one that this process's namespace does not know; for kill(2) it is the caller's own group.
        return CgroupLayout.words(text).compactMap { Int32($0) }.filter { $0 > 0 }
    }

    private static func processes(below location: FilePath) throws(KernelError) -> Set<Int32> {
        var all = Set(try processes(in: location))
        for group in try subgroups(location) {
            do throws(KernelError) { all.formUnion(try processes(in: group)) } catch  where error.errno == .noSuchFileOrDirectory {
                // An exec's that has ended meanwhile.
            } catch  where error.errno == .notSupportedOnSocket {
                // EOPNOTSUPP: threads are in it, whose processes are told above. Source: cgroup-v2.rst, "Threads".
            }
        }
        return all
    }

    /// The processes of the group and of the groups below it.
    /// - Throws: `KernelError` `.noSuchFileOrDirectory` where the group is gone.
    package func processes() throws(KernelError) -> [Int32] {
        guard let directory = roll else { return [] }
        return try Self.processes(below: directory.location).sorted()
    }
}

extension KernelError {
    /// What a call on a group's file was about is gone. ENODEV: it went after the file was opened.
    package var isOfVanishedGroup: Bool { errno == .noSuchFileOrDirectory || errno == .operationNotSupportedByDevice }
}
