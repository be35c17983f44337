// SPDX-License-Identifier: Apache-2.0

import Metadata

/// What has to be found of "it" when the next daemon has finished what the first one had begun.
enum Found: Equatable {
    case absent
    case created
    /// - Parameter sameProcess: as before the verb.
    case running(sameProcess: Bool)
    case paused
    case ended(Int)
    /// One of the two that were to be removed is left.
    case oneLeft
    case renamed
}

/// Where, in what, at which of its occurrences the daemon is killed.
struct LiveScenario: CustomStringConvertible {
    var step: String
    var verb: LiveVerb
    var count = 1
    var found: Found

    var description: String { "\(step):\(count) of \(verb.rawValue)" }

    /// Of every step of a container's life that there is.
    static let all = ContainerStep.allCases.flatMap(\.scenarios) + ofTheStore

    /// Those of them that change the root are `StoreStep`s, whose other scenarios are about the root.
    private static let ofTheStore =
        // The witness was made before.
        at(.upperMade, [.create: .absent, .run: .absent], count: 2) + at(.bundleWritten, [.create: .absent], count: 2)
        + at(.containerRecorded, [.create: .created, .run: .created], count: 2)
        + at(.containerForgotten, [.remove: .absent, .removeForce: .absent, .runRemoved: .absent, .endRemoved: .absent, .prune: .oneLeft])
        + at(.containerDiscarded, [.remove: .absent, .endRemoved: .absent])
        + at(.containerStateRemoved, [.remove: .absent, .runRemoved: .absent])
        + at(.containerStateRemoved, [.prune: .absent], count: 2)

    private static func at(_ step: StoreStep, _ verbs: KeyValuePairs<LiveVerb, Found>, count: Int = 1) -> [LiveScenario] {
        verbs.map { LiveScenario(step: step.rawValue, verb: $0.key, count: count, found: $0.value) }
    }
}

extension ContainerStep {
    /// A new step does not compile until it is told here in what it is reached.
    fileprivate var scenarios: [LiveScenario] {
        switch self {
        // The witness was started before.
        case .stateMade, .shimConfigured:
            at([.start: .created, .run: .created], count: 2) + at([.startAgain: .ended(5)], count: 3)
                + at([.endRestarted: .running(sameProcess: false)], count: 3)
        case .shimBegun, .startTold, .startListened:
            at([.start: .running(sameProcess: false), .run: .running(sameProcess: false)], count: 2)
                + at([.startAgain: .running(sameProcess: false), .endRestarted: .running(sameProcess: false)], count: 3)
        case .stopNoted: at([.stop: .running(sameProcess: true), .removeForce: .absent])
        case .stopSignalled:
            at([
                .stop: .ended(3), .stopSlow: .ended(137), .stopPaused: .ended(3), .restart: .running(sameProcess: false),
                .restartRemoved: .running(sameProcess: false),
            ])
        case .stopKilled: at([.stopSlow: .ended(137), .removeForce: .absent])
        case .stopFinished:
            at([
                .stop: .ended(3), .stopSlow: .ended(137), .removeForce: .absent, .restart: .running(sameProcess: false),
                .restartRemoved: .running(sameProcess: false),
            ])
        case .killSignalled: at([.kill: .ended(137)])
        case .removalNoted: at([.removeForce: .absent])
        case .restartNoted: at([.restart: .running(sameProcess: true)])
        case .restartStopped, .restartStarted:
            at([.restart: .running(sameProcess: false), .restartRemoved: .running(sameProcess: false)])
        case .restartCounted, .restartMade: at([.endRestarted: .running(sameProcess: false)])
        case .frozen: at([.pause: .paused])
        case .thawed: at([.unpause: .running(sameProcess: true)])
        case .updateNoted, .limitsApplied, .limitsWritten, .updateRecorded: at([.update: .running(sameProcess: true)])
        case .renameRecorded: at([.rename: .renamed])
        case .execDescribed, .execRequested, .execStarted:
            at([.exec: .running(sameProcess: true), .execDetached: .running(sameProcess: true)])
        case .endHeard, .endRecorded, .monitorGone, .endTidied:
            at([
                .end: .ended(7), .endRemoved: .absent, .runRemoved: .absent, .endRestarted: .running(sameProcess: false),
            ])
        }
    }

    private func at(_ verbs: KeyValuePairs<LiveVerb, Found>, count: Int = 1) -> [LiveScenario] {
        verbs.map { LiveScenario(step: rawValue, verb: $0.key, count: count, found: $0.value) }
    }
}
