// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import JSON
internal import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import Snapshots

extension ContainerService {
    /// Makes the record, the writable layer and the bundle. Nothing is left of a creation that failed.
    /// - Returns: the container, and what the user should know (volumes that are not made, a limit rounded).
    /// - Parameters:
    ///   - caller: who asks for it, where that is known; `keep` needs it.
    ///   - starts: `start` is called next, whatever happens: its monitor gets ready meanwhile, on another core.
    package func create(
        _ request: CreateContainerRequest, image: RunnableImage, caller: Caller? = nil, starts: Bool = false
    ) async throws(ContainerError) -> (Container, warnings: [String]) {
        try await hostLook.wait(for: HostLook.Paths(request))
        let id = ContainerID()
        let shim = starts ? Task { await pool.run { self.shimAhead(of: id) } } : nil
        do throws(ContainerError) {
            let made = try await pool.run { () throws(ContainerError) in try self.createNow(id, request, image, caller) }
            if let shim = await shim?.value { made.0.setShimAhead(shim) }
            return made
        } catch {
            if let shim = await shim?.value { await end(shim) }
            throw error
        }
    }

    /// - Returns: nil where there can't be one; the start tries again, and tells why.
    private func shimAhead(of id: ContainerID) -> SpawnedShim? {
        do throws(ContainerError) { return try spawnShim(of: id) } catch {
            logger.notice("no monitor is spawned ahead", metadata: ["id": "\(id)", "error": "\(error)"])
            return nil
        }
    }

    private func createNow(
        _ id: ContainerID, _ request: CreateContainerRequest, _ image: RunnableImage, _ caller: Caller?
    ) throws(ContainerError) -> (Container, warnings: [String]) {
        let name = request.name ?? id.short
        guard ContainerName.isValid(name) else {
            throw .invalidRequest("container name \"\(name)\"", remedy: "use [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128 characters")
        }
        try index.claim(name: name, for: id)
        do throws(ContainerError) {
            let made = try withIdentities(for: id, request, caller) { identities throws(ContainerError) in
                try make(id, name, request, image, identities)
            }
            index.insert(made.0)
            publish("create", made.0)
            return made
        } catch {
            index.release(name: name)
            throw error
        }
    }

    private func make(
        _ id: ContainerID, _ name: String, _ request: CreateContainerRequest, _ image: RunnableImage, _ identities: ContainerIdentities?
    ) throws(ContainerError) -> (Container, warnings: [String]) {
        let stack: LayerStack
        do throws(SnapshotError) {
            stack = try snapshots.stack(of: image.manifestDigest)
            try snapshots.requireUndamaged(stack)
        } catch {
            throw .snapshots(error)
        }
        let mounted = try mountedStacks(request, image)
        let paths = paths(of: id)
        let plan = try ContainerPlan(
            id: id, name: name, request: request, image: image, stack: stack, paths: paths, configuration: configuration,
            identities: identities, sharedHostname: hostname(sharedBy: request),
            mounted: mounted)
        let record = try containerRecord(id: id, memo: plan.memo, stack: stack)
        try makeDirectories(id: id, plan: plan, paths: paths, stack: stack)
        do throws(ContainerError) {
            try write(plan, paths: paths)
            StoreStep.bundleWritten.reach()
            do throws(MetadataError) { try metadata.insert(container: record) } catch { throw .metadata(error) }
        } catch {
            discardDirectories(of: id)
            throw error
        }
        StoreStep.containerRecorded.reach()
        return (Container(id: id, paths: paths, memo: plan.memo, layerIDs: record.layerIDs), plan.warnings)
    }

    /// Of the container whose UTS namespace is shared, where it is there already; for /etc/hostname and the environment.
    private func hostname(sharedBy request: CreateContainerRequest) -> String? {
        guard let name = request.isolation?.uts?.container, let other = try? index.find(name) else { return nil }
        return other.memo.hostname
    }

    /// How the images stack that are mounted, by what the request calls them.
    private func mountedStacks(_ request: CreateContainerRequest, _ image: RunnableImage) throws(ContainerError) -> [String: LayerStack] {
        var stacks: [String: LayerStack] = [:]
        for (name, digest) in image.mounted {
            do throws(SnapshotError) {
                let stack = try snapshots.stack(of: digest)
                try snapshots.requireUndamaged(stack)
                stacks[name] = stack
            } catch {
                throw .snapshots(error)
            }
        }
        return stacks
    }

    func containerRecord(id: ContainerID, memo: ContainerMemo, stack: LayerStack) throws(ContainerError) -> ContainerRecord {
        var layerIDs = stack.layerIDs
        for mount in memo.imageMounts ?? [] { layerIDs += mount.layerIDs.filter { !layerIDs.contains($0) } }
        do throws(JSONError) {
            var record = ContainerRecord(
                id: id.text, name: memo.name, manifestDigest: memo.manifestDigest.description, layerIDs: layerIDs,
                json: try JSON.encode(memo), createdAt: memo.createdAt)
            record.mountedImages = (memo.imageMounts ?? []).map(\.manifestDigest.description)
            return record
        } catch {
            throw .encoding("encode container \(id.short): \(error)")
        }
    }

    private func makeDirectories(id: ContainerID, plan: ContainerPlan, paths: ContainerPaths, stack: LayerStack) throws(ContainerError) {
        let limits = try UpperLimits(plan.memo.request).project
        do throws(SnapshotError) {
            try snapshots.createUpper(
                container: id.text, mode: plan.memo.upperMode == .tmpfs ? .tmpfs : .directory, over: stack, limits: limits)
        } catch {
            throw .snapshots(error)
        }
        do throws(KernelError) {
            try makeDirectory(paths.bundle, mode: 0o700)
            try makeDirectory(paths.networkFiles, mode: 0o755)
            if plan.memo.request.log == .file { try makeDirectory(paths.log, mode: 0o700) }
        } catch {
            discardDirectories(of: id)
            throw .kernel("make the directories of \(id.short)", error)
        }
    }

    private func write(_ plan: ContainerPlan, paths: ContainerPaths) throws(ContainerError) {
        do throws(KernelError) {
            try NetworkFiles.write(into: paths.networkFiles, hostname: plan.memo.hostname, network: plan.memo.request.network)
            try replaceFile(paths.spec, with: plan.specBytes)
        } catch {
            throw .kernel("write the bundle", error)
        }
    }

    private func discardDirectories(of id: ContainerID) {
        do { try snapshots.removeContainer(id.text) } catch {
            logger.error(
                "the directories of a container that could not be created are left", metadata: ["id": "\(id)", "error": "\(error)"])
        }
    }
}
