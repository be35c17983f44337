// SPDX-License-Identifier: Apache-2.0

// The form on the wire, as docs/api/attach.md describes it: {"request":"resize","rows":24,"columns":80}.
extension ShimRequest {
    private enum Name: String, Codable {
        case begin, attach, closeStdin, closeOutput, resize, signal, status, exec, attachExec, watch, probe
    }
    private enum CodingKeys: String, CodingKey { case request, stdin, stream, rows, columns, signal, by, killAfterMilliseconds, exec, id }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        switch try values.decode(Name.self, forKey: .request) {
        case .begin: self = .begin
        case .attach: self = .attach(stdin: try values.decode(Bool.self, forKey: .stdin))
        case .closeStdin: self = .closeStdin
        case .closeOutput: self = .closeOutput(try values.decode(ShimStream.self, forKey: .stream))
        case .resize:
            self = .resize(rows: try values.decode(UInt16.self, forKey: .rows), columns: try values.decode(UInt16.self, forKey: .columns))
        case .signal:
            self = .signal(
                try values.decode(Int32.self, forKey: .signal), by: try values.decodeIfPresent(String.self, forKey: .by),
                killAfterMilliseconds: try values.decodeIfPresent(UInt64.self, forKey: .killAfterMilliseconds))
        case .status: self = .status
        case .exec: self = .exec(try values.decode(ShimExec.self, forKey: .exec))
        case .attachExec:
            self = .attachExec(id: try values.decode(String.self, forKey: .id), stdin: try values.decode(Bool.self, forKey: .stdin))
        case .watch: self = .watch
        case .probe: self = .probe
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .begin: try values.encode(Name.begin, forKey: .request)
        case .attach(let stdin):
            try values.encode(Name.attach, forKey: .request)
            try values.encode(stdin, forKey: .stdin)
        case .closeStdin: try values.encode(Name.closeStdin, forKey: .request)
        case .closeOutput(let stream):
            try values.encode(Name.closeOutput, forKey: .request)
            try values.encode(stream, forKey: .stream)
        case .resize(let rows, let columns):
            try values.encode(Name.resize, forKey: .request)
            try values.encode(rows, forKey: .rows)
            try values.encode(columns, forKey: .columns)
        case .signal(let number, let request, let killAfter):
            try values.encode(Name.signal, forKey: .request)
            try values.encode(number, forKey: .signal)
            try values.encodeIfPresent(request, forKey: .by)
            try values.encodeIfPresent(killAfter, forKey: .killAfterMilliseconds)
        case .status: try values.encode(Name.status, forKey: .request)
        case .exec(let exec):
            try values.encode(Name.exec, forKey: .request)
            try values.encode(exec, forKey: .exec)
        case .attachExec(let id, let stdin):
            try values.encode(Name.attachExec, forKey: .request)
            try values.encode(id, forKey: .id)
            try values.encode(stdin, forKey: .stdin)
        case .watch: try values.encode(Name.watch, forKey: .request)
        case .probe: try values.encode(Name.probe, forKey: .request)
        }
    }
}
