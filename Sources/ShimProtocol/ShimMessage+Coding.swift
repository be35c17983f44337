// SPDX-License-Identifier: Apache-2.0

// The form on the wire, as docs/api/attach.md describes it: {"message":"exited","exit":{"exitCode":0,…}}.
extension ShimMessage {
    private enum Name: String, Codable {
        case started, failed, attached, done, refused, status, exited, execStarted, execs, execExited, health
    }
    private enum CodingKeys: String, CodingKey { case message, started, failure, streams, reason, status, exit, id, pid, execs, health }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        switch try values.decode(Name.self, forKey: .message) {
        case .started: self = .started(try values.decode(ShimStarted.self, forKey: .started))
        case .failed: self = .failed(try values.decode(ShimFailure.self, forKey: .failure))
        case .attached: self = .attached(streams: try values.decode([ShimStream].self, forKey: .streams))
        case .done: self = .done
        case .refused: self = .refused(try values.decode(String.self, forKey: .reason))
        case .status: self = .status(try values.decode(ShimStatus.self, forKey: .status))
        case .exited: self = .exited(try values.decode(ShimExit.self, forKey: .exit))
        case .execStarted:
            self = .execStarted(id: try values.decode(String.self, forKey: .id), pid: try values.decode(Int32.self, forKey: .pid))
        case .execs: self = .execs(try values.decode([ShimExecStatus].self, forKey: .execs))
        case .health: self = .health(try values.decode(ShimHealthReport.self, forKey: .health))
        case .execExited:
            self = .execExited(id: try values.decode(String.self, forKey: .id), exit: try values.decode(ShimExit.self, forKey: .exit))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .started(let started):
            try values.encode(Name.started, forKey: .message)
            try values.encode(started, forKey: .started)
        case .failed(let failure):
            try values.encode(Name.failed, forKey: .message)
            try values.encode(failure, forKey: .failure)
        case .attached(let streams):
            try values.encode(Name.attached, forKey: .message)
            try values.encode(streams, forKey: .streams)
        case .done: try values.encode(Name.done, forKey: .message)
        case .refused(let reason):
            try values.encode(Name.refused, forKey: .message)
            try values.encode(reason, forKey: .reason)
        case .status(let status):
            try values.encode(Name.status, forKey: .message)
            try values.encode(status, forKey: .status)
        case .exited(let exit):
            try values.encode(Name.exited, forKey: .message)
            try values.encode(exit, forKey: .exit)
        case .execStarted(let id, let pid):
            try values.encode(Name.execStarted, forKey: .message)
            try values.encode(id, forKey: .id)
            try values.encode(pid, forKey: .pid)
        case .execs(let execs):
            try values.encode(Name.execs, forKey: .message)
            try values.encode(execs, forKey: .execs)
        case .health(let report):
            try values.encode(Name.health, forKey: .message)
            try values.encode(report, forKey: .health)
        case .execExited(let id, let exit):
            try values.encode(Name.execExited, forKey: .message)
            try values.encode(id, forKey: .id)
            try values.encode(exit, forKey: .exit)
        }
    }
}
