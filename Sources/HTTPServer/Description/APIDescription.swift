// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// docs/api/openapi.yaml, as this server holds it: to serve it, and to check requests by it.
struct APIDescription: Sendable {
    /// The document as compact JSON.
    let bytes: [UInt8]
    let createContainer: RequestSchema
    let stop: RequestSchema
    let kill: RequestSchema
    let rename: RequestSchema
    let update: RequestSchema
    let exec: RequestSchema
    let pull: RequestSchema
    let registryCheck: RequestSchema
    let prune: RequestSchema
    let check: RequestSchema
    let repair: RequestSchema

    /// - Throws: where the document does not say what this server needs: it was built from a broken one.
    init() throws(APIDescriptionError) {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSON.parse(Array(openAPIDocument.utf8))
            bytes = try JSON.encode(document)
        } catch {
            throw APIDescriptionError(place: "document", reason: "\(error)")
        }
        guard let schemas = document["components"]?["schemas"]?.objectValue else {
            throw APIDescriptionError(place: "/components/schemas", reason: "missing")
        }
        let reader = SchemaReader(schemas: schemas)
        createContainer = try reader.named("CreateContainerRequest")
        stop = try reader.named("StopRequest")
        kill = try reader.named("KillRequest")
        rename = try reader.named("RenameRequest")
        update = try reader.named("UpdateContainerRequest")
        exec = try reader.named("ExecRequest")
        pull = try reader.named("PullRequest")
        registryCheck = try reader.named("RegistryCheckRequest")
        prune = try reader.named("PruneRequest")
        check = try reader.named("CheckRequest")
        repair = try reader.named("RepairRequest")
    }
}

/// The API's description is not usable; a mistake in this project, found by the first start.
package struct APIDescriptionError: Error, CustomStringConvertible {
    var place: String
    var reason: String

    package var description: String { "the API description at \(place): \(reason)" }
}

/// Turns the document's schemas into what requests are checked by.
private struct SchemaReader {
    let schemas: JSONObject

    func named(_ name: String) throws(APIDescriptionError) -> RequestSchema {
        guard let schema = schemas[name] else { throw APIDescriptionError(place: name, reason: "missing") }
        return try read(schema, at: name, depth: 0)
    }

    private func read(_ value: JSONValue, at place: String, depth: Int) throws(APIDescriptionError) -> RequestSchema {
        guard let schema = value.objectValue, depth < 16 else { throw APIDescriptionError(place: place, reason: "no schema, or too deep") }
        if case .string(let target)? = schema["$ref"] {
            let name = String(target.drop { $0 != "/" }.split(separator: "/").last ?? "")
            guard let referred = schemas[name] else { throw APIDescriptionError(place: place, reason: "no schema \(target)") }
            return try read(referred, at: name, depth: depth + 1)
        }
        guard case .string(let type)? = schema["type"] else { throw APIDescriptionError(place: place, reason: "no type") }
        switch type {
        case "boolean": return .boolean
        case "integer": return .integer(try range(schema, "minimum", "maximum", orElse: .min...(.max), at: place))
        case "string":
            let length = try range(schema, "minLength", "maxLength", orElse: 0...(1 << 20), at: place)
            return .string(length: Int(length.lowerBound)...Int(length.upperBound), choices: strings(schema["enum"]))
        case "array":
            guard let items = schema["items"] else { throw APIDescriptionError(place: place, reason: "no items") }
            let count = try range(schema, "minItems", "maxItems", orElse: 0...(1 << 20), at: place)
            return .array(of: try read(items, at: place + "/items", depth: depth + 1), limit: Int(count.upperBound))
        case "object": return try object(schema, at: place, depth: depth)
        default: throw APIDescriptionError(place: place, reason: "type \(type)")
        }
    }

    private func object(_ schema: JSONObject, at place: String, depth: Int) throws(APIDescriptionError) -> RequestSchema {
        var members: [String: RequestSchema] = [:]
        if case .object(let properties)? = schema["properties"] {
            for (name, property) in properties.members { members[name] = try read(property, at: "\(place)/\(name)", depth: depth + 1) }
        }
        var others: RequestSchema?
        switch schema["additionalProperties"] {
        case .bool(false): others = nil
        case .object(let schema): others = try read(.object(schema), at: place + "/*", depth: depth + 1)
        default: throw APIDescriptionError(place: place, reason: "a request's object must say what additionalProperties are")
        }
        let count = try range(schema, "minProperties", "maxProperties", orElse: 0...(1 << 20), at: place)
        return .object(members: members, required: strings(schema["required"]) ?? [], others: others, limit: Int(count.upperBound))
    }

    private func strings(_ value: JSONValue?) -> [String]? {
        guard case .array(let values)? = value else { return nil }
        return values.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    private func range(
        _ schema: JSONObject, _ lower: String, _ upper: String, orElse: ClosedRange<Int64>, at place: String
    ) throws(APIDescriptionError) -> ClosedRange<Int64> {
        let bounds = [lower, upper].map { name -> Int64? in
            guard case .number(let number)? = schema[name] else { return nil }
            return number.integer(Int64.self)
        }
        let (from, to) = (bounds[0] ?? orElse.lowerBound, bounds[1] ?? orElse.upperBound)
        guard from <= to else { throw APIDescriptionError(place: place, reason: "\(lower) is above \(upper)") }
        return from...to
    }
}
