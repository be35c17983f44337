// SPDX-License-Identifier: Apache-2.0

/// The moments at which the root has just changed, and between which the end of the process, or of the power, must not matter.
///
/// A crash test for each of them is required: tests iterate `allCases`.
package enum StoreStep: String, Sendable, Hashable, CaseIterable {
    // The database.
    /// SQLite has written its header; there is no table yet.
    case databaseMade
    /// In the transaction.
    case schemaScriptRun
    case schemaVersionReached

    // A start.
    /// One more leftover of the last process is in the trash.
    case leftoverSwept
    case strayBlobSwept

    // A load, before its images are made.
    case archiveSpooled
    /// One that came compressed is a plain tar now, in a file of its own.
    case archiveInflated
    /// The images are there, and the archive is gone.
    case archiveRemoved

    // A layer.
    case ingestMade
    /// One more entry, or piece of a file, is about to be written.
    case entryExtracted
    case layerExtracted
    /// Its extraction failed, and what there was of it is in the trash.
    case ingestAbandoned

    // A blob: a document of an image, or a layer's stored bytes where they are kept.
    case blobBegun
    /// Written and checked, and not synced.
    case blobWritten
    case blobPlaced
    case blobRecorded

    // The commit of an image.
    case fixupBuilt
    case layersDescribed
    case layersSynced
    /// One more layer has been renamed into place.
    case layerPlaced
    case directoriesSynced
    /// The image is recorded.
    case imageRecorded
    /// The transaction failed, and what had been placed for it was taken back.
    case recordRefused

    // A repair.
    /// A repaired layer's new tree is in `replaced/`, and recorded.
    case replacementRecorded
    /// Old and new have changed places.
    case treesExchanged
    /// The layer's row tells of the new tree.
    case replacementFinished

    // A removal.
    case imageForgotten
    case referencesForgotten
    /// Rows of removed layers are gone, their directories are not.
    case layersForgotten
    /// One more of them is in the trash.
    case layerDiscarded
    case layersDiscarded
    case blobsForgotten
    case blobsRemoved

    // The trash.
    case trashTaken
    case trashDeleted

    // A container.
    /// One with a user namespace has its ids.
    case identitiesClaimed
    case upperMade
    case bundleWritten
    case containerRecorded
    case containerForgotten
    case containerDiscarded
    case containerStateRemoved
}
