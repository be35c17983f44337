// SPDX-License-Identifier: Apache-2.0

/// A name that an entry of a layer changes.
struct Touch {
    /// As the entry has it.
    var spelled: [[UInt8]]
    /// Where that is, links followed.
    var place: [[UInt8]]
    /// The links of lower layers on the way.
    var followed: [[[UInt8]]]
    var isMark = false
    var isOpaque = false
    var isDirectory = false
    /// A directory that is there already only gets its attributes.
    var merges = false

    /// The links of the layer itself on the way, and whether one of a lower layer led there.
    var ownLinks: [(place: [[UInt8]], behindOther: Bool)]

    init(spelled: [[UInt8]], name: [UInt8]?, in place: ModelTree.Place) {
        self.spelled = spelled
        self.place = place.path + (name.map { [$0] } ?? [])
        followed = place.followed
        ownLinks = place.ownLinks
    }
}

/// Finds entries of one layer whose meaning depends on their order only because of a link in a lower layer: `lib/x` and `usr/lib/x` where
/// lib is a link. Extraction of the layer alone can't know; no tool writes such layers.
struct Touches {
    private var all: [Touch] = []

    mutating func add(_ touch: Touch) throws(ModelRefusal) {
        for other in all where Self.conflict(other, touch) { throw .ambiguous("two ways to one place") }
        if Self.changes(touch, theWayOf: touch) { throw .ambiguous("a way that ends itself") }
        for link in touch.ownLinks {
            let isKnown = all.contains { other in
                other.place == link.place && (touch.spelled.starts(with: other.spelled) || other.followed.isEmpty && !link.behindOther)
            }
            if !isKnown { throw .ambiguous("a link of the layer by another way") }
        }
        all.append(touch)
    }

    func isBehindLink(_ place: [[UInt8]]) -> Bool { all.contains { $0.place == place && !$0.followed.isEmpty } }

    func hasFile(above name: some Collection<[UInt8]>) -> Bool {
        all.contains { !$0.isMark && !$0.isDirectory && (name.starts(with: $0.spelled) || name.starts(with: $0.place)) }
    }

    func wasMade(_ place: [[UInt8]]) -> Bool { all.contains { $0.place == place && !$0.isMark && !$0.isDirectory } }

    func wasMade(_ place: [[UInt8]], notBy spelling: [[UInt8]]) -> Bool {
        all.contains { $0.place == place } && !all.contains { $0.place == place && $0.spelled == spelling }
    }

    /// A link that led somewhere, or a directory that holds it, is itself replaced.
    private static func changes(_ one: Touch, theWayOf other: Touch) -> Bool {
        !one.merges && other.followed.contains { $0.starts(with: one.place) }
    }

    private static func conflict(_ one: Touch, _ other: Touch) -> Bool {
        // A deletion below what the layer itself says is no directory.
        for (mark, file) in [(one, other), (other, one)] where mark.isMark && !file.isMark && !file.isDirectory {
            if mark.spelled.starts(with: file.spelled), mark.isOpaque || mark.spelled != file.spelled { return true }
            if mark.place.starts(with: file.place), mark.isOpaque || mark.place != file.place { return true }
        }
        if changes(one, theWayOf: other) || changes(other, theWayOf: one) { return true }
        if one.followed.isEmpty && other.followed.isEmpty { return false }
        let (outer, inner) = one.place.count <= other.place.count ? (one, other) : (other, one)
        guard inner.place.starts(with: outer.place) else { return false }
        let isHarmless = outer.merges && inner.place.count > outer.place.count
        return !inner.spelled.starts(with: outer.spelled) && !isHarmless
    }
}
