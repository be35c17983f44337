// SPDX-License-Identifier: Apache-2.0

package import Linux

/// A start that did not come to an exec. Nothing of the container is left: no process, no cgroup, no mount.
package struct LaunchError: Error, Sendable, Hashable, Codable {
    package var step: LaunchStep
    /// What was wrong, where the kernel call alone does not say it.
    package var reason: String?
    package var kernel: KernelError?
    /// As `docker run` tells them: 125 the runtime refused, 126 the program can't be invoked, 127 it was not found.
    package var exitCode: Int32

    package init(step: LaunchStep, reason: String? = nil, kernel: KernelError? = nil, exitCode: Int32 = 125) {
        self.step = step
        self.reason = reason
        self.kernel = kernel
        self.exitCode = exitCode
    }

    /// A spec that asks for what can't be: found before anything is made.
    static func refused(_ reason: String) -> LaunchError { LaunchError(step: .plan, reason: reason) }
}

extension LaunchError: CustomStringConvertible {
    /// Without the step.
    package var explanation: String { [reason, kernel.map { "\($0)" }].compactMap(\.self).joined(separator: ": ") }
    package var description: String { "\(step.rawValue): \(explanation)" }
}

/// Runs kernel calls as a part of one step: their errors become `LaunchError`s of it.
@discardableResult
func during<Result: ~Copyable>(
    _ step: LaunchStep, _ reason: @autoclosure () -> String? = nil, _ body: () throws(KernelError) -> Result
) throws(LaunchError) -> Result {
    do throws(KernelError) {
        return try body()
    } catch {
        throw LaunchError(step: step, reason: reason(), kernel: error)
    }
}
