// SPDX-License-Identifier: Apache-2.0

/// This client's own version.
package let clientVersion = "0.1.0"
