// SPDX-License-Identifier: Apache-2.0

import OCI
import Runtime
import SystemPackage

// The hooks that belong to a verb and not to the start of a process. Source: runtime-spec runtime.md, "Lifecycle".
extension ContainerRecord {
    /// Runs them all; one that fails is told as a warning.
    func runHooks(_ moment: LifecycleHooks.Moment, status: Status, _ global: GlobalOptions) throws {
        let state = HookState(
            ociVersion: ociVersion, id: id, status: status.rawValue, pid: status == .stopped ? nil : pid, bundle: bundle,
            annotations: annotations)
        for complaint in try LifecycleHooks(hooks).runAll(moment, state) { warn(complaint, global) }
    }
}

extension Launching {
    /// After a hook that failed the container is gone, and its end has hooks, too.
    func runPoststopHooks(after error: any Error, _ global: GlobalOptions) {
        guard let step = (error as? LaunchError)?.step, [.createHooks, .containerHooks, .startHooks].contains(step) else { return }
        let state = HookState(
            ociVersion: spec.ociVersion, id: directory.id, status: ContainerRecord.Status.stopped.rawValue, pid: nil, bundle: bundle.string,
            annotations: spec.annotations)
        do { for complaint in try LifecycleHooks(spec.hooks).runAll(.poststop, state) { warn(complaint, global) } } catch {
            warn("\(error)", global)
        }
    }
}
