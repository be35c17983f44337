// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import JSON
internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage

// What of a container's bundle changes after its creation.
extension ContainerService {
    /// Changes config.json: one at a time for a container, since a start and an update may come together.
    func rewriteSpec(
        of container: Container, _ change: (inout RuntimeSpec) throws(ContainerError) -> Void
    ) throws(ContainerError) {
        try container.specLock.withLock { _ throws(ContainerError) in
            let path = container.paths.spec
            let bytes = try kernelStep("read the bundle of \(container.id.short)") { () throws(KernelError) in
                try readFile(path, limit: 16 << 20)
            }
            var spec: RuntimeSpec
            do throws(JSONError) { spec = try JSON.decode(RuntimeSpec.self, from: bytes) } catch { throw Self.badSpec(container, error) }
            try change(&spec)
            let changed: [UInt8]
            do throws(JSONError) { changed = try JSON.encode(spec) } catch { throw Self.badSpec(container, error) }
            if changed == bytes { return }
            try kernelStep("write the bundle of \(container.id.short)") { () throws(KernelError) in try replaceFile(path, with: changed) }
        }
    }

    private static func badSpec(_ container: Container, _ error: JSONError) -> ContainerError {
        .encoding("config.json of \(container.id.short): \(error)")
    }

    /// Into the bundle, for the next start.
    func writeLimits(_ limits: ResourceLimits, of container: Container) throws(ContainerError) {
        try rewriteSpec(of: container) { spec throws(ContainerError) in Self.set(limits, in: &spec) }
    }

    private static func set(_ limits: ResourceLimits, in spec: inout RuntimeSpec) {
        var base = RuntimeSpec.Linux.Resources()
        base.devices = spec.linux?.resources?.devices
        spec.linux?.resources = limits.resources(over: base)
    }

    /// The devices of the request as they are at this start: what has a path's number today may be another disk than at the creation.
    /// - Throws: `ContainerError.invalidRequest` for one that is not there any more.
    func renewDevices(of container: Container) throws(ContainerError) {
        let memo = container.memo
        let isolation = memo.request.isolation
        // Where an update is at work, its own are written.
        let resources = memo.update ?? memo.request.resources
        let hasRates = !(resources.devices ?? []).isEmpty
        guard hasRates || isolation?.privileged == true || !(isolation?.devices ?? []).isEmpty else { return }
        do throws(ContainerError) {
            try rewriteSpec(of: container) { spec throws(ContainerError) in
                try IsolationPlan.renewDevices(of: isolation, in: &spec)
                guard hasRates else { return }
                var rates = ResourceRequest()
                rates.devices = resources.devices
                Self.set(try ResourceLimits(resources, checking: rates), in: &spec)
            }
        } catch {
            guard case .invalidRequest(let what, nil) = error else { throw error }
            throw .invalidRequest(
                what, remedy: "bring it back, or make the container anew without it; `ctr-swift update` with a rate of 0 takes a limit away"
            )
        }
    }

    /// The node's resolvers and hosts, as they are at this start, for one with the node's network: they change with it.
    func renewNetworkFiles(of container: Container) throws(ContainerError) {
        guard container.memo.request.network == .host else { return }
        try kernelStep("write the network files of \(container.id.short)") { () throws(KernelError) in
            try NetworkFiles.renew(in: container.paths.networkFiles)
        }
    }
}
