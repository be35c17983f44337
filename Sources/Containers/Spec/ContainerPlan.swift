// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import JSON
internal import Layers
internal import Linux
internal import OCI
internal import Runtime
package import Snapshots
internal import SystemPackage

/// Everything about a container that is decided before anything is made: image config + request -> memo and OCI runtime spec.
package struct ContainerPlan: Sendable {
    package let memo: ContainerMemo
    /// `config.json`.
    package let specBytes: [UInt8]
    /// What the image asks for and this version does not do; the user is told.
    package let warnings: [String]

    /// - Throws: `ContainerError.invalidRequest` or `.invalidImage` for what can't be honoured; nothing has been made then.
    package init(
        id: ContainerID, name: String, request: CreateContainerRequest, image: RunnableImage, stack: LayerStack, paths: ContainerPaths,
        configuration: ContainerConfiguration, identities: ContainerIdentities? = nil, sharedHostname: String? = nil,
        mounted: [String: LayerStack] = [:]
    ) throws(ContainerError) {
        let inputs = Inputs(
            id: id, request: request, image: image, stack: stack, paths: paths, configuration: configuration, caller: identities?.caller)
        let isolation = try IsolationPlan(request.isolation, network: request.network)
        let hostname = try inputs.hostname(
            sharesHost: isolation.sharesHostName, sharedName: isolation.sharesName ? sharedHostname ?? id.short : nil)
        let (user, groups) = try inputs.user()
        try identities?.check(user, groups)
        let arguments = try inputs.arguments()
        let mounts = try MountPlan.mounts(request: request, networkFiles: paths.networkFiles, identities: identities, stacks: mounted)
        let cgroup = Self.cgroup(of: id, configuration)
        let stop = try inputs.stopSignal()
        try Self.check(request.restart, autoRemove: request.autoRemove)
        _ = try LogPlan.limits(request, configuration.logLimits)
        var memo = ContainerMemo(
            name: name, request: request, resolvedDigest: image.resolvedDigest, manifestDigest: image.manifestDigest, arguments: arguments,
            stopSignal: stop, stopTimeoutSeconds: try inputs.stopTimeout(), hostname: hostname, createdAt: Timestamp.now(),
            mounts: mounts.map { ContainerDetail.Mount($0, request) }, lowerDiffIDs: stack.diffIDs,
            upperMode: request.upper ?? (request.autoRemove ? .volatile : .synced), cgroup: cgroup)
        memo.health = try HealthPlan(
            request.health, image: image.config.config, autoRemove: request.autoRemove, stopSignal: stop,
            stopTimeoutSeconds: memo.stopTimeoutSeconds
        ).health
        memo.homeIsDefault = ProcessEnvironment.hasNoHome(image.config.config?.env ?? [], request.environment)
        memo.identities = identities
        if !mounted.isEmpty {
            memo.stackLayerIDs = stack.layerIDs
            memo.imageMounts = request.mounts.compactMap { mount in
                guard mount.type == .image, let source = mount.source, let other = mounted[source], let digest = image.mounted[source]
                else {
                    return nil
                }
                return ImageMountMemo(target: mount.target, manifestDigest: digest, layerIDs: other.layerIDs)
            }
        }
        self.memo = memo
        warnings = inputs.warnings()

        var spec = DefaultSpec.make(arguments: arguments)
        spec.hostname = hostname
        spec.root = RuntimeSpec.Root(path: paths.rootfs.string, readonly: request.readOnlyRoot)
        spec.process?.terminal = request.tty
        spec.process?.env = try ProcessEnvironment.resolve(
            image: image.config.config?.env ?? [], request: request.environment, hostname: hostname, home: user.home, tty: request.tty)
        spec.process?.cwd = try inputs.workingDirectory()
        spec.process?.user = RuntimeSpec.User(
            uid: user.uid, gid: user.gid, additionalGids: user.groups + groups.filter { !user.groups.contains($0) })
        if request.initProcess { spec.process?.args = [MountPlan.initPath, "init", "--"] + arguments }
        let defaultLimits = spec.process?.rlimits ?? []
        spec.process?.rlimits = try ProcessLimits.limits(request.ulimits, over: defaultLimits)
        // Without a word it would inherit what protects the daemon and its monitors.
        spec.process?.oomScoreAdj = try ProcessLimits.outOfMemoryScore(request.outOfMemoryScore) ?? 0
        let defaults = try ProcessLimits.sharedMemory(request.sharedMemoryInBytes, in: spec.mounts ?? [])
        spec.mounts = MountPlan.merge(mounts, into: defaults)
        if request.initProcess { spec.mounts?.append(MountPlan.initMount(shim: configuration.shimPath)) }
        if try MountPlan.sharesMounts(request.mounts, identities) { spec.linux?.rootfsPropagation = "shared" }
        if request.network == .host { spec.linux?.namespaces?.removeAll { $0.type == "network" } }
        spec.linux?.cgroupsPath = cgroup
        let limits = try ResourceLimits(request.resources)
        let resources = spec.linux?.resources
        spec.linux?.resources = limits.resources(over: resources)
        spec.annotations = ["org.ctr-swift.id": id.text, "org.ctr-swift.image": request.image]
        try isolation.apply(to: &spec)
        identities?.apply(to: &spec)
        do throws(JSONError) { specBytes = try JSON.encode(spec) } catch { throw .encoding("encode config.json: \(error)") }
    }

    private static func check(_ policy: RestartPolicy?, autoRemove: Bool) throws(ContainerError) {
        guard let policy, policy.condition != .no else {
            if policy?.maximumRetries != nil { throw .invalidRequest("a number of restarts without the policy on-failure") }
            return
        }
        if autoRemove {
            throw .invalidRequest("a container that is removed at its end can't be restarted", remedy: "use --rm or --restart")
        }
        if let retries = policy.maximumRetries {
            guard policy.condition == .onFailure else { throw .invalidRequest("a number of restarts without the policy on-failure") }
            guard retries >= 0 else { throw .invalidRequest("\(retries) restarts") }
        }
    }

    /// In each hierarchy.
    static func cgroup(of id: ContainerID, _ configuration: ContainerConfiguration) -> String {
        "/\(configuration.cgroupParent)/\(id.text)"
    }

    /// One question each; what the request leaves open, the image config answers.
    private struct Inputs {
        let id: ContainerID
        let request: CreateContainerRequest
        let image: RunnableImage
        let stack: LayerStack
        let paths: ContainerPaths
        let configuration: ContainerConfiguration
        let caller: Caller?

        func arguments() throws(ContainerError) -> [String] {
            try ProcessArguments.resolve(
                imageEntrypoint: image.config.config?.entrypoint, imageCommand: image.config.config?.cmd, entrypoint: request.entrypoint,
                arguments: request.arguments)
        }

        /// hostname(7) and sethostname(2): at most 64 bytes; letters, digits, dots and hyphens.
        func hostname(sharesHost: Bool, sharedName: String?) throws(ContainerError) -> String {
            guard let name = request.hostname else {
                return sharedName ?? (sharesHost || request.network == .host ? SystemNames().node : id.short)
            }
            guard sharedName == nil else {
                throw .invalidRequest("hostname \"\(name)\" in another container's UTS namespace", remedy: "leave one of the two out")
            }
            guard !sharesHost else {
                throw .invalidRequest("hostname \"\(name)\" in the node's own UTS namespace", remedy: "leave one of the two out")
            }
            let allowed = name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
                default: false
                }
            }
            guard allowed, (1...63).contains(name.utf8.count), !name.hasPrefix("-"), !name.hasPrefix(".") else {
                throw .invalidRequest("hostname \"\(name)\"", remedy: "use letters, digits, dots and hyphens, at most 63")
            }
            return name
        }

        /// Numbers need no look into the image; names, groups and homes do.
        /// - Returns: PID 1's user, and the groups that the request adds.
        func user() throws(ContainerError) -> (ResolvedUser, groups: [UInt32]) {
            let tree = MergedTree(lowerdirs: stack.lowerdirs.map { stack.store.appending($0.components) })
            let database = UserDatabase(passwd: try file("/etc/passwd", in: tree), group: try file("/etc/group", in: tree))
            let groups = try (request.isolation?.groups ?? []).map { name throws(ContainerError) in try database.group(name) }
            let user = request.user ?? caller.map { "\($0.uid):\($0.gid)" } ?? image.config.config?.user ?? ""
            return (try database.resolve(user), groups)
        }

        private func file(_ path: String, in tree: MergedTree) throws(ContainerError) -> [UInt8] {
            do { return try tree.readFile(Array(path.utf8), limit: 1 << 20) ?? [] } catch {
                throw .invalidImage("read \(path) of image \(request.image): \(error)")
            }
        }

        func workingDirectory() throws(ContainerError) -> String {
            let directory = request.workingDirectory ?? image.config.config?.workingDir ?? ""
            if directory.isEmpty { return "/" }
            guard !directory.utf8.contains(0) else { throw .invalidRequest("the working directory holds a NUL byte") }
            if directory.hasPrefix("/") { return directory }
            // Docker takes a relative WorkingDir of an image for one below the root; on the command line it is a mistake.
            guard request.workingDirectory == nil else {
                throw .invalidRequest("working directory \"\(directory)\"", remedy: "use an absolute path")
            }
            return "/" + directory
        }

        func stopSignal() throws(ContainerError) -> Int32 {
            let name = request.stopSignal ?? image.config.config?.stopSignal ?? "SIGTERM"
            guard let number = SignalName.number(for: name) else {
                throw .invalidRequest("stop signal \"\(name)\"", remedy: "use a name like SIGTERM or a number from 1 to 64")
            }
            return number
        }

        func stopTimeout() throws(ContainerError) -> Int {
            try StopTimeout.check(request.stopTimeoutSeconds ?? 10)
        }

        func warnings() -> [String] {
            (image.config.config?.volumes?.keys.sorted() ?? []).map { path in
                "the image declares a volume at \(path): its files stay in the container's writable layer"
            }
        }
    }
}
