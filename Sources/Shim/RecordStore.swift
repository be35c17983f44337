// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// Records on their way to the disk. A log that can't be written never stops the container: what is lost is counted, and told when writing
/// works again.
struct RecordStore: ~Copyable {
    private var file: LogFile
    private var lostBytes = 0

    init(_ file: consuming LogFile) { self.file = file }

    /// - Parameter records: whole ones.
    mutating func store(_ records: ArraySlice<UInt8>) {
        guard !records.isEmpty else { return }
        if lostBytes > 0 {
            let notice = LogRecords.notice("\(lostBytes) bytes of log records could not be written")
            let (written, _) = file.write(notice[...])
            if written < notice.count {
                lostBytes += records.count
                return
            }
            lostBytes = 0
        }
        let (written, error) = file.write(records)
        guard let error else { return }
        if lostBytes == 0 { Complaint.write("the log can't be written: \(error)") }
        lostBytes += records.count - written
    }
}
