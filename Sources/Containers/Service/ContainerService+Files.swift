// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
package import ShimProtocol
internal import SystemPackage

// Files of containers: read and written by a process of its own for each request, as the container itself would see them.
extension ContainerService {
    package func fileStatus(_ container: Container, path: String, follow: Bool) async throws(ContainerError) -> FilesStatus {
        let (session, status) = try await files(of: container, .status, path: path, follow: follow)
        try await session.finish()
        guard let status else { throw .files(FilesFailure(.other, "no status of \"\(path)\"")) }
        return status
    }

    /// An object of the container and what is below it.
    package func archive(_ container: Container, path: String, follow: Bool) async throws(ContainerError) -> FilesSession {
        try await files(of: container, .archive, path: path, follow: follow).session
    }

    /// The container's root, without what is mounted in it.
    package func export(_ container: Container) async throws(ContainerError) -> FilesSession {
        try await files(of: container, .export, path: "/").session
    }

    /// Takes an archive into a directory of the container.
    package func extract(_ container: Container, into path: String, keepingOwners: Bool) async throws(ContainerError) -> FilesSession {
        try await files(of: container, .extract, path: path, keepsOwners: keepingOwners).session
    }

    /// What the container has made of its image: read from its upper, without a mount.
    /// What stands empty where something is mounted is left out.
    package func changes(_ container: Container) async throws(ContainerError) -> FilesSession {
        guard container.memo.upperMode != .tmpfs else {
            throw .invalidRequest(
                "the writable layer of container \(container.id.short) is in memory, where only the container can look",
                remedy: "`--upper synced` and `--upper volatile` make one that can be looked at")
        }
        let targets = try mountTargets(of: container)
        return try await files(of: container, .changes, path: "/", leavingOut: targets).session
    }

    private func mountTargets(of container: Container) throws(ContainerError) -> [String] {
        let bytes = try kernelStep("read config.json") { () throws(KernelError) in try readFile(container.paths.spec, limit: 16 << 20) }
        do throws(JSONError) { return try JSON.decode(RuntimeSpec.self, from: bytes).mounts?.map(\.destination) ?? [] } catch {
            throw .encoding("config.json of \(container.id.short): \(error)")
        }
    }

    private func files(
        of container: Container, _ operation: FilesRequest.Operation, path: String, follow: Bool = true, keepsOwners: Bool = false,
        leavingOut targets: [String] = []
    ) async throws(ContainerError) -> (session: FilesSession, FilesStatus?) {
        guard !path.isEmpty, path.utf8.count <= 4096, !path.utf8.contains(0) else {
            throw .invalidRequest("a path in a container has 1 to 4,096 bytes, and no NUL")
        }
        // What has just ended is tidied up first.
        if container.life.phase == .stopped { _ = await hasEnded(container, within: Self.tidyingTime) }
        await endFiles(of: container) { $0.isEnding }
        let use = try claimFiles(of: container, writing: operation == .extract)
        let session = try await pool.run { () throws(ContainerError) in
            do throws(ContainerError) {
                let request = FilesRequest(
                    operation, root: try self.root(of: container, use, operation), path: path, follow: follow, keepsOwners: keepsOwners,
                    leavingOut: targets)
                let (session, helper) = try FilesSession.start(request, use, shim: self.shim) { container.forgetFilesHelper($0) }
                container.noteFilesHelper(helper)
                return session
            } catch {
                container.decide { $0.endFiles(use) }
                throw error
            }
        }
        do throws(ContainerError) { return (session, try await session.ready()) } catch {
            // Who has heard of it may go on at once.
            await session.abandon()
            throw error
        }
    }

    private func claimFiles(of container: Container, writing: Bool) throws(ContainerError) -> LifeCycle.FilesUse {
        do throws(LifeCycle.Refusal) {
            return try container.decide { life throws(LifeCycle.Refusal) in try life.beginFiles(writing: writing) }
        } catch .filesInUse {
            throw .filesInUse(id: container.id.short, verb: "copy files of")
        } catch {
            throw .wrongState(id: container.id.short, verb: "reach the files of", state: container.life.state)
        }
    }

    private func root(
        of container: Container, _ use: LifeCycle.FilesUse, _ operation: FilesRequest.Operation
    ) throws(ContainerError) -> FilesRequest.Root {
        if operation == .changes { return .layers(try rootfs(of: container)) }
        if use == .live {
            guard let started = container.started else {
                throw .wrongState(id: container.id.short, verb: "reach the files of", state: container.life.state)
            }
            return .process(pid: started.pid, startTicks: started.startTicks)
        }
        let rootfs = try rootfs(of: container)
        if use == .writing {
            guard rootfs.upper != nil else {
                throw .invalidRequest(
                    "container \(container.id.short) keeps its files in memory, and only while it runs",
                    remedy: "`ctr-swift start \(container.id.short)` first")
            }
            // As before a start: in this run of the machine nothing was lost.
            if (try? openFile(container.paths.state, O_RDONLY | O_DIRECTORY)) != nil { forgetVolatile(container) }
        }
        // A directory that only the helper sees the mount on.
        return .mount(rootfs, at: container.paths.bundle.string, writable: use == .writing)
    }

    /// Ends copies: neither a removal by force nor a new run waits for them. One that the kernel does not let go is waited for a short time only; what comes
    /// after it is refused then.
    func endFiles(of container: Container, where isMeant: (FilesHelper) -> Bool) async {
        let helpers = container.filesHelpers.filter(isMeant)
        if helpers.isEmpty { return }
        for helper in helpers {
            helper.kill()
            // Who waits for it otherwise may be waiting for its client.
            helper.reapAside()
        }
        await withTaskGroup { group in
            group.addTask { for helper in helpers { await helper.waitForEnd() } }
            group.addTask { try? await Task.sleep(for: .seconds(5)) }
            await group.next()
            group.cancelAll()
        }
    }
}
