// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What is asked of the daemon when it is killed, always about the container "it".
enum LiveVerb: String {
    case create, start, startAgain, run, runRemoved
    case stop, stopSlow, stopPaused, kill, restart, restartRemoved, pause, unpause, update, rename, remove, removeForce
    case exec, execDetached, prune
    /// It ends by itself: once, with `--rm`, and under a policy that starts it again.
    case end, endRemoved, endRestarted

    private static let shell = ["/bin/busybox", "sh", "-c"]
    /// Ends with 3 when it is stopped, with 7 by SIGUSR1.
    private static let polite = shell + ["trap 'exit 3' TERM; trap 'exit 7' USR1; echo ready; while :; do sleep 0.01; done"]
    /// Hears the stop signal, says so, and goes on.
    private static let stubborn = shell + ["trap 'echo heard' TERM; echo ready; while :; do sleep 0.01; done"]
    /// Ends with 9, and lives on from the second time on.
    private static let second = shell + ["test -e /again && { echo again; exec sleep 1000; }; touch /again; exit 9"]

    /// Before the crash: nothing of it is a step that the failpoint waits for, or its count says so.
    func prepare(_ node: Node, _ image: String) throws {
        switch self {
        case .create, .run, .runRemoved, .endRestarted: break
        case .start: try node.good(["create", "--name", "it", image] + Self.polite)
        case .startAgain:
            let script =
                Self.shell + ["test -e /again || { touch /again; exit 5; }; trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done"]
            try node.good(["run", "-d", "--name", "it", "--upper", "volatile", image] + script)
            try node.good("wait", "it")
        case .stopSlow: try ready(node, [image] + Self.stubborn)
        case .stopPaused, .unpause:
            try ready(node, [image] + Self.polite)
            try node.good("pause", "it")
        case .stop, .kill, .restart: try ready(node, ["--restart", "unless-stopped", image] + Self.polite)
        case .pause, .rename, .removeForce, .exec, .execDetached, .end: try ready(node, [image] + Self.polite)
        case .update: try ready(node, ["-m", "64m", image] + Self.polite)
        case .endRemoved, .restartRemoved: try ready(node, ["--rm", image] + Self.polite)
        case .remove:
            try node.good(["run", "-d", "--name", "it", image] + Self.shell + ["exit 5"])
            try node.good("wait", "it")
        case .prune:
            for name in ["it", "other"] {
                try node.good(["run", "-d", "--name", name, image] + Self.shell + ["exit 5"])
                try node.good("wait", name)
            }
        }
    }

    private func ready(_ node: Node, _ arguments: [String]) throws {
        try node.good(["run", "-d", "--log", "file", "--name", "it"] + arguments)
        try node.wait(forLog: "ready", of: "it")
    }

    /// The command line that the daemon does not survive.
    func arguments(_ image: String) -> [String] {
        switch self {
        case .create: ["create", "--name", "it", image] + Self.polite
        case .start, .startAgain: ["start", "it"]
        case .run: ["run", "-d", "--name", "it", image] + Self.polite
        // A program that ends at once would end before its client has heard of it, and nobody could tell that client more after the crash.
        case .runRemoved: ["run", "--rm", "--name", "it", image] + Self.shell + ["echo said; sleep 0.5; exit 4"]
        case .stop, .stopPaused: ["stop", "-t", "100", "it"]
        case .stopSlow: ["stop", "-t", "2", "it"]
        case .kill: ["kill", "it"]
        case .restart, .restartRemoved: ["restart", "-t", "100", "it"]
        case .pause: ["pause", "it"]
        case .unpause: ["unpause", "it"]
        case .update: ["update", "-m", "128m", "it"]
        case .rename: ["rename", "it", "that"]
        case .remove: ["rm", "it"]
        case .removeForce: ["rm", "-f", "it"]
        case .exec: ["exec", "it"] + Self.shell + ["exec sleep 1000"]
        case .execDetached: ["exec", "-d", "it"] + Self.shell + ["exec sleep 1000"]
        case .prune: ["prune", "--containers"]
        case .end, .endRemoved: ["kill", "-s", "USR1", "it"]
        case .endRestarted: ["run", "-d", "--name", "it", "--restart", "on-failure:1", image] + Self.second
        }
    }
}

extension Node {
    @discardableResult
    func good(_ arguments: [String]) throws -> String {
        let outcome = try ctr(arguments)
        guard outcome.code == 0 else { throw Failure("\(arguments.joined(separator: " ")): \(outcome)") }
        return outcome.output
    }
}
