// SPDX-License-Identifier: Apache-2.0

package import APITypes

extension MountFlag {
    /// The grammar of `--mount`: `type=bind,src=/host,dst=/container,ro`, fields of a line of CSV as Docker takes them.
    package static func mount(_ text: String, workingDirectory: String) throws(UsageError) -> MountRequest {
        let fields = try MountFields(text)
        let kind = try fields.kind()
        var mount = MountRequest(type: kind, target: try fields.target())
        mount.readOnly = try fields.flag("readonly") ?? false
        switch kind {
        case .bind: try fields.bind(&mount, workingDirectory)
        case .tmpfs: try fields.tmpfs(&mount)
        case .image: try fields.image(&mount)
        }
        return mount
    }
}

/// What one `--mount` says, each name once and in its first spelling.
private struct MountFields {
    private let text: String
    /// nil for a name without a value.
    private var values: [String: String?] = [:]

    private static let otherNames = [
        "src": "source", "dst": "target", "destination": "target", "ro": "readonly", "bind-nonrecursive": "nonrecursive",
        "image-subpath": "subpath",
    ]

    init(_ text: String) throws(UsageError) {
        self.text = text
        for field in try Self.split(text) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = Self.otherNames[parts[0]] ?? parts[0]
            guard !name.isEmpty else { throw Self.error(text, "an empty field", remedy: "use type=bind,src=/host,dst=/container") }
            guard values.updateValue(parts.count == 2 ? parts[1] : nil, forKey: name) == nil else {
                throw Self.error(text, "\"\(terminalSafe(name))\" is given twice")
            }
        }
    }

    /// Source: RFC 4180: a field with commas stands in double quotes, and a quote in it is written twice.
    private static func split(_ text: String) throws(UsageError) -> [String] {
        var fields: [String] = []
        var field = ""
        var rest = text.unicodeScalars[...]
        var isQuoted = false
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"" where isQuoted && rest.first == "\"":
                field.unicodeScalars.append(scalar)
                rest.removeFirst()
            case "\"" where isQuoted:
                guard rest.isEmpty || rest.first == "," else { throw error(text, "text behind a closing quote") }
                isQuoted = false
            case "\"" where field.isEmpty: isQuoted = true
            case "," where !isQuoted:
                fields.append(field)
                field = ""
            default: field.unicodeScalars.append(scalar)
            }
        }
        guard !isQuoted else { throw error(text, "a quote that is not closed") }
        return fields + [field]
    }

    private static func error(_ text: String, _ reason: String, remedy: String? = nil) -> UsageError {
        UsageError("--mount", text, reason, remedy: remedy)
    }

    func kind() throws(UsageError) -> MountRequest.Kind {
        switch values["type"] ?? nil {
        case let name? where MountRequest.Kind(rawValue: name) != nil: return MountRequest.Kind(rawValue: name) ?? .bind
        case nil, "volume":
            throw Self.error(
                text, "named volumes are not there yet",
                remedy: "use type=bind,src=/host,dst=/container, type=tmpfs,dst=/container or type=image,src=IMAGE,dst=/container")
        case let name?: throw Self.error(text, "no type \"\(terminalSafe(name))\"", remedy: "use type=bind, type=tmpfs or type=image")
        }
    }

    func target() throws(UsageError) -> String {
        guard let target = values["target"] ?? nil, target.hasPrefix("/") else {
            throw Self.error(text, "no absolute path in the container", remedy: "add dst=/container")
        }
        return target
    }

    /// `ro`, `ro=true`, `ro=0`.
    func flag(_ name: String) throws(UsageError) -> Bool? {
        guard let value = values[name] else { return nil }
        switch value {
        case nil, "true", "1": return true
        case "false", "0": return false
        case let other?: throw Self.error(text, "\(name) \"\(terminalSafe(other))\" is neither true nor false")
        }
    }

    /// Whatever is not known for the type is refused: it may be a limit, misspelt.
    private func check(_ kind: String, _ known: Set<String>) throws(UsageError) {
        let unknown = values.keys.filter { !known.contains($0) && !["type", "target", "readonly"].contains($0) }.sorted()
        guard let name = unknown.first else { return }
        throw Self.error(
            text, "no option \"\(terminalSafe(name))\" for type=\(kind)",
            remedy: "\((["dst", "ro"] + known.sorted()).joined(separator: ", ")) are known")
    }

    private func value(_ name: String) throws(UsageError) -> String? {
        guard let value = values[name] else { return nil }
        guard let value, !value.isEmpty else { throw Self.error(text, "\(name) has no value") }
        return value
    }

    func bind(_ mount: inout MountRequest, _ workingDirectory: String) throws(UsageError) {
        try check("bind", ["source", "bind-propagation", "nonrecursive", "bind-recursive", "idmap"])
        guard let source = try value("source") else { throw Self.error(text, "no source", remedy: "add src=/host") }
        mount.source = try MountFlag.source(source, text, workingDirectory, option: "--mount")
        if let propagation = try value("bind-propagation") {
            guard ["private", "rprivate", "slave", "rslave", "shared", "rshared"].contains(propagation) else {
                throw Self.error(
                    text, "no propagation \"\(terminalSafe(propagation))\"",
                    remedy: "use rprivate, private, rslave, slave, rshared or shared"
                )
            }
            mount.options.append(propagation)
        }
        var isRecursive = try flag("nonrecursive").map { !$0 }
        switch try value("bind-recursive") {
        case nil: break
        case "enabled" where isRecursive == nil: isRecursive = true
        case "disabled" where isRecursive == nil: isRecursive = false
        case let other?:
            throw Self.error(text, "bind-recursive=\(terminalSafe(other)) can't be had here", remedy: "use enabled or disabled, once")
        }
        if isRecursive == false { mount.options.append("bind") }
        if let isMapped = try flag("idmap") { mount.options.append(isMapped ? "idmap" : "noidmap") }
    }

    func image(_ mount: inout MountRequest) throws(UsageError) {
        try check("image", ["source", "subpath"])
        guard let source = try value("source") else { throw Self.error(text, "no image", remedy: "add src=IMAGE") }
        guard try flag("readonly") != false else { throw Self.error(text, "an image is mounted read-only") }
        mount.source = source
        mount.readOnly = true
        mount.subpath = try value("subpath")
    }

    func tmpfs(_ mount: inout MountRequest) throws(UsageError) {
        try check("tmpfs", ["tmpfs-size", "tmpfs-mode"])
        for (name, option) in [("tmpfs-size", "size"), ("tmpfs-mode", "mode")] {
            guard let value = try value(name) else { continue }
            let bytes = option == "size" ? "\(try Quantity.bytes(value, option: "--mount \(name)"))" : value
            guard MountFlag.isTmpfsOption("\(option)=\(bytes)") else { throw Self.error(text, "\(name) \"\(terminalSafe(value))\"") }
            mount.options.append("\(option)=\(bytes)")
        }
    }
}
