// SPDX-License-Identifier: Apache-2.0

import Glibc
import Metadata

/// What is under way when the crash comes.
enum Work: String, CaseIterable {
    case start, pull, pullBroken, pullUnsynced, load, remove, create, removeContainer, repair

    var ground: Ground {
        switch self {
        case .start: .nothing
        case .pull, .pullBroken, .pullUnsynced, .load, .create: .old
        case .remove, .repair: .both
        case .removeContainer: .container
        }
    }

    /// The command line's arguments; nil is a start of the daemon alone.
    func arguments(_ grounds: CrashGrounds) -> [String]? {
        switch self {
        case .start: nil
        case .pull, .pullUnsynced: ["pull", grounds.reference(.new)]
        case .pullBroken: ["pull", grounds.brokenReference]
        case .load: ["image", "load", "-i", grounds.archive]
        case .remove: ["rmi", grounds.reference(.new)]
        case .create: ["create", "--userns", "auto", "--name", "made", grounds.reference(.old), "/bin/busybox", "true"]
        case .removeContainer: ["rm", "there"]
        case .repair: ["repair", grounds.layers.keys.sorted().first ?? ""]
        }
    }

    /// What the command does to `new`.
    var brings: Bool { self == .pull || self == .load }
    var takes: Bool { self == .remove }
}

/// Where, in what, at which of its occurrences the process ends.
struct Scenario: CustomStringConvertible {
    var step: StoreStep
    var work: Work
    var ground: Ground
    var count: Int
    /// From this step on the work is done, and has to be found done.
    var isDone: Bool

    var description: String { "\(step.rawValue):\(count) of \(work.rawValue) on \(ground.rawValue)" }

    /// Of every step there is, and in the long run also of later occurrences and of other work.
    static let all = StoreStep.allCases.flatMap { step in isLongRun ? step.scenarios : Array(step.scenarios.prefix(1)) }

    static let isLongRun = getenv("CTR_SWIFT_SLOW_TESTS") != nil
}

extension StoreStep {
    /// A new step does not compile until it is told here in what it is reached.
    fileprivate var scenarios: [Scenario] {
        switch self {
        case .databaseMade: at(.start)
        // From the first version to the second; and a new database between any two.
        case .schemaScriptRun: at(.start, on: .aged) + at(.start, counts: [1, 2])
        case .schemaVersionReached: at(.start, counts: [1, 2]) + at(.start, on: .aged)
        case .leftoverSwept: at(.start, on: .littered, counts: [1, 4])
        case .strayBlobSwept: at(.start, on: .littered, counts: [2])
        case .archiveSpooled, .archiveInflated: at(.load)
        case .archiveRemoved: at(.load, isDone: true)
        case .ingestMade: at(.pull, counts: [1, 3])
        case .entryExtracted: at(.pull, counts: [1, 70]) + at(.load, counts: [100])
        case .layerExtracted: at(.pull, counts: [1, 2])
        case .ingestAbandoned: at(.pullBroken)
        case .blobBegun, .blobWritten, .blobPlaced, .blobRecorded: at(.pull, counts: [1, 4]) + at(.load)
        case .fixupBuilt, .layersDescribed, .layersSynced, .directoriesSynced: at(.pull)
        case .layerPlaced: at(.pull, counts: [1, 2, 3])
        case .recordRefused: at(.pullUnsynced)
        case .imageRecorded: at(.pull, isDone: true) + at(.load, isDone: true)
        case .imageForgotten, .referencesForgotten, .layersForgotten, .layersDiscarded, .blobsForgotten, .blobsRemoved:
            at(.remove, isDone: true)
        case .layerDiscarded: at(.remove, counts: [1, 2], isDone: true)
        case .trashTaken, .trashDeleted: at(.remove, isDone: true) + at(.start, on: .littered)
        case .identitiesClaimed, .upperMade, .bundleWritten, .containerRecorded: at(.create)
        case .replacementRecorded, .treesExchanged, .replacementFinished: at(.repair)
        case .containerForgotten, .containerDiscarded, .containerStateRemoved: at(.removeContainer)
        }
    }

    private func at(_ work: Work, on ground: Ground? = nil, counts: [Int] = [1], isDone: Bool = false) -> [Scenario] {
        counts.map { Scenario(step: self, work: work, ground: ground ?? work.ground, count: $0, isDone: isDone) }
    }
}
