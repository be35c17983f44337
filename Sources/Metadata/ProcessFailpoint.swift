// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Ends or stops this process at a step of its work (`StoreStep`, `ContainerStep`), where its environment asks for it:
/// `CTR_SWIFT_FAILPOINT=kill:layerPlaced:2` at the second layer that is placed. `stop` (SIGSTOP) lets a test cut the power before it kills.
///
/// In the shipped program, because that is what crash tests judge. Who sets the daemon's environment can end it anyway; unset, a step
/// costs one comparison.
package final class ProcessFailpoint: Sendable {
    package static let variable = "CTR_SWIFT_FAILPOINT"

    /// The variable's text, as it was when it was first looked at.
    package static let text = getenv(variable).map { String(cString: $0) }
    static let asked = text.flatMap(ProcessFailpoint.init)

    /// False where the variable says something that isn't understood: a crash that does not come would be a test that can't fail.
    package static var isUnderstood: Bool { (text == nil) == (asked == nil) }

    private let step: String
    private let signal: Int32
    private let left: Atomic<Int>

    private init?(_ text: String) {
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        guard words.count == 3, let count = Int(words[2]), count > 0 else { return nil }
        let step = String(words[1])
        guard StoreStep(rawValue: step) != nil || ContainerStep(rawValue: step) != nil else { return nil }
        switch words[0] {
        case "kill": signal = SIGKILL
        case "stop": signal = SIGSTOP
        default: return nil
        }
        self.step = step
        left = Atomic(count)
    }

    func note(_ reached: String) {
        guard reached == step, left.subtract(1, ordering: .relaxed).newValue == 0 else { return }
        // To this thread: one that is sent to the process may be taken by another, and this one would go on for a while.
        raise(signal)
    }
}

extension StoreStep {
    /// Where a test asked for it, the process ends here.
    package func reach() { ProcessFailpoint.asked?.note(rawValue) }
}
