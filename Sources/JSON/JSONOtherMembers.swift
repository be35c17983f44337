// SPDX-License-Identifier: Apache-2.0

/// The members of an object that its type has no property for: kept, so that a document read, changed and written again loses nothing.
///
/// A property of this type, whatever its name, takes from this project's decoder all members that no other coding key of the type
/// names, and gives them back to the encoder, after the others. It works with `JSON` only.
public struct JSONOtherMembers: Sendable, Hashable {
    public var members: JSONObject

    public init(_ members: JSONObject = JSONObject()) { self.members = members }
}

extension JSONOtherMembers: Codable {
    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            .init(codingPath: decoder.codingPath, debugDescription: "other members are read only with JSON, as members"))
    }

    public func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            self, .init(codingPath: encoder.codingPath, debugDescription: "other members are written only with JSON, as members"))
    }
}
